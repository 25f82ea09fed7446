#include "proofs/x86/decode.h"

#include <stdexcept>

namespace vmirom::x86 {

Register register_named(const std::string& name) {
  constexpr const char* kNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  for (uint32_t r = 0; r < 8; ++r)
    if (name == kNames[r]) return Register(r);
  throw std::invalid_argument("no register is called " + name);
}

std::optional<Instruction> decode(const uint8_t* bytes, size_t size) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    return d;
  }();
  Instruction instruction;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &instruction.info, instruction.operands)))
    return std::nullopt;
  return instruction;
}

std::string format(const Instruction& instruction, uint32_t address) {
  static const ZydisFormatter formatter = [] {
    ZydisFormatter f;
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_ATT);
    return f;
  }();
  char text[256];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction.info, instruction.operands,
                                                    instruction.info.operand_count_visible, text, sizeof text, address,
                                                    nullptr)))
    return "(unprintable)";
  return text;
}

}  // namespace vmirom::x86
