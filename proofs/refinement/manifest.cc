#include "proofs/refinement/prover.h"

namespace vmirom {
namespace {

// Instructions on the longest path, for entries without a budget of their own.
constexpr uint32_t kAnyBound = 2'000'000;

// What hot calls may cost on the path without work for the guest; source: docs/architecture.md, "Budgets".
struct Budget {
  Call call;
  uint32_t instructions;
};
constexpr Budget kBudgets[] = {
    {Call::EnableInterrupts, 4}, {Call::DisableInterrupts, 2},
    {Call::GetInterruptMask, 4}, {Call::SetInterruptMask, 6},
    {Call::GetCR0, 3},           {Call::GetCR2, 3},
    {Call::GetCR3, 3},           {Call::GetCR4, 3},
    {Call::SetCR2, 3},
};

uint32_t bound_of(Call call) {
  for (const Budget& budget : kBudgets)
    if (budget.call == call) return budget.instructions;
  return kAnyBound;
}

}  // namespace

const char* name_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::kCall: return "call";
    case EntryKind::kWrapper: return "wrapper";
    case EntryKind::kExit: return "exit";
    case EntryKind::kCallback: return "callback";
  }
  return "call";
}

std::vector<Entry> manifest() {
  std::vector<Entry> entries;
  for (const CallInfo& info : kCalls)
    entries.push_back(
        {std::string(info.name), EntryKind::kCall, info.call, {}, "vmi." + std::string(info.name), bound_of(info.call)});
  entries.push_back({"deliver", EntryKind::kExit, {}, Part::kDeliver, "deliver", kAnyBound});
  entries.push_back({"enter_handler", EntryKind::kExit, {}, Part::kEnterHandler, "enter_handler", kAnyBound});
  return entries;
}

std::vector<std::string> entry_obligations() {
  return {"refinement",           "write-footprint",           "read-footprint",        "stack", "slot", "instruction-bound",
          "allowed-instructions", "preconditions-satisfiable", "paths-cover-all-states"};
}

bool provides(const Image& image, const Entry& entry) {
  const Symbol* symbol = image.find_symbol(entry.symbol);
  if (!symbol) return false;
  return !(image.byte(symbol->address) == 0x0f && image.byte(symbol->address + 1) == 0x0b);  // UD2
}

RomFacts rom_facts(const Image& image) {
  RomFacts facts;
  const uint32_t rom = image.address_of("vmi_rom");
  facts.trap_wrappers = image.address_of("trap_wrappers");
  facts.ldt_copy = image.address_of("ldt_copy");
  facts.table_bytes = image.address_of("vmi_rom_end") - rom;
  facts.patchups = image.patchups();
  for (uint32_t offset : facts.patchups) facts.linked_displacements.push_back(image.dword(rom + offset));
  facts.provided.resize(VMI_LAST_SLOT + 1);
  for (const Entry& entry : manifest())
    if (entry.call) facts.provided[uint32_t(*entry.call)] = provides(image, entry);
  return facts;
}

}  // namespace vmirom
