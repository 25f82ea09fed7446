#include "conformance/properties/harness.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "conformance/properties/world.h"
#include "model/dispatch.h"
#include "model/hypervisor/hypercall.h"
#include "model/relation/contract.h"
#include "proofs/refinement/prover.h"
#include "proofs/x86/decode.h"
#include "proofs/x86/flags.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kIret = 0xcf;

// Hypercalls and faults of one call: SetLDT has at most one of each for 8192 entries.
constexpr uint32_t kMostStops = 100'000;

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

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

}  // namespace

struct Harness::Run {
  State<Concrete> state;
  ConcreteMemory& memory;
  ConcreteWorld& world;
  uint32_t esp0;
  Cpu cpu;
  Outcome outcome;
  bool left = false;  // the ROM came to its end as the model did
};

Harness::Harness(const Image& image, EngineKind kind, const GuestPages& pages)
    : image_(image),
      memory_(image, pages.empty() ? standard_pages() : pages),
      engine_(make_engine(kind, image, memory_)),
      layout_(relation::Layout::from([&](const std::string& path) {
        const Place place = image.place(path);
        return std::pair{place.address, place.size};
      })),
      facts_(rom_facts(image)),
      kind_(kind) {
  // A guest that is about to call Init has the table in its own memory.
  if (pages.empty()) {
    const Section& table = image.section(".vmi_rom");
    for (uint32_t i = 0; i < std::min(table.size, kPageBytes); ++i) *memory_.at(kRomCopy + i) = image.byte(table.address + i);
    // Bytes that are not all the same elsewhere.
    for (const Region& r : memory_.regions()) {
      if (r.begin >= VMI_WEDGE || r.contains(kRomCopy)) continue;
      for (uint32_t i = 0; i < r.size; ++i) r.bytes[i] = uint8_t((r.begin + i) * 2654435761u >> 24);
    }
  }
  for (const Region& r : memory_.regions()) {
    if (r.begin >= kGatePage || (r.begin >= VMI_WEDGE && !(r.rights & kWrite))) continue;
    std::vector<uint8_t> bytes(r.bytes, r.bytes + r.size);
    mirrors_.push_back({&r, bytes, bytes, std::vector<bool>(r.size / kPageBytes)});
  }
}

Harness::~Harness() = default;

uint8_t Harness::golden(uint32_t address) const {
  for (const Mirror& m : mirrors_)
    if (m.region->contains(address)) return m.golden[address - m.region->begin];
  const uint8_t* fixed = memory_.at(address);
  return fixed ? *fixed : 0;
}

void Harness::set_golden(uint32_t address, uint8_t value) {
  for (Mirror& m : mirrors_) {
    if (!m.region->contains(address)) continue;
    const uint32_t at = address - m.region->begin;
    m.golden[at] = value;
    m.dirty[at / kPageBytes] = true;
  }
}

void Harness::write_both(uint32_t address, uint32_t value, uint32_t bytes) {
  memory_.store(address, value, bytes);
  for (uint32_t i = 0; i < bytes; ++i, value >>= 8) set_golden(address + i, uint8_t(value));
}

VirtualCpu<Concrete> Harness::vcpu() const {
  return relation::abstract_vcpu<Concrete>(layout_, [&](uint32_t a, uint32_t n) { return memory_.load(a, n); });
}

void Harness::request_interrupt(uint32_t line) {
  const relation::Layout::Field& irr = layout_.field(line < 8 ? "pic[0].irr" : "pic[1].irr");
  write_both(irr.address, memory_.load(irr.address, 1) | 1u << (line & 7), 1);
  const relation::Layout::Field& work = layout_.field("work");
  write_both(work.address, memory_.load(work.address, 1) | VMI_WORK_INTERRUPT, 1);
}

void Harness::place(const Case& c) {
  // What a guest passes may point beyond its own memory; what it put there is no part of the state.
  for (const auto& [address, value] : c.memory)
    if (address < VMI_WEDGE) write_both(address, value, 1);
  const auto put_table = [&](const char* name, const std::map<uint32_t, uint32_t>& dwords) {
    if (dwords.empty()) return;
    const uint32_t base = image_.address_of(name);
    for (const auto& [index, value] : dwords) write_both(base + 4 * index, value, 4);
  };
  put_table("gdt_copy", c.gdt);
  put_table("ldt_copy", c.ldt);
  put_table("trap_table", c.traps);
  if (!c.vcpu) return;
  uint32_t noise = c.noise;
  relation::represent(
      layout_, *c.vcpu, [&](uint32_t a, uint32_t n, uint32_t v) { write_both(a, v, n); },
      [&](const char* name) -> uint32_t {
        if (std::strcmp(name, "work") == 0) return c.work;
        if (const auto given = c.own.find(name); given != c.own.end()) return given->second;
        return noise = noise * 1664525 + (noise ? 1013904223 : 0);
      });
}

// Back to what the image started as, or on from where the ROM has come to.
void Harness::restore(bool to_pristine) {
  for (Mirror& m : mirrors_) {
    for (uint32_t page = 0; page < m.dirty.size(); ++page) {
      const size_t at = page * kPageBytes;
      uint8_t* const now = m.region->bytes + at;
      if (!to_pristine) {
        if (std::memcmp(now, &m.golden[at], kPageBytes) == 0) continue;
        std::memcpy(&m.golden[at], now, kPageBytes);
        m.dirty[page] = true;
      } else if (m.dirty[page] || std::memcmp(now, &m.golden[at], kPageBytes) != 0) {
        std::memcpy(now, &m.pristine[at], kPageBytes);
        std::memcpy(&m.golden[at], &m.pristine[at], kPageBytes);
        m.dirty[page] = false;
      }
    }
  }
}

void Harness::begin_sequence() { restore(true); }

Outcome Harness::run(const Case& c) {
  Outcome outcome = step(c);
  restore(true);
  return outcome;
}

// Everything the two sides must agree on but registers and virtual CPU.
void Harness::compare_memory(Run& run) {
  auto& differences = run.outcome.differences;
  // What the model says, over what was there before.
  for (const auto& [address, value] : run.memory.changes()) set_golden(address, value);
  const auto apply = [&](const char* name, const ConcreteTable& table) {
    for (const auto& [index, value] : table.changes())
      for (uint32_t i = 0; i < 4; ++i) set_golden(image_.address_of(name) + 4 * index + i, uint8_t(value >> 8 * i));
  };
  apply("gdt_copy", run.state.gdt);
  apply("ldt_copy", run.state.ldt);
  apply("trap_table", run.state.trap_table);
  // Not specified: the stack below ESP, flags in a stack frame, the ROM's representation of what was compared already.
  const auto accept = [&](uint32_t address) {
    if (const uint8_t* now = memory_.at(address)) set_golden(address, *now);
  };
  for (uint32_t a = run.esp0 - kStackBelow; a != run.state.cpu.esp && a - (run.esp0 - kStackBelow) < 2 * kStackBelow; ++a) accept(a);
  for (const auto& open : run.state.unspecified) {
    const uint32_t now = memory_.load(open.address, 4);
    uint32_t then = 0;
    for (uint32_t i = 4; i-- > 0;) then = then << 8 | golden(open.address + i);
    const uint32_t agreed = (then & ~open.bits) | (now & open.bits);
    for (uint32_t i = 0; i < 4; ++i) set_golden(open.address + i, uint8_t(agreed >> 8 * i));
  }
  for (const auto& field : layout_.fields)
    for (uint32_t i = 0; i < field.size; ++i) accept(field.address + i);

  for (const Mirror& m : mirrors_) {
    if (std::memcmp(m.region->bytes, m.golden.data(), m.region->size) == 0) continue;
    for (uint32_t i = 0; i < m.region->size; ++i) {
      if (m.region->bytes[i] == m.golden[i]) continue;
      const uint32_t address = m.region->begin + i;
      differences.push_back("memory at " + hex(address) + (address >= VMI_WEDGE ? " (" + image_.describe(address) + ")" : "") +
                            ": the model has " + hex(m.golden[i]) + ", the ROM left " + hex(m.region->bytes[i]));
      break;
    }
  }
}

Outcome Harness::step(const Case& c) {
  place(c);
  const CallInfo* const info = find_call(c.entry);
  Cpu cpu = c.cpu;
  if (info && cpu.eip == 0) cpu.eip = VMI_WEDGE + VMI_SLOT_BYTES * info->slot;
  if (!info) cpu.eip = image_.address_of(c.entry);
  // Where nothing else is said, the call returns to the gate.
  bool says_return = c.memory.count(cpu.esp);
  if (!says_return) write_both(cpu.esp, kReturnGate, 4);

  const auto table = [&](const char* name) {
    const uint32_t address = image_.address_of(name);
    for (const Mirror& m : mirrors_)
      if (m.region->contains(address))
        return ConcreteTable(reinterpret_cast<const uint32_t*>(&m.golden[address - m.region->begin]));
    throw BadImage(image_.path() + ": " + name + " is not writable data");
  };
  ConcreteMemory memory([&](uint32_t a) { return golden(a); },
                        [&](uint32_t page) {
                          const Region* r = memory_.region_at(page * kPageBytes);
                          return r ? r->rights & (kRead | kWrite) : 0u;
                        });
  ConcreteWorld world(c.answers, c.time_stamps);
  Run run{{cpu, vcpu(), table("gdt_copy"), table("ldt_copy"), table("gdt_frames"), table("ldt_frames"), table("trap_table"), memory,
           world, facts_},
          memory, world, cpu.esp, cpu, {}, false};
  State<Concrete>& s = run.state;
  const auto work = [&] { return memory_.load(layout_.field("work").address, 1); };

  const auto require = [&](const std::vector<relation::Fact<Concrete>>& facts) {
    for (const auto& fact : facts)
      if (!fact.holds && run.outcome.admissible) run.outcome.admissible = false, run.outcome.refused = fact.name;
  };
  require(relation::preconditions<Concrete>(s, kStackBelow, kStackAbove));
  const bool ss_only = !info || info->segments == Segments::ss_only;
  require(info && relation::allowed_before_init(info->call) ? relation::starting_preconditions<Concrete>(s)
                                                            : relation::running_preconditions<Concrete>(s, ss_only));
  require(relation::invariants<Concrete>(s.vcpu, s.cpu, info ? work() : work() & VMI_WORK_INTERRUPT));
  if (cpu.ss != kFlatData || cpu.cs != kFlatCode) run.outcome.admissible = false, run.outcome.refused = "the engines have other flat segments";
  // A selector that does not load faults on the way in, which says nothing about the ROM.
  for (uint32_t selector : {cpu.ds, cpu.es, cpu.fs, cpu.gs}) {
    const uint32_t index = selector & ~3u;
    if (index && index != (kFlatData & ~3u) && index != (kOtherData & ~3u) && index != (kFlatCode & ~3u))
      run.outcome.admissible = false, run.outcome.refused = "the engines have other data segments";
  }
  for (uint32_t a = cpu.esp - kStackBelow; a <= cpu.esp + kStackAbove; a += 64)
    if (!(memory_.rights(a) & kWrite)) run.outcome.admissible = false, run.outcome.refused = "no stack is mapped at ESP";
  if (!run.outcome.admissible) return run.outcome;

  if (info) {
    model::run<Concrete>(info->call, s);
  } else {
    s.raised = work() & VMI_WORK_EXCEPTION;
    s.exception = {memory_.load(layout_.field("exception.vector").address, 4), memory_.load(layout_.field("exception.error_code").address, 4)};
    model::deliver<Concrete>(s);
  }
  if (!s.stopped && (memory_.rights(s.cpu.eip) & kExecute) && s.cpu.eip != kReturnGate) {
    run.outcome.admissible = false;
    run.outcome.refused = "the guest goes on in the ROM's own code";
    return run.outcome;
  }
  // That the guest's pointers and its stack do not overlap is a precondition; the model tells where they point.
  for (const auto& [address, bytes] : memory.touched()) {
    if (address + bytes > run.esp0 - kStackBelow && address < run.esp0 + kStackAbove) {
      run.outcome.admissible = false;
      run.outcome.refused = "the guest passes a pointer to the stack that the call uses";
      return run.outcome;
    }
  }

  auto& differences = run.outcome.differences;
  const auto differ = [&](const std::string& what) { differences.push_back(what); };
  size_t requests = 0, time_stamps = 0;
  bool stopped = false;
  uint32_t stops = 0;
  for (bool going = true; going;) {
    if (++stops > kMostStops) {
      differ("the ROM does not come to an end: it has asked the hypervisor or faulted " + std::to_string(kMostStops) + " times");
      break;
    }
    const Stop stop = engine_->run(run.cpu);
    const std::string at = run.cpu.eip >= VMI_WEDGE ? image_.describe(run.cpu.eip) + " (EIP " + hex(run.cpu.eip) + ")" : "EIP " + hex(run.cpu.eip);
    switch (stop.kind) {
      case StopKind::kLeft:
        going = false;
        run.left = true;
        break;
      case StopKind::kRunaway:
        differ("the ROM does not come to an end; it is at " + at);
        going = false;
        break;
      case StopKind::kTimeStamp: {
        const uint64_t now = world.time_stamp(time_stamps++);
        run.cpu.eax = uint32_t(now), run.cpu.edx = uint32_t(now >> 32);
        run.cpu.eip += 2;
        break;
      }
      case StopKind::kHypercall: {
        Caller caller(image_, memory_, run.cpu, stop.hypercall);
        const Request<Concrete> found = xen::decode_hypercall<Concrete>(caller);
        if (requests == world.requests().size()) {
          differ(std::string("a request ") + name_of(found.kind) + " that the model does not make");
          going = false;
          break;
        }
        const auto& [wanted, answer] = world.requests()[requests++];
        if (found.kind != wanted.kind || found.words != wanted.words) {
          std::string text = std::string("request ") + std::to_string(requests) + " is " + name_of(found.kind);
          for (uint32_t w : found.words) text += " " + hex(w);
          text += std::string(", the model's ") + name_of(wanted.kind);
          for (uint32_t w : wanted.words) text += " " + hex(w);
          differ(text);
          going = false;
          break;
        }
        if (wanted.kind == RequestKind::kSetTrapTable) {
          for (uint32_t i = 0; i < kTrapTableDwords; ++i) {
            if (found.table.get(i) == wanted.table.get(i)) continue;
            differ("dword " + std::to_string(i) + " of the trap table handed over is " + hex(found.table.get(i)) + ", the model's " + hex(wanted.table.get(i)));
            break;
          }
        }
        if (wanted.kind == RequestKind::kShutdown) {
          stopped = true;
          going = false;
          break;
        }
        if (wanted.kind == RequestKind::kUpdateDescriptor) {
          ConcreteTable gdt = caller.table("gdt_copy"), ldt = caller.table("ldt_copy");
          xen::apply<Concrete>(wanted, answer, gdt, ldt);
          for (const auto& [index, value] : gdt.changes()) memory_.store(image_.address_of("gdt_copy") + 4 * index, value, 4);
          for (const auto& [index, value] : ldt.changes()) memory_.store(image_.address_of("ldt_copy") + 4 * index, value, 4);
        }
        uint32_t* const clobbered[] = {&run.cpu.ebx, &run.cpu.ecx, &run.cpu.edx, &run.cpu.esi, &run.cpu.edi};
        for (uint32_t i = 0; i < xen::argument_count(wanted.kind); ++i) *clobbered[i] = 0xdead0000 + i;
        run.cpu.eax = answer;
        run.cpu.eip = memory_.load(run.cpu.esp, 4);
        run.cpu.esp += 4;
        break;
      }
      case StopKind::kFault: {
        // The guest's table may name a code segment that this machine does not have. IRET has then done nothing yet.
        const uint32_t cs = memory_.load(run.cpu.esp + 4, 4) & 0xffff;
        if (memory_.load(run.cpu.eip, 1) == kIret && stop.vector != X86_TRAP_PF && cs != kFlatCode && cs == s.cpu.cs) {
          run.cpu.eip = memory_.load(run.cpu.esp, 4);
          run.cpu.cs = cs;
          const uint32_t image = memory_.load(run.cpu.esp + 8, 4), popped = X86_EFLAGS_STATUS | x86::kPoppedSystemFlags | X86_EFLAGS_RF;
          run.cpu.eflags = (run.cpu.eflags & ~popped) | (image & popped);
          run.cpu.esp += 12;
          going = false;
          run.left = true;
          break;
        }
        const auto& guarded = image_.exceptions();
        const bool expected = std::any_of(guarded.begin(), guarded.end(), [&](const auto& e) { return e.instruction == run.cpu.eip; });
        if (!expected) {
          differ("exception " + std::to_string(stop.vector) + " in the ROM at " + at + (stop.vector == X86_TRAP_PF ? ", address " + hex(stop.address) : ""));
          going = false;
          break;
        }
        // As the hypervisor does: the frame on the current stack, on at the wrapper.
        uint32_t error_code = stop.error_code;
        if (stop.vector == X86_TRAP_PF) {
          const uint8_t* code = memory_.at(run.cpu.eip);
          const auto instruction = x86::decode(code, 16);
          bool writes = false;
          for (uint32_t i = 0; instruction && i < instruction->info.operand_count; ++i) {
            const auto& op = instruction->operand(i);
            writes |= op.type == ZYDIS_OPERAND_TYPE_MEMORY && (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
          }
          error_code = (memory_.rights(stop.address) & kRead ? X86_PF_PRESENT : 0) | (writes ? X86_PF_WRITE : 0);
          write_both(image_.place("shared_info_page.vcpu_info[0].arch.cr2").address, stop.address, 4);
        }
        if (run.esp0 - run.cpu.esp > kStackBelow) {
          differ("the ROM's stack has run out at " + at);
          going = false;
          break;
        }
        const auto push = [&](uint32_t value) { memory_.store(run.cpu.esp -= 4, value, 4); };
        push(run.cpu.eflags);
        push((c.noise << 16) | run.cpu.cs);
        push(run.cpu.eip);
        if (stop.vector < 32 && X86_TRAPS_WITH_ERROR >> stop.vector & 1) push(error_code);
        run.cpu.eflags &= ~uint32_t{X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF};
        run.cpu.eip = image_.address_of("trap_wrappers") + stop.vector * VMI_TRAP_WRAPPER_BYTES;
        break;
      }
    }
  }

  if (differences.empty() && stopped != s.stopped) differ(s.stopped ? "the model stops the virtual machine, the ROM goes on" : "the ROM stops the virtual machine");
  if (differences.empty() && !stopped) {
    if (requests != world.requests().size())
      differ(std::string("the ROM does not make request ") + std::to_string(requests + 1) + ", " + name_of(world.requests()[requests].request.kind));
    for (const auto& p : relation::pairs<Concrete>(s, run.cpu, vcpu()))
      if (p.model != p.rom) differ(p.name + ": the model has " + hex(p.model) + ", the ROM " + hex(p.rom));
    for (const auto& fact : relation::invariants<Concrete>(vcpu(), run.cpu, work()))
      if (!fact.holds) differ("afterwards it does not hold that " + fact.name);
    compare_memory(run);
  }
  restore(false);
  return run.outcome;
}

}  // namespace vmirom::conformance
