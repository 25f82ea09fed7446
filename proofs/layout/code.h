// The image's machine code, decoded where it lies.
#ifndef VMIROM_PROOFS_LAYOUT_CODE_H_
#define VMIROM_PROOFS_LAYOUT_CODE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proofs/x86/decode.h"
#include "rom/image/image.h"

namespace vmirom {

using Instructions = std::map<uint32_t, x86::Instruction>;  // by address

// The instruction at an address; none where the bytes are none, or run over their section's end.
std::optional<x86::Instruction> instruction_at(const Image& image, uint32_t address);

// The instructions of [begin, end), one behind the other. Bytes that are no instruction, or one that runs over the end, end
// it: *broken is their address then.
Instructions sweep(const Image& image, uint32_t begin, uint32_t end, std::optional<uint32_t>* broken);

// Whether control may go on behind an instruction.
bool falls_through(const x86::Instruction& instruction);

// Where a relative branch at an address goes; none for other instructions.
std::optional<uint32_t> relative_target(const x86::Instruction& instruction, uint32_t address);

// Where the bytes of a relative branch's displacement lie, as an offset from the instruction, and how many there are.
uint32_t displacement_offset(const x86::Instruction& branch);
uint32_t displacement_bytes(const x86::Instruction& branch);

// The code of one slot of the table: everything that control can reach from its start within it.
struct SlotCode {
  std::string name;  // of the call
  uint32_t begin = 0;
  Instructions instructions;
  std::vector<std::string> faults;  // why it is not code that stays in its slot with nothing but padding around

  uint32_t end() const;
};
SlotCode slot_code(const Image& image, std::string_view name, uint32_t slot);

// Of every call of the table, in its order.
std::vector<SlotCode> table_code(const Image& image);

}  // namespace vmirom

#endif  // VMIROM_PROOFS_LAYOUT_CODE_H_
