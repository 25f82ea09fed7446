// The virtual CPU's data: the names that assembly and the refinement relation use, held against the debug information.
#include <algorithm>
#include <set>

#include "model/relation/relation.h"
#include "proofs/layout/check.h"
#include "proofs/layout/code.h"

namespace vmirom {
namespace {

constexpr std::string_view kPrefix = "vcpu.";

// Where the names vcpu.FIELD lie that assembly reaches fields by.
using Names = std::map<uint32_t, std::string>;

Names check_names(Check& check) {
  Names names;
  for (const auto& [name, symbol] : check.image.symbols()) {
    if (name.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    try {
      const Place place = check.image.place(name);
      check.require(symbol.address == place.address, "symbol " + name + " is " + hex(symbol.address) +
                                                         ", but the debug information has the field at " +
                                                         hex(place.address));
      names[symbol.address] = name;
    } catch (const BadImage&) {
      check.require(false, "symbol " + name + " names no field of the debug information");
    }
  }
  check.require(!names.empty(), "there is no symbol vcpu.FIELD");
  return names;
}

bool has_symbol_at(const Image& image, uint32_t address) {
  const auto& all = image.symbols();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& s) { return !s.second.absolute && s.second.address == address; });
}

// What an instruction of assembly has an address of: in the virtual CPU it is a field's, and as wide as the field, elsewhere
// that of something with a name.
void check_access(Check& check, const Names& names, const Place& vcpu, uint32_t at, const x86::Instruction& instruction) {
  const Image& image = check.image;
  for (uint32_t i = 0; i < instruction.info.operand_count_visible; ++i) {
    const ZydisDecodedOperand& op = instruction.operand(i);
    const bool memory = op.type == ZYDIS_OPERAND_TYPE_MEMORY;
    if (!memory && (op.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || op.imm.is_relative)) continue;
    const uint32_t address = memory ? uint32_t(op.mem.disp.value) : uint32_t(op.imm.value.u);
    const bool direct = memory && op.mem.type == ZYDIS_MEMOP_TYPE_MEM && op.mem.base == ZYDIS_REGISTER_NONE &&
                        op.mem.index == ZYDIS_REGISTER_NONE;
    const std::string what = image.describe(at) + ": " + x86::format(instruction, at);
    if (address - vcpu.address >= vcpu.size) {
      check.require(has_symbol_at(image, address) || (!direct && !image.section_at(address)),
                    what + " reaches nothing that has a name");
      continue;
    }
    const auto name = names.find(address);
    if (check.require(direct && name != names.end(), what + " reaches the virtual CPU by no symbol vcpu.FIELD"))
      check.require(op.size == 8 * image.place(name->second).size, what + " is not as wide as " + name->second);
  }
}

}  // namespace

void check_vcpu_symbols(Check& check) {
  const Image& image = check.image;
  const Names names = check_names(check);
  const Place vcpu = image.place("vcpu");
  const auto check_all = [&](const Instructions& instructions) {
    for (const auto& [at, instruction] : instructions) check_access(check, names, vcpu, at, instruction);
  };
  // Between the slots the table has headers, so its code is taken slot by slot.
  const Section& table = image.section(".vmi_rom");
  for (const SlotCode& code : table_code(image)) check_all(code.instructions);
  bool found_table = false;
  for (const CodeRange& range : image.assembly()) {
    if (table.contains(range.begin)) {
      found_table = true;
      continue;
    }
    std::optional<uint32_t> broken;
    check_all(sweep(image, range.begin, range.end, &broken));
    if (broken) check.require(false, image.describe(*broken) + ": bytes that are no instruction");
  }
  check.require(found_table, "the debug information does not say that the call table is assembly");
}

void check_vcpu_relation(Check& check) {
  const Image& image = check.image;
  std::set<std::string> leaves;
  for (const std::string& leaf : image.leaves("vcpu")) leaves.insert(leaf);
  std::set<std::string> lines;
  relation::Layout::from([&](const std::string& path) {
    const std::string field = path.substr(kPrefix.size());
    check.require(lines.insert(field).second, "vcpu.def has " + field + " twice");
    check.require(leaves.count(field), "vcpu.def has " + field + ", which the debug information does not");
    return std::pair<uint32_t, uint32_t>{};
  });
  const Place vcpu = image.place("vcpu");
  std::vector<uint32_t> covered(vcpu.size);
  for (const std::string& leaf : leaves) {
    check.require(lines.count(leaf), "vcpu_t has " + leaf + ", which vcpu.def does not");
    const Place place = image.place("vcpu." + leaf);
    for (uint32_t i = 0; i < place.size; ++i) ++covered.at(place.address - vcpu.address + i);
  }
  for (uint32_t i = 0; i < vcpu.size; ++i)
    check.require(covered[i] == 1, "the byte at vcpu+" + hex(i) + " belongs to " + std::to_string(covered[i]) + " fields");
}

// Before the first call nothing has run: what calls assume of the state between them, the image has as it was linked. So far
// the guest has not called Init, and nothing waits for it.
void check_initial_state(Check& check) {
  const Image& image = check.image;
  const auto layout = relation::Layout::from([&](const std::string& path) {
    const Place place = image.place(path);
    return std::pair{place.address, place.size};
  });
  const auto read = [&](uint32_t address, uint32_t bytes) {
    uint32_t value = 0;
    for (uint32_t i = bytes; i-- > 0;) value = value << 8 | image.byte(address + i);
    return value;
  };
  const auto v = relation::abstract_vcpu<Concrete>(layout, read);
  const relation::Layout::Field& work = layout.field("work");
  for (const auto& fact : relation::invariants<Concrete>(v, {}, read(work.address, work.size)))
    check.require(fact.holds, "as linked it does not hold that " + fact.name);
  check.require(!v.initialised, "vcpu.initialised is set before Init");
  const Symbol& traps = image.symbol("trap_table");
  for (uint32_t i = 0; i < traps.size; ++i)
    check.require(!image.byte(traps.address + i), "trap_table+" + hex(i) + " is not 0 before Init");
}

}  // namespace vmirom
