// Forms of instructions: mnemonic, prefixes, kinds and sizes of operands, kind of addressing. What the image is made of,
// form by form, and which forms cannot run on their own.
#ifndef VMIROM_CONFORMANCE_ISA_FORMS_H_
#define VMIROM_CONFORMANCE_ISA_FORMS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "proofs/x86/decode.h"
#include "rom/image/image.h"

namespace vmirom::isa {

// "lock or m8[base], r8"
std::string form_of(const x86::Instruction& instruction);

struct Form {
  ZydisMnemonic mnemonic;
  std::set<std::vector<uint8_t>> encodings;  // all that the image has
  std::string place;                         // of the first
  uint32_t instructions = 0;
};

// By name. All code of an image: the call table's slots and the executable sections of the body, read from start to end.
// Throws BadImage for bytes that are no instruction.
std::map<std::string, Form> forms_of(const Image& image);

// Why an instruction cannot be run by itself in user mode; null for all others.
const char* why_not_run(ZydisMnemonic mnemonic);

}  // namespace vmirom::isa

#endif  // VMIROM_CONFORMANCE_ISA_FORMS_H_
