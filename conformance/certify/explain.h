// What an auditor asks: one entry point, disassembled and described.
#ifndef VMIROM_CONFORMANCE_CERTIFY_EXPLAIN_H_
#define VMIROM_CONFORMANCE_CERTIFY_EXPLAIN_H_

#include <string>

namespace vmirom::conformance {

// Prints slot, bytes, disassembly, stack picture and contract of a call. Returns the exit status: 3 for a call that the ROM
// does not provide. Throws BadInput and BadImage.
int explain(const std::string& rom, const std::string& call);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_EXPLAIN_H_
