// The main job: prove, test, report, certify.
#ifndef VMIROM_CONFORMANCE_CERTIFY_CERTIFY_H_
#define VMIROM_CONFORMANCE_CERTIFY_CERTIFY_H_

#include <cstdint>
#include <string>
#include <vector>

namespace vmirom::conformance {

struct CertifyOptions {
  std::string rom;
  std::string out = "out";
  std::vector<std::string> calls;  // all when empty
  uint32_t cases = 20'000;
  uint64_t seed = 1;
  std::string engine = "both";
  bool smtlib = false;
};

// The exit status. Throws BadInput, BadImage and std::runtime_error with one line for what ends in 2.
int certify(const CertifyOptions& options);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_CERTIFY_H_
