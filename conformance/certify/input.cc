#include "conformance/certify/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "model/abi/constants.h"

namespace vmirom::conformance {
namespace {

// Levenshtein's.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

Image load_rom(const std::string& path) {
  if (path.empty()) throw BadInput("no ROM is given; name one with --rom FILE");
  Image image = Image::load(path);
  for (const std::string& fault : image.header_faults())
    throw BadImage(path + ": " + fault + "; build it again with bazel build //rom:vmi-xen");
  const uint32_t rom = image.address_of("vmi_rom");
  for (const CallInfo& info : kCalls) {
    const Symbol& slot = image.symbol("vmi." + std::string(info.name));
    if (slot.address != rom + VMI_SLOT_BYTES * info.slot || slot.size > VMI_SLOT_BYTES)
      throw BadImage(
          fmt::format("{}: slot {} ({}): {} bytes at {:#x}, not at most {} at {:#x}; shorten the stub in rom/entry", path,
                      info.slot, info.name, slot.size, slot.address, VMI_SLOT_BYTES, rom + VMI_SLOT_BYTES * info.slot));
  }
  return image;
}

std::string unknown_call(const std::string& name) {
  const CallInfo* nearest = &kCalls[0];
  for (const CallInfo& info : kCalls)
    if (distance(name, info.name) < distance(name, nearest->name)) nearest = &info;
  return fmt::format("'{}' is not a call of API {}.{}; did you mean {}? docs/abi.md lists them", name, VMI_API_MAJOR,
                     VMI_API_MINOR, nearest->name);
}

const CallInfo& call_named(const std::string& name) {
  const CallInfo* info = find_call(name);
  if (!info) throw BadInput(unknown_call(name));
  return *info;
}

}  // namespace vmirom::conformance
