// The code as a whole, and the lists that name places in it: exception table, loop heads, sections and segments.
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>

#include "model/abi/constants.h"
#include "proofs/layout/check.h"
#include "proofs/layout/code.h"

namespace vmirom {
namespace {

Instructions text_code(Check& check) {
  const Section& text = check.image.section(".text");
  std::optional<uint32_t> broken;
  Instructions all = sweep(check.image, text.address, text.address + text.size, &broken);
  if (broken) check.require(false, check.image.describe(*broken) + ": bytes that are no instruction");
  return all;
}

// Memory other than by PUSH, POP, CALL and RET; or a selector, whose descriptor the processor reads.
bool may_fault_on_purpose(const x86::Instruction& instruction) {
  for (uint32_t i = 0; i < instruction.info.operand_count_visible; ++i) {
    const ZydisDecodedOperand& op = instruction.operand(i);
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type == ZYDIS_MEMOP_TYPE_MEM) return true;
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_SEGMENT &&
        (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
      return true;
  }
  return false;
}

// The function that covers an address, by its symbol's size.
const Symbol* function_at(const Image& image, uint32_t address) {
  for (const auto& [name, symbol] : image.symbols())
    if (!symbol.absolute && address - symbol.address < symbol.size) return &symbol;
  return nullptr;
}

// What a ROM at ring 1 may execute: computing, moving data, branching. No I/O, no system instruction, no vector or x87
// state, no string instruction, no software interrupt: those are in the hypercall page, which the hypervisor writes.
bool is_plain(const x86::Instruction& instruction) {
  constexpr ZydisInstructionCategory kCategories[] = {
      ZYDIS_CATEGORY_BINARY,   ZYDIS_CATEGORY_LOGICAL,   ZYDIS_CATEGORY_SHIFT,   ZYDIS_CATEGORY_ROTATE,
      ZYDIS_CATEGORY_BITBYTE,  ZYDIS_CATEGORY_CMOV,      ZYDIS_CATEGORY_SETCC,   ZYDIS_CATEGORY_CONVERT,
      ZYDIS_CATEGORY_DATAXFER, ZYDIS_CATEGORY_PUSH,      ZYDIS_CATEGORY_POP,     ZYDIS_CATEGORY_CALL,
      ZYDIS_CATEGORY_RET,      ZYDIS_CATEGORY_UNCOND_BR, ZYDIS_CATEGORY_COND_BR, ZYDIS_CATEGORY_NOP,
      ZYDIS_CATEGORY_WIDENOP};
  // INT3 is padding, UD2 marks what cannot be reached. Without BMI1, TZCNT is BSF.
  constexpr ZydisMnemonic kOthers[] = {ZYDIS_MNEMONIC_LEA,  ZYDIS_MNEMONIC_LEAVE, ZYDIS_MNEMONIC_PAUSE, ZYDIS_MNEMONIC_RDTSC,
                                       ZYDIS_MNEMONIC_INT3, ZYDIS_MNEMONIC_UD2,   ZYDIS_MNEMONIC_TZCNT};
  if (std::count(std::begin(kOthers), std::end(kOthers), instruction.mnemonic())) return true;
  return std::count(std::begin(kCategories), std::end(kCategories), instruction.info.meta.category) &&
         instruction.info.meta.isa_ext == ZYDIS_ISA_EXT_BASE && !instruction.has_prefix(ZYDIS_ATTRIB_IS_PRIVILEGED);
}

void check_instructions(Check& check, const Instructions& instructions) {
  for (const auto& [at, instruction] : instructions)
    check.require(is_plain(instruction),
                  check.image.describe(at) + ": " + x86::format(instruction, at) + " is not for a ROM");
}

// Functions and loop heads begin instructions: the sweep and those who jump there read the same code.
void check_places(Check& check, const Instructions& code) {
  const Image& image = check.image;
  const Section& text = image.section(".text");
  for (const auto& [name, symbol] : image.symbols())
    check.require(symbol.absolute || !text.contains(symbol.address) || code.count(symbol.address),
                  name + " lies inside an instruction");
  std::set<uint32_t> heads;
  uint32_t bytes = 0;
  for (const LoopHead& head : image.loops()) {
    const std::string what = "loop " + head.name + " at " + image.describe(head.address);
    bytes += 4 + head.name.size() + 1;
    check.require(!head.name.empty() && code.count(head.address), what + ": no instruction begins there");
    check.require(heads.insert(head.address).second, what + ": marked twice");
    std::set<std::string> registers;
    for (const std::string& name : head.registers) {
      bytes += 1 + 1 + name.size();
      bool known = true;
      try {
        known = x86::register_named(name) != x86::kEsp;
      } catch (const std::invalid_argument&) {
        known = false;
      }
      check.require(known && registers.insert(name).second, what + ": a variable in register " + name);
    }
  }
  check.require(bytes == image.section(".vmi_loops").size, ".vmi_loops ends with bytes that are no record");
}

std::vector<Elf32_Phdr> segments(const Image& image) {
  Elf32_Ehdr header;
  std::memcpy(&header, image.file().data(), sizeof header);
  if (header.e_phentsize != sizeof(Elf32_Phdr) ||
      uint64_t(header.e_phoff) + uint64_t(header.e_phnum) * sizeof(Elf32_Phdr) > image.file().size())
    throw BadImage(image.path() + ": the program headers lie beyond the file's end; copy the image again");
  std::vector<Elf32_Phdr> all(header.e_phnum);
  std::memcpy(all.data(), image.file().data() + header.e_phoff, all.size() * sizeof(Elf32_Phdr));
  return all;
}

// No page needs to be writable and executable: Init corrects the guest's copy of the table, which is guest memory, and the
// hypercall page is written by the hypervisor alone. What the hypervisor guards is not even mapped writable, whatever its
// section's flag says.
void check_rights(Check& check) {
  const Image& image = check.image;
  const std::vector<Elf32_Phdr> all = segments(image);
  for (const Elf32_Phdr& segment : all)
    check.require(!(segment.p_flags & PF_W) || !(segment.p_flags & PF_X),
                  "the segment at " + hex(segment.p_vaddr) + " is writable and executable");
  uint64_t last = VMI_WEDGE;
  for (const Section& s : image.sections()) {
    if (!s.allocated || !s.size) continue;
    check.require(!s.writable || !s.executable, s.name + " is writable and executable");
    check.require(s.address >= last && uint64_t(s.address) + s.size <= uint64_t{1} << 32,
                  s.name + " at " + hex(s.address) + " is not behind its predecessor in the wedge");
    last = uint64_t(s.address) + s.size;
    const auto segment = std::find_if(all.begin(), all.end(), [&](const Elf32_Phdr& p) {
      return p.p_type == PT_LOAD && s.address >= p.p_vaddr &&
             uint64_t(s.address) + s.size <= uint64_t(p.p_vaddr) + p.p_filesz;
    });
    if (!check.require(segment != all.end() && segment->p_offset + (s.address - segment->p_vaddr) == s.offset,
                       s.name + " is not loaded from its place in the file"))
      continue;
    const bool guarded = s.name == ".vcpu_descriptors";
    check.require(bool(segment->p_flags & PF_X) == s.executable, s.name + ": its segment's right to execute is another");
    check.require(bool(segment->p_flags & PF_W) == (s.writable && !guarded),
                  s.name + ": its segment's right to write is another");
  }
}

}  // namespace

// The ROM searches the table from its start and takes the first entry, so entries need no order, but one alone for each
// instruction.
void check_exception_table(Check& check) {
  const Image& image = check.image;
  const Section& section = image.section(".vmi_exceptions");
  check.require(section.size % 8 == 0 && image.address_of("vmi_exceptions") == section.address &&
                    image.address_of("vmi_exceptions_end") == section.address + section.size,
                ".vmi_exceptions is not what lies between vmi_exceptions and vmi_exceptions_end");
  check.require(!image.exceptions().empty(), ".vmi_exceptions is empty");
  const Instructions code = text_code(check);
  std::set<uint32_t> seen;
  for (const ExceptionEntry& entry : image.exceptions()) {
    const std::string what = "the entry for " + image.describe(entry.instruction);
    check.require(seen.insert(entry.instruction).second, what + ": there are two");
    const auto instruction = code.find(entry.instruction);
    if (check.require(instruction != code.end(), what + ": no instruction begins there"))
      check.require(may_fault_on_purpose(instruction->second), what + ": " +
                                                                   x86::format(instruction->second, entry.instruction) +
                                                                   " neither reaches memory nor loads a segment register");
    check.require(code.count(entry.fixup), what + ": no instruction begins at its fix-up " + image.describe(entry.fixup));
    check.require(entry.fixup != entry.instruction, what + ": it goes on at the same instruction");
    const Symbol* function = function_at(image, entry.instruction);
    check.require(function && function == function_at(image, entry.fixup),
                  what + ": its fix-up " + image.describe(entry.fixup) + " is in another function");
  }
}

void check_sections(Check& check) {
  check_rights(check);
  const Instructions code = text_code(check);
  check_places(check, code);
  check_instructions(check, code);
  for (const SlotCode& slot : table_code(check.image)) check_instructions(check, slot.instructions);
}

}  // namespace vmirom
