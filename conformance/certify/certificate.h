// What a run of certify found, and its two forms: the certificate for machines, the summary for people.
#ifndef VMIROM_CONFORMANCE_CERTIFY_CERTIFICATE_H_
#define VMIROM_CONFORMANCE_CERTIFY_CERTIFICATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proofs/engine/ledger.h"
#include "proofs/layout/layout.h"
#include "proofs/refinement/prover.h"
#include "rom/image/image.h"

namespace vmirom::conformance {

struct TestRun {
  std::string engine;
  uint32_t cases = 0;
  uint32_t failures = 0;
};

struct EntryReport {
  Entry entry;
  std::vector<engine::Obligation> obligations;
  std::vector<TestRun> tests;
  // Over the entry itself and the parts that it goes on in.
  uint64_t worst_instructions = 0;
  uint32_t worst_stack_bytes = 0;
};

enum class Conclusion : uint8_t { kCertified, kFailed, kIncomplete };

struct Report {
  std::string target;  // the ROM's hypervisor
  std::string abi;     // "13.3"
  uint64_t seed = 0;
  std::vector<EntryReport> entries;
  std::vector<ImageObligation> image;
  std::vector<TestRun> sequences;
  std::vector<std::string> assumptions;
  std::vector<std::string> missing;  // calls asked for that the ROM does not provide

  Conclusion conclusion() const;
};

const char* name_of(Conclusion conclusion);  // "certified" and so on
int exit_status(Conclusion conclusion);      // 0, 1, 3

// Lower-case hexadecimal SHA-256.
std::string sha256(const std::vector<uint8_t>& bytes);

// An in-toto Statement, version 1, about the image's file. Source: in-toto attestation framework, spec/v1/statement.md.
std::string certificate_text(const Image& image, const Report& report);

// Writes a file whole or not at all. Throws std::runtime_error with one line.
void write_file(const std::string& path, const std::string& text);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_CERTIFICATE_H_
