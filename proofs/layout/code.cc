#include "proofs/layout/code.h"

#include "model/abi/calls.h"
#include "model/abi/constants.h"
#include "proofs/layout/check.h"

namespace vmirom {
namespace {

constexpr uint8_t kPadding = 0xcc;
constexpr uint32_t kLongestInstruction = 15;

}  // namespace

std::optional<x86::Instruction> instruction_at(const Image& image, uint32_t address) {
  const Section* section = image.section_at(address);
  if (!section) return std::nullopt;
  uint8_t bytes[kLongestInstruction];
  uint32_t size = 0;
  while (size < sizeof bytes && section->contains(address + size)) bytes[size] = image.byte(address + size), ++size;
  return x86::decode(bytes, size);
}

Instructions sweep(const Image& image, uint32_t begin, uint32_t end, std::optional<uint32_t>* broken) {
  Instructions all;
  broken->reset();
  for (uint32_t at = begin; at < end;) {
    const auto instruction = instruction_at(image, at);
    if (!instruction || instruction->length() > end - at) {
      *broken = at;
      break;
    }
    all.emplace(at, *instruction);
    at += instruction->length();
  }
  return all;
}

bool falls_through(const x86::Instruction& instruction) {
  const ZydisInstructionCategory category = instruction.info.meta.category;
  return category != ZYDIS_CATEGORY_UNCOND_BR && category != ZYDIS_CATEGORY_RET &&
         instruction.mnemonic() != ZYDIS_MNEMONIC_UD2;
}

std::optional<uint32_t> relative_target(const x86::Instruction& instruction, uint32_t address) {
  if (!instruction.info.operand_count_visible) return std::nullopt;
  const ZydisDecodedOperand& to = instruction.operand(0);
  if (to.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !to.imm.is_relative) return std::nullopt;
  return address + instruction.length() + uint32_t(to.imm.value.u);
}

uint32_t displacement_offset(const x86::Instruction& branch) { return branch.info.raw.imm[0].offset; }
uint32_t displacement_bytes(const x86::Instruction& branch) { return branch.info.raw.imm[0].size / 8; }

uint32_t SlotCode::end() const { return begin + VMI_SLOT_BYTES; }

SlotCode slot_code(const Image& image, std::string_view name, uint32_t slot) {
  SlotCode code{std::string(name), image.address_of("vmi_rom") + VMI_SLOT_BYTES * slot, {}, {}};
  const auto fault = [&](uint32_t at, const std::string& what) { code.faults.push_back(image.describe(at) + ": " + what); };
  std::map<uint32_t, uint32_t> owner;  // of each byte that is code: the instruction's address
  std::vector<uint32_t> open = {code.begin};
  while (!open.empty()) {
    const uint32_t at = open.back();
    open.pop_back();
    if (code.instructions.count(at)) continue;
    const auto instruction = instruction_at(image, at);
    if (!instruction || instruction->mnemonic() == ZYDIS_MNEMONIC_INT3) {
      fault(at, instruction ? "control comes to padding" : "control comes to bytes that are no instruction");
      continue;
    }
    if (at + instruction->length() > code.end()) {
      fault(at, "control leaves the slot at its end");
      continue;
    }
    for (uint32_t i = 0; i < instruction->length(); ++i)
      if (!owner.emplace(at + i, at).second)
        fault(at, "an instruction overlaps the one at " + image.describe(owner[at + i]));
    code.instructions.emplace(at, *instruction);
    if (falls_through(*instruction)) open.push_back(at + instruction->length());
    const auto target = relative_target(*instruction, at);
    if (!target || *target - image.address_of("vmi_rom") >= image.address_of("vmi_rom_end") - image.address_of("vmi_rom"))
      continue;
    if (*target - code.begin < VMI_SLOT_BYTES) {
      open.push_back(*target);
    } else {
      fault(at, "a branch to " + image.describe(*target) + ", which is another call's");
    }
  }
  for (uint32_t at = code.begin; at < code.end(); ++at)
    if (!owner.count(at) && image.byte(at) != kPadding) fault(at, "a byte that is neither reached code nor padding");
  return code;
}

std::vector<SlotCode> table_code(const Image& image) {
  std::vector<SlotCode> all;
  for (const CallInfo& info : kCalls) all.push_back(slot_code(image, info.name, info.slot));
  return all;
}

}  // namespace vmirom
