// i386 machine code to instructions, by Zydis.
#ifndef VMIROM_PROOFS_X86_DECODE_H_
#define VMIROM_PROOFS_X86_DECODE_H_

#include <Zydis/Zydis.h>

#include <cstdint>
#include <optional>
#include <string>

namespace vmirom::x86 {

// Numbers are the processor's.
enum Register : uint8_t { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };
inline constexpr Register kHypercallArguments[] = {kEbx, kEcx, kEdx, kEsi, kEdi};
enum SegmentRegister : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs };

// "ebx" and so on; throws std::invalid_argument.
Register register_named(const std::string& name);

struct Instruction {
  ZydisDecodedInstruction info;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

  uint32_t length() const { return info.length; }
  ZydisMnemonic mnemonic() const { return info.mnemonic; }
  const ZydisDecodedOperand& operand(uint32_t i) const { return operands[i]; }
  bool has_prefix(ZydisInstructionAttributes attribute) const { return info.attributes & attribute; }
  std::string mnemonic_text() const { return ZydisMnemonicGetString(info.mnemonic); }
};

// The instruction at the start of the bytes; none when they are not one.
std::optional<Instruction> decode(const uint8_t* bytes, size_t size);

// AT&T text with addresses as they are at an address.
std::string format(const Instruction& instruction, uint32_t address);

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_DECODE_H_
