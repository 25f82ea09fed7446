// The call table: header, slots, and the displacements that depend on where the table runs.
#include <algorithm>
#include <set>

#include "model/abi/calls.h"
#include "model/abi/constants.h"
#include "proofs/layout/check.h"
#include "proofs/layout/code.h"

namespace vmirom {
namespace {

using smt::Term;

Term word(uint32_t value) { return smt::constant(value, 32); }

// A relative branch out of the table.
struct Exit {
  uint32_t address;
  x86::Instruction branch;
  uint32_t target;

  // As .vmi_patchups counts.
  uint32_t field(const Image& image) const { return address + displacement_offset(branch) - image.address_of("vmi_rom"); }
};

std::vector<Exit> exits(const Image& image) {
  const uint32_t rom = image.address_of("vmi_rom"), table_bytes = image.address_of("vmi_rom_end") - rom;
  std::vector<Exit> all;
  for (const SlotCode& code : table_code(image)) {
    for (const auto& [at, instruction] : code.instructions) {
      const auto target = relative_target(instruction, at);
      if (target && *target - rom >= table_bytes) all.push_back({at, instruction, *target});
    }
  }
  return all;
}

// The function of the body that begins at an address. Labels within functions have no size.
const Symbol* function_that_begins_at(const Image& image, uint32_t address) {
  if (!image.section(".text").contains(address)) return nullptr;
  for (const auto& [name, symbol] : image.symbols())
    if (!symbol.absolute && symbol.address == address && symbol.size) return &symbol;
  return nullptr;
}

}  // namespace

void check_header(Check& check) {
  for (const std::string& fault : check.image.header_faults()) check.require(false, fault);
}

void check_slots(Check& check) {
  const Image& image = check.image;
  const Symbol& types = image.symbol("vmi_relocation_types");
  check.require(types.size == VMI_LAST_SLOT + 1, "vmi_relocation_types has no byte for each slot");
  std::set<uint32_t> slots;
  for (const CallInfo& info : kCalls) {
    const std::string name = "vmi." + std::string(info.name);
    check.require(slots.insert(info.slot).second, name + ": another call has slot " + std::to_string(info.slot));
    const SlotCode code = slot_code(image, info.name, info.slot);
    const Symbol* symbol = image.find_symbol(name);
    check.require(symbol && symbol->address == code.begin, name + " is not at slot " + std::to_string(info.slot));
    for (const std::string& fault : code.faults) check.require(false, fault);
    const auto first = code.instructions.find(code.begin);
    const bool provided = first != code.instructions.end() && first->second.mnemonic() != ZYDIS_MNEMONIC_UD2;
    check.require(provided == (info.stub != Stub::absent),
                  name + (provided ? " is provided" : " traps") + ", unlike its line in calls.def");
    check.require(image.byte(types.address + info.slot) == (provided ? VMI_RELOCATION_CALL : VMI_RELOCATION_NONE),
                  "vmi_relocation_types+" + hex(info.slot) + ": " + name + (provided ? " is provided" : " traps"));
  }
  for (uint32_t slot = 0; slot <= VMI_LAST_SLOT; ++slot) {
    if (slots.count(slot)) continue;
    check.require(slot < VMI_FIRST_SLOT, "slot " + std::to_string(slot) + " has no call");
    check.require(image.byte(types.address + slot) == VMI_RELOCATION_NONE,
                  "vmi_relocation_types+" + hex(slot) + ": there is no such call");
  }
}

void check_patchups_complete(Check& check) {
  const Image& image = check.image;
  const Section& section = image.section(".vmi_patchups");
  check.require(section.size % 4 == 0 && image.address_of("vmi_patchups") == section.address &&
                    image.address_of("vmi_patchups_end") == section.address + section.size,
                ".vmi_patchups is not what lies between vmi_patchups and vmi_patchups_end");
  std::set<uint32_t> listed, needed;
  for (uint32_t offset : image.patchups())
    check.require(listed.insert(offset).second, ".vmi_patchups has " + hex(offset) + " twice");
  for (const Exit& exit : exits(image)) {
    const std::string where = image.describe(exit.address) + ": a branch to " + image.describe(exit.target);
    needed.insert(exit.field(image));
    if (check.require(displacement_bytes(exit.branch) == 4, where + " whose displacement has no 32 bits"))
      check.require(listed.count(exit.field(image)), where + " that .vmi_patchups does not have");
  }
  for (uint32_t offset : listed)
    check.require(needed.count(offset),
                  ".vmi_patchups has " + hex(offset) + ", which is no displacement of a branch out of the table");
}

// For every load address L. A branch that is not patched moves with the table and its target does too: slot_code follows
// it, so its target lies in its own slot. Other instructions do not see where they run, CALL aside, whose return address
// comes back to the copy that called; an absolute address in the table is that of the table as linked, whatever L is.
void check_patchups_right(Check& check) {
  const Image& image = check.image;
  const uint32_t rom = image.address_of("vmi_rom");
  const Term base = smt::variable("L", 32), displacement = smt::variable("displacement", 32);
  std::set<uint32_t> branches;
  for (const Exit& exit : exits(image)) {
    const std::string where = image.describe(exit.address);
    const uint32_t field = exit.field(image);
    branches.insert(field);
    const auto& patchups = image.patchups();
    if (!check.require(std::count(patchups.begin(), patchups.end(), field) == 1,
                       where + ": its displacement is not corrected once"))
      continue;
    const Symbol* target = function_that_begins_at(image, exit.target);
    if (!check.require(target, where + ": linked to " + image.describe(exit.target) + ", where no function begins"))
      continue;
    // What rom/frontend/init.cc stores, as model/init.h has it.
    const Term corrected = smt::add(word(image.dword(rom + field)), smt::subtract(word(rom), base));
    const Term next = smt::add(base, word(exit.address + exit.branch.length() - rom));
    check.equal(where + " reaches " + target->name, word(target->address), smt::add(next, displacement));
    check.end_path({smt::equal_as_written(displacement, corrected)});
  }
  for (uint32_t offset : image.patchups())
    check.require(branches.count(offset),
                  "vmi_rom+" + hex(offset) + ": corrected, but it does not depend on where the table runs");
  for (const SlotCode& code : table_code(image))
    for (const std::string& fault : code.faults) check.require(false, fault);
}

}  // namespace vmirom
