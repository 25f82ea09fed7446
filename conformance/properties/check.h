// Properties of calls, by RapidCheck: every case of a call, and every sequence of calls, refines the model.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_CHECK_H_
#define VMIROM_CONFORMANCE_PROPERTIES_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "conformance/properties/harness.h"

namespace vmirom::conformance {

struct CheckResult {
  uint32_t cases = 0;
  uint32_t failures = 0;  // 0 or 1: a run ends at its first
  std::string text;       // of the failure, shrunk: what differs
  std::string replay;     // the case or sequence, as cases_from reads it
};

// Runs `cases` cases of one call. The same seed gives the same cases on every engine.
CheckResult check_call(Harness& harness, Call call, uint32_t cases, uint64_t seed);

// Runs `sequences` sequences from a fresh image: Init, then any of the calls, with interrupts requested in between.
CheckResult check_sequences(Harness& harness, const std::vector<Call>& calls, uint32_t sequences, uint64_t seed);

// Runs one case, or a sequence when there are several or the first one has no virtual CPU of its own. What differs; empty
// when nothing does. Throws std::invalid_argument for a state in which the call may not be made.
std::vector<std::string> replay(Harness& harness, const std::vector<Case>& cases);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_CHECK_H_
