// Cases for a call, from a seed; and smaller ones like a given one.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_GENERATE_H_
#define VMIROM_CONFORMANCE_PROPERTIES_GENERATE_H_

#include <cstdint>
#include <vector>

#include "conformance/properties/case.h"

namespace vmirom::conformance {

// A state between calls, and arguments as model/abi/calls.def and the families' files here have them. Nearly always one in
// which the call may be made.
Case generate(Call call, uint64_t seed);

// The same as one step of a sequence: without a virtual CPU of its own.
Case generate_step(Call call, uint64_t seed);

// Simpler cases: each with a part set back to the plain case's.
std::vector<Case> simpler(const Case& c);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_GENERATE_H_
