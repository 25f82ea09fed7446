#include "conformance/certify/silicon.h"

#include <stdexcept>

#include "conformance/properties/harness.h"
#include "model/relation/relation.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kPlacedEsp = 0x00200f00;
constexpr uint32_t kPlacedIdt = 0x00210000;
constexpr uint32_t kPlacedHandlers = 0x01000000;

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

std::vector<std::map<std::string, uint64_t>> placeable_values(const Entry&) {
  return {
      {{"cs", kFlatCode}, {"ss", kFlatData}, {"vcpu.flat_cs", kFlatCode}, {"vcpu.flat_ds", kFlatData}, {"fs", 0}, {"gs", 0}},
      {{"eflags", X86_EFLAGS_FIXED | X86_EFLAGS_IF}, {"L", VMI_WEDGE}},
      {{"esp0", kPlacedEsp}, {"stack+0", kReturnGate}},
      {{"ds", kFlatData}, {"es", kFlatData}},
      {{"vcpu.idtr.base", kPlacedIdt}, {"vcpu.idtr.limit", 8 * X86_GATES - 1}},
  };
}

std::optional<Case> case_of(const Image& image, const Entry& entry, const Witness& witness, std::string& why) {
  const auto cannot = [&](const std::string& reason) {
    why = reason;
    return std::nullopt;
  };
  if (entry.part && *entry.part != Part::kDeliver) return cannot("the state lies within the ROM");
  Case c = plain_case(entry.call ? entry.name : "deliver");
  // What a witness does not name is not looked at.
  c.vcpu.emplace();
  c.cpu.ds = c.cpu.es = 0;
  c.work = 0;
  const auto value = [&](const char* name, uint32_t& place) {
    const auto found = witness.variables.find(name);
    if (found != witness.variables.end()) place = uint32_t(found->second);
  };
  each_register(c.cpu, [&](const char* name, uint32_t& place) { value(name, place); });
  value("esp0", c.cpu.esp);
  value("vcpu.work", c.work);
  relation::each_field(*c.vcpu, [&](const char* field, uint32_t& place) {
    const std::string name = field;
    const bool low = name.size() > 4 && name.compare(name.size() - 4, 4, ".low") == 0;
    const bool high = name.size() > 5 && name.compare(name.size() - 5, 5, ".high") == 0;
    const std::string whole = low ? name.substr(0, name.size() - 4) : high ? name.substr(0, name.size() - 5) : name;
    const auto found = witness.variables.find("vcpu." + whole);
    if (found == witness.variables.end()) return;
    place = uint32_t(high ? found->second >> 32 : found->second);
    if (name == "interrupt_flag") {
      c.own[name] = place;  // with the bits that the model does not have
      place = place >> 1 & 1;
    }
  });
  for (const char* own :
       {"exception.vector", "exception.error_code", "guest_fault.vector", "guest_fault.error_code", "guest_fault.address"}) {
    const auto found = witness.variables.find(std::string("vcpu.") + own);
    if (found != witness.variables.end()) c.own[own] = uint32_t(found->second);
  }
  // Where the state leaves the guest's handlers open, there are some: what is wrong then shows in the end.
  if (c.vcpu->idtr.base == kPlacedIdt) {
    c.pages[kPlacedIdt / kPageBytes] = kRead;
    for (uint32_t v = 0; v < X86_GATES; ++v) {
      const uint32_t handler = kPlacedHandlers + 16 * v;
      c.put(kPlacedIdt + 8 * v, kFlatCode << 16 | (handler & 0xffff), 4);
      c.put(kPlacedIdt + 8 * v + 4, (handler & 0xffff0000) | 0x8e00, 4);
    }
  }
  for (const auto& [name, number] : witness.variables) {
    if (starts_with(name, "loop.") || starts_with(name, "clobbered"))
      return cannot("the state is one within a loop or behind a hypercall");
    if (starts_with(name, "stack")) c.put(c.cpu.esp + std::stoi(name.substr(5)), uint32_t(number), 4);
    if (starts_with(name, "answer.")) {
      const size_t i = std::stoul(name.substr(7));
      c.answers.resize(std::max(c.answers.size(), i + 1));
      c.answers[i] = uint32_t(number);
    }
    if (starts_with(name, "tsc.")) {
      const size_t i = std::stoul(name.substr(4));
      c.time_stamps.resize(std::max(c.time_stamps.size(), i + 1));
      c.time_stamps[i] = number;
    }
  }
  for (uint32_t a = c.cpu.esp - kStackBelow; a <= c.cpu.esp + kStackAbove; a += 64) c.pages[a / kPageBytes] = kRead | kWrite;
  for (const auto& [name, bytes] : witness.bytes) {
    for (const auto& [at, byte] : bytes) {
      if (name == "guest") c.memory[at] = byte;
      if (name == "access" && (byte & kRead)) c.pages[at] |= byte & (kRead | kWrite);
      if (name == "gdt_copy" || name == "ldt_copy" || name == "trap_table") {
        uint32_t& dword = (name == "gdt_copy" ? c.gdt : name == "ldt_copy" ? c.ldt : c.traps)[at / 4];
        dword |= uint32_t{byte} << 8 * (at & 3);
      }
    }
  }
  // A return address that is not the gate must not be code.
  const uint32_t entry_at =
      entry.call ? VMI_WEDGE + VMI_SLOT_BYTES * info_of(*entry.call).slot : image.address_of(entry.symbol);
  if (const auto base = witness.variables.find("L"); base != witness.variables.end() && base->second != VMI_WEDGE)
    return cannot("the call table lies elsewhere");
  c.cpu.eip = entry_at;
  for (const auto& [page, rights] : c.pages)
    if (page >= VMI_WEDGE / kPageBytes || page < 16)
      return cannot("the state needs memory that this machine cannot give it");
  return c;
}

std::string ask_processor(const Image& image, const Witness& witness, const Case& c) {
  try {
    Harness harness(image, EngineKind::kProcessor, c.pages);
    const Outcome outcome = harness.run(c);
    if (!outcome.admissible) return "silicon: not tried: " + outcome.refused;
    if (outcome.differences.empty() && witness.partial)
      return "silicon: shows nothing in the end: the claim is about more than the end shows";
    if (outcome.differences.empty())
      return "silicon: DOES NOT AGREE: in this state the processor does what the model says; look at the instruction semantics";
    return "silicon: agrees: " + outcome.differences.front();
  } catch (const std::exception& e) {
    return std::string("silicon: not tried: ") + e.what();
  }
}

}  // namespace vmirom::conformance
