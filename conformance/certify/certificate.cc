#include "conformance/certify/certificate.h"

#include <Zydis/Zydis.h>
#include <fcntl.h>
#include <sodium.h>
#include <unicorn/unicorn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "proofs/smt/solver.h"

namespace vmirom::conformance {

using Json = nlohmann::ordered_json;

Conclusion Report::conclusion() const {
  using engine::Verdict;
  bool failed = false, whole = missing.empty() && !entries.empty() && !image.empty();
  const auto count = [&](Verdict v) {
    failed |= v == Verdict::kRefuted;
    whole &= v == Verdict::kProved;
  };
  for (const EntryReport& e : entries) {
    for (const auto& o : e.obligations) count(o.verdict);
    for (const TestRun& t : e.tests) failed |= t.failures != 0;
    whole &= !e.obligations.empty();
    // A call that no engine has run is not certified.
    if (e.entry.kind == EntryKind::kCall) whole &= !e.tests.empty();
    for (const TestRun& t : e.tests) whole &= t.cases != 0;
  }
  for (const ImageObligation& o : image) count(o.verdict);
  for (const TestRun& t : sequences) failed |= t.failures != 0;
  return failed ? Conclusion::kFailed : whole ? Conclusion::kCertified : Conclusion::kIncomplete;
}

const char* name_of(Conclusion conclusion) {
  switch (conclusion) {
    case Conclusion::kCertified: return "certified";
    case Conclusion::kFailed: return "failed";
    case Conclusion::kIncomplete: break;
  }
  return "incomplete";
}

int exit_status(Conclusion conclusion) {
  switch (conclusion) {
    case Conclusion::kCertified: return 0;
    case Conclusion::kFailed: return 1;
    case Conclusion::kIncomplete: break;
  }
  return 3;
}

std::string sha256(const std::vector<uint8_t>& bytes) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, bytes.data(), bytes.size());
  char text[2 * sizeof digest + 1];
  sodium_bin2hex(text, sizeof text, digest, sizeof digest);
  return text;
}

std::string certificate_text(const Image& image, const Report& report) {
  const auto tests = [](const std::vector<TestRun>& runs) {
    Json list = Json::array();
    for (const TestRun& t : runs) list.push_back({{"engine", t.engine}, {"cases", t.cases}, {"failures", t.failures}});
    return list;
  };
  Json entries = Json::array();
  for (const EntryReport& e : report.entries) {
    Json obligations = Json::array();
    for (const auto& o : e.obligations) {
      Json one = {{"name", o.name}, {"verdict", engine::name_of(o.verdict)}, {"paths", o.paths}, {"rlimit", o.resources}};
      one["bound"] = o.bound ? Json(*o.bound) : Json(nullptr);
      if (o.verdict != engine::Verdict::kProved) one["detail"] = o.detail;
      obligations.push_back(one);
    }
    Json one = {{"name", e.entry.name}};
    one["slot"] = e.entry.call ? Json(info_of(*e.entry.call).slot) : Json(nullptr);
    one["kind"] = name_of(e.entry.kind);
    one["obligations"] = obligations;
    one["tests"] = tests(e.tests);
    one["worst_instructions"] = e.worst_instructions;
    one["worst_stack_bytes"] = e.worst_stack_bytes;
    entries.push_back(one);
  }
  Json whole = Json::array();
  for (const ImageObligation& o : report.image) {
    Json one = {{"name", o.name}, {"verdict", engine::name_of(o.verdict)}};
    if (o.verdict != engine::Verdict::kProved) one["detail"] = o.detail;
    whole.push_back(one);
  }
  unsigned major = 0, minor = 0;
  uc_version(&major, &minor);
  const uint64_t zydis = ZydisGetVersion();
  const Json predicate = {
      {"verdict", name_of(report.conclusion())},
      {"abi", report.abi},
      {"target", report.target},
      {"seed", report.seed},
      {"entries", entries},
      {"image", whole},
      {"sequences", tests(report.sequences)},
      {"assumptions", report.assumptions},
      {"missing", report.missing},
      {"tools",
       {{"solver", smt::solver_version()},
        {"decoder", "Zydis " + std::to_string(zydis >> 48 & 0xffff) + "." + std::to_string(zydis >> 32 & 0xffff)},
        {"emulator", "Unicorn " + std::to_string(major) + "." + std::to_string(minor)}}},
  };
  const Json statement = {
      {"_type", "https://in-toto.io/Statement/v1"},
      {"subject",
       {{{"name", std::filesystem::path(image.path()).filename().string()},
         {"digest", {{"sha256", sha256(image.file())}}}}}},
      {"predicateType", "urn:vmirom:certificate:v1"},
      {"predicate", predicate},
  };
  return statement.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_file(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  const auto fail = [&] {
    const std::string why = std::strerror(errno);
    std::remove(partial.c_str());
    throw std::runtime_error(path + ": cannot be written: " + why + "; choose another folder with --out");
  };
  std::FILE* file = std::fopen(partial.c_str(), "w");
  if (!file) fail();
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (std::fclose(file) != 0 || !whole) fail();
  if (std::rename(partial.c_str(), path.c_str()) != 0) fail();
}

}  // namespace vmirom::conformance
