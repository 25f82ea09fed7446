// A state that a solver found, tried on the processor.
#ifndef VMIROM_CONFORMANCE_CERTIFY_SILICON_H_
#define VMIROM_CONFORMANCE_CERTIFY_SILICON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conformance/properties/case.h"
#include "proofs/refinement/prover.h"

namespace vmirom::conformance {

// What a witness's variables should be for the engines to be able to take the state; see ProofOptions.
std::vector<std::map<std::string, uint64_t>> placeable_values(const Entry& entry);

// The witness as a case with pages of its own. None when it cannot be placed; why, then, goes to `why`.
std::optional<Case> case_of(const Image& image, const Entry& entry, const Witness& witness, std::string& why);

// One line: whether the processor, in the state that a claim is refuted by, does otherwise than the model too.
std::string ask_processor(const Image& image, const Witness& witness, const Case& c);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_SILICON_H_
