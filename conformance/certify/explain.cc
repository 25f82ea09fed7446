#include "conformance/certify/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "conformance/certify/input.h"
#include "conformance/properties/harness.h"
#include "conformance/properties/world.h"
#include "model/relation/contract.h"
#include "proofs/refinement/prover.h"
#include "proofs/x86/decode.h"

namespace vmirom::conformance {
namespace {

// The code of a symbol, a line for each instruction; names for what it transfers control to and for the virtual CPU.
void disassemble(const Image& image, const Symbol& symbol) {
  std::vector<uint8_t> code(symbol.size + 16);
  for (uint32_t i = 0; i < symbol.size; ++i) code[i] = image.byte(symbol.address + i);
  for (uint32_t at = 0; at < symbol.size;) {
    const auto instruction = x86::decode(&code[at], symbol.size - at);
    const uint32_t length = instruction ? instruction->length() : 1;
    std::string bytes, note;
    for (uint32_t i = 0; i < length; ++i) bytes += fmt::format("{:02x} ", code[at + i]);
    if (instruction) {
      for (uint32_t i = 0; i < instruction->info.operand_count; ++i) {
        const auto& op = instruction->operand(i);
        uint32_t target = 0;
        if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op.imm.is_relative)
          target = symbol.address + at + length + uint32_t(op.imm.value.s);
        else if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.base == ZYDIS_REGISTER_NONE)
          target = uint32_t(op.mem.disp.value);
        else if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
          target = uint32_t(op.imm.value.u);
        if (image.section_at(target) && target - symbol.address >= symbol.size) note = "  # " + image.describe(target);
      }
    }
    fmt::print("  {:08x}  {:<30}{}{}\n", symbol.address + at, bytes,
               instruction ? x86::format(*instruction, symbol.address + at) : "(not an instruction)", note);
    at += length;
  }
}

void stack_picture(const Image& image, const CallInfo& info) {
  fmt::print("\nStack at entry\n");
  for (uint32_t i = info.stack_arguments; i > 0; --i) fmt::print("  ESP+{:<3} argument {}, pushed by the guest\n", 4 * i, i);
  fmt::print("  ESP     return address in the guest\n");
  if (info.stub != Stub::boundary) return;
  fmt::print("\nStack at the call of {}_ext: burn_clobbers_frame_t\n", info.name);
  const char* const members[] = {"guest_return_address", "eax", "ecx", "edx", "frame_pointer", "stub_return_address"};
  for (const char* member : members) {
    const Place place = image.member("burn_clobbers_frame_t", member);
    fmt::print("  +{:<3} {}\n", place.address, member);
  }
}

// The names of the facts, whatever state they are asked about.
std::vector<std::string> names_of(const std::vector<relation::Fact<Concrete>>& facts) {
  std::vector<std::string> names;
  for (const auto& fact : facts)
    if (std::find(names.begin(), names.end(), fact.name) == names.end()) names.push_back(fact.name);
  return names;
}

void contract(const Image& image, const CallInfo& info) {
  fmt::print("\nContract (model/{}.h, {})\n", info.family, info.name);
  fmt::print("  takes    {}\n  gives    {}\n  does     {}\n", info.inputs, info.outputs, info.summary);
  fmt::print("  keeps    every register that it does not give but the status flags\n");
  ConcreteMemory memory([](uint32_t) { return uint8_t{0}; }, [](uint32_t) { return 0u; });
  const std::vector<uint32_t> answers;
  const std::vector<uint64_t> time_stamps;
  ConcreteWorld world(answers, time_stamps);
  const RomFacts facts = rom_facts(image);
  State<Concrete> s{{}, {}, {}, {}, {}, {}, {}, memory, world, facts};
  std::vector<std::string> relied = names_of(relation::preconditions<Concrete>(s, kStackBelow, kStackAbove));
  const auto more = relation::allowed_before_init(info.call)
                        ? relation::starting_preconditions<Concrete>(s)
                        : relation::running_preconditions<Concrete>(s, info.segments == Segments::ss_only);
  for (const std::string& name : names_of(more)) relied.push_back(name);
  fmt::print("  relies on\n");
  for (const std::string& name : relied) fmt::print("    - {}\n", name);
  fmt::print("  and between calls\n");
  for (const std::string& name : names_of(relation::invariants<Concrete>(s.vcpu, s.cpu, 0))) fmt::print("    - {}\n", name);
  fmt::print("  obligations\n   ");
  for (const std::string& name : entry_obligations()) fmt::print(" {}", name);
  fmt::print("\n  ./vmirom certify --calls {} --smtlib writes each as SMT-LIB for a solver of your own\n", info.name);
}

}  // namespace

int explain(const std::string& rom, const std::string& name) {
  const CallInfo& info = call_named(name);
  const Image image = load_rom(rom);
  const Symbol& slot = image.symbol("vmi." + name);
  Entry entry;
  entry.symbol = slot.name;
  fmt::print("{}: slot {} at {:#x}, {} of {} bytes; call {} of API 3.0; family {}\n\n", info.name, info.slot, slot.address,
             slot.size, VMI_SLOT_BYTES, info.number_3, info.family);
  if (!provides(image, entry)) {
    fmt::print("This ROM does not provide the call: its slot traps, and GetRelocationInfo answers type {}.\n",
               VMI_RELOCATION_NONE);
    return 3;
  }
  fmt::print("Code in the table\n");
  disassemble(image, slot);
  if (const Symbol* body = image.find_symbol(name + "_ext")) {
    fmt::print("\nCode of {} (rom/frontend/{}.cc)\n", body->name, info.family);
    disassemble(image, *body);
  }
  stack_picture(image, info);
  contract(image, info);
  return 0;
}

}  // namespace vmirom::conformance
