// Plants one fault.
//
//   plant text FILE OUT TIMES FIND REPLACEMENT
//   plant bytes IN.elf OUT.elf SYMBOL OFFSET OLD NEW stale-sum|new-sum
//
// Exit status 0, or 2 with a line on stderr when the fault no longer fits what it is planted in.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "conformance/mutation/edits.h"

namespace {

using vmirom::BadEdit;

void write(const std::string& path, const char* begin, size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(begin, size);
  if (!out.flush()) throw BadEdit("cannot write " + path);
}

void plant_text(const std::vector<std::string>& arguments) {
  std::ifstream in(arguments[0], std::ios::binary);
  if (!in) throw BadEdit("cannot be read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string planted = vmirom::replace_text(text, arguments[3], arguments[4], std::stoul(arguments[2]));
  write(arguments[1], planted.data(), planted.size());
}

void plant_bytes(const std::vector<std::string>& arguments) {
  const vmirom::Image image = vmirom::Image::load(arguments[0]);
  const std::vector<uint8_t> planted =
      vmirom::replace_bytes(image, arguments[2], std::stoul(arguments[3]), vmirom::parse_bytes(arguments[4]),
                            vmirom::parse_bytes(arguments[5]), arguments[6] == "stale-sum");
  write(arguments[1], reinterpret_cast<const char*>(planted.data()), planted.size());
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + (argc > 1 ? 2 : 1), argv + argc);
  const std::string kind = argc > 1 ? argv[1] : "";
  if (kind == "text" && arguments.size() == 5) {
    plant_text(arguments);
  } else if (kind == "bytes" && arguments.size() == 7) {
    plant_bytes(arguments);
  } else {
    std::fprintf(stderr,
                 "usage: plant text FILE OUT TIMES FIND REPLACEMENT\n"
                 "       plant bytes IN.elf OUT.elf SYMBOL OFFSET OLD NEW stale-sum|new-sum\n");
    return 2;
  }
  return 0;
} catch (const std::exception& bad) {
  std::fprintf(stderr, "%s: %s; bring conformance/mutation/faults.bzl in step with it\n", argc > 2 ? argv[2] : "plant",
               bad.what());
  return 2;
}
