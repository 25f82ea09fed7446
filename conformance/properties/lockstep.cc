#include "conformance/properties/lockstep.h"

#include <algorithm>

#include "model/abi/calls.h"
#include "model/hypervisor/hypercall.h"
#include "proofs/x86/decode.h"
#include "proofs/x86/flags.h"
#include "rom/image/hex.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kIret = 0xcf;

// Hypercalls and faults of one call: SetLDT has at most one of each for 8192 entries.
constexpr uint32_t kMostStops = 100'000;

// The ROM as xen::decode_hypercall sees it.
class Caller {
 public:
  Caller(const Image& image, const Memory& memory, const Cpu& cpu, uint32_t number)
      : image_(image), memory_(memory), cpu_(cpu), number_(number) {}

  uint32_t number() const { return number_; }
  uint32_t argument(uint32_t i) const { return (const uint32_t[]){cpu_.ebx, cpu_.ecx, cpu_.edx, cpu_.esi, cpu_.edi}[i]; }
  uint32_t dword(uint32_t address) const { return memory_.load(address, 4); }
  bool is_at(uint32_t address, const char* symbol) const { return address == image_.address_of(symbol); }
  ConcreteTable table(const char* symbol) const {
    return ConcreteTable(reinterpret_cast<const uint32_t*>(memory_.at(image_.address_of(symbol))));
  }
  bool is_own_text(uint32_t address, uint32_t bytes) const {
    const Section* section = image_.section_at(address);
    return section && !section->writable && bytes && section->contains(address + bytes - 1);
  }

 private:
  const Image& image_;
  const Memory& memory_;
  const Cpu& cpu_;
  const uint32_t number_;
};

std::string text_of(const Request<Concrete>& request) {
  std::string text = name_of(request.kind);
  for (uint32_t word : request.words) text += " " + hex(word);
  return text;
}

}  // namespace

Lockstep::Next Lockstep::differ(const std::string& what) {
  differences_.push_back(what);
  return Next::kEnds;
}

std::string Lockstep::place(uint32_t eip) const {
  return eip >= VMI_WEDGE ? image_.describe(eip) + " (EIP " + hex(eip) + ")" : "EIP " + hex(eip);
}

std::string Lockstep::next_request() const {
  return requests_ < world_.requests().size() ? text_of(world_.requests()[requests_].request) : "";
}

void Lockstep::run(Cpu& cpu, const std::function<void(uint32_t, uint32_t)>& hypervisor_writes) {
  esp0_ = cpu.esp;
  for (uint32_t stops = 0; stops < kMostStops; ++stops)
    if (take(engine_.run(cpu), cpu, hypervisor_writes) == Next::kEnds) return;
  differ("the ROM does not come to an end: it has asked the hypervisor or faulted " + std::to_string(kMostStops) + " times");
}

Lockstep::Next Lockstep::take(const Stop& stop, Cpu& cpu, const std::function<void(uint32_t, uint32_t)>& hypervisor_writes) {
  switch (stop.kind) {
    case StopKind::kLeft: return Next::kEnds;
    case StopKind::kRunaway: return differ("the ROM does not come to an end; it is at " + place(cpu.eip));
    case StopKind::kTimeStamp: {
      const uint64_t now = world_.time_stamp(time_stamps_++);
      cpu.eax = uint32_t(now), cpu.edx = uint32_t(now >> 32);
      cpu.eip += 2;
      return Next::kGoesOn;
    }
    case StopKind::kHypercall: return hypercall(stop.hypercall, cpu);
    case StopKind::kFault: return fault(stop, cpu, hypervisor_writes);
  }
  return Next::kEnds;
}

Lockstep::Next Lockstep::hypercall(uint32_t number, Cpu& cpu) {
  Caller caller(image_, memory_, cpu, number);
  const Request<Concrete> found = xen::decode_hypercall<Concrete>(caller);
  if (requests_ == world_.requests().size()) return differ("a request that the model does not make: " + text_of(found));
  const auto& [wanted, answer] = world_.requests()[requests_++];
  if (found.kind != wanted.kind || found.words != wanted.words)
    return differ("request " + std::to_string(requests_) + " is " + text_of(found) + ", the model's " + text_of(wanted));
  if (wanted.kind == RequestKind::kSetTrapTable) {
    for (uint32_t i = 0; i < kTrapTableDwords; ++i)
      if (found.table.get(i) != wanted.table.get(i))
        return differ("dword " + std::to_string(i) + " of the trap table handed over is " + hex(found.table.get(i)) +
                      ", the model's " + hex(wanted.table.get(i)));
  }
  if (wanted.kind == RequestKind::kShutdown) {
    stopped_ = true;
    return Next::kEnds;
  }
  ConcreteTable gdt = caller.table("gdt_copy"), ldt = caller.table("ldt_copy");
  xen::apply<Concrete>(wanted, answer, gdt, ldt);
  for (const auto& [index, value] : gdt.changes()) memory_.store(image_.address_of("gdt_copy") + 4 * index, value, 4);
  for (const auto& [index, value] : ldt.changes()) memory_.store(image_.address_of("ldt_copy") + 4 * index, value, 4);
  uint32_t* const arguments[] = {&cpu.ebx, &cpu.ecx, &cpu.edx, &cpu.esi, &cpu.edi};
  for (uint32_t i = 0; i < xen::argument_count(wanted.kind); ++i) *arguments[i] = 0xdead0000 + i;
  cpu.eax = answer;
  cpu.eip = memory_.load(cpu.esp, 4);
  cpu.esp += 4;
  return Next::kGoesOn;
}

// The guest's table may name a code segment that this machine does not have. IRET has then done nothing yet: it is done here.
bool Lockstep::leaves_by_iret(const Stop& stop, Cpu& cpu) const {
  const uint32_t cs = memory_.load(cpu.esp + 4, 4) & 0xffff;
  if (memory_.load(cpu.eip, 1) != kIret || stop.vector == X86_TRAP_PF || cs == kFlatCode || cs != end_.cpu.cs) return false;
  const uint32_t image = memory_.load(cpu.esp + 8, 4);
  constexpr uint32_t kPopped = X86_EFLAGS_STATUS | x86::kPoppedSystemFlags | X86_EFLAGS_RF;
  cpu.eip = memory_.load(cpu.esp, 4);
  cpu.cs = cs;
  cpu.eflags = (cpu.eflags & ~kPopped) | (image & kPopped);
  cpu.esp += 12;
  return true;
}

uint32_t Lockstep::page_fault_error_code(const Stop& stop, uint32_t eip) const {
  const auto instruction = x86::decode(memory_.at(eip), 16);
  bool writes = false;
  for (uint32_t i = 0; instruction && i < instruction->info.operand_count; ++i) {
    const auto& op = instruction->operand(i);
    writes |= op.type == ZYDIS_OPERAND_TYPE_MEMORY && (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
  }
  return (memory_.rights(stop.address) & kRead ? X86_PF_PRESENT : 0) | (writes ? X86_PF_WRITE : 0);
}

// As the hypervisor does with a fault at a guarded access: the frame on the current stack, on at the wrapper.
Lockstep::Next Lockstep::fault(const Stop& stop, Cpu& cpu,
                               const std::function<void(uint32_t, uint32_t)>& hypervisor_writes) {
  if (leaves_by_iret(stop, cpu)) return Next::kEnds;
  const auto& guarded = image_.exceptions();
  const bool page_fault = stop.vector == X86_TRAP_PF;
  if (std::none_of(guarded.begin(), guarded.end(), [&](const auto& e) { return e.instruction == cpu.eip; }))
    return differ("exception " + std::to_string(stop.vector) + " in the ROM at " + place(cpu.eip) +
                  (page_fault ? ", address " + hex(stop.address) : ""));
  if (esp0_ - cpu.esp > kStackBelow) return differ("the ROM's stack has run out at " + place(cpu.eip));
  const uint32_t error_code = page_fault ? page_fault_error_code(stop, cpu.eip) : stop.error_code;
  if (page_fault) hypervisor_writes(image_.place("shared_info_page.vcpu_info[0].arch.cr2").address, stop.address);
  const auto push = [&](uint32_t value) { memory_.store(cpu.esp -= 4, value, 4); };
  push(cpu.eflags);
  push((noise_ << 16) | cpu.cs);
  push(cpu.eip);
  if (stop.vector < 32 && X86_TRAPS_WITH_ERROR >> stop.vector & 1) push(error_code);
  cpu.eflags &= ~uint32_t{X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF};
  cpu.eip = image_.address_of("trap_wrappers") + stop.vector * VMI_TRAP_WRAPPER_BYTES;
  return Next::kGoesOn;
}

}  // namespace vmirom::conformance
