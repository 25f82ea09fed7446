#include "conformance/properties/harness.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "conformance/properties/lockstep.h"
#include "conformance/properties/world.h"
#include "model/dispatch.h"
#include "model/relation/contract.h"
#include "proofs/refinement/prover.h"
#include "rom/image/hex.h"

namespace vmirom::conformance {
Harness::Harness(const Image& image, EngineKind kind, const GuestPages& pages)
    : image_(image),
      memory_(image, pages.empty() ? standard_pages() : pages),
      engine_(make_engine(kind, image, memory_)),
      layout_(relation::Layout::from([&](const std::string& path) {
        const Place place = image.place(path);
        return std::pair{place.address, place.size};
      })),
      facts_(rom_facts(image)) {
  // A guest that is about to call Init has the table in its own memory.
  if (pages.empty()) {
    const Section& table = image.section(".vmi_rom");
    for (uint32_t i = 0; i < std::min(table.size, kPageBytes); ++i)
      *memory_.at(kRomCopy + i) = image.byte(table.address + i);
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
void Harness::compare_memory(const State<Concrete>& s, uint32_t esp0, std::vector<std::string>& differences) {
  // What the model says, over what was there before.
  for (const auto& [address, value] : s.memory.changes()) set_golden(address, value);
  const auto apply = [&](const char* name, const ConcreteTable& table) {
    for (const auto& [index, value] : table.changes())
      for (uint32_t i = 0; i < 4; ++i) set_golden(image_.address_of(name) + 4 * index + i, uint8_t(value >> 8 * i));
  };
  apply("gdt_copy", s.gdt);
  apply("ldt_copy", s.ldt);
  apply("trap_table", s.trap_table);
  // Not specified: the stack below ESP, flags in a stack frame, the ROM's representation of what was compared already.
  const auto accept = [&](uint32_t address) {
    if (const uint8_t* now = memory_.at(address)) set_golden(address, *now);
  };
  for (uint32_t a = esp0 - kStackBelow; a != s.cpu.esp && a - (esp0 - kStackBelow) < 2 * kStackBelow; ++a) accept(a);
  for (const auto& open : s.unspecified) {
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
      differences.push_back("memory at " + hex(address) +
                            (address >= VMI_WEDGE ? " (" + image_.describe(address) + ")" : "") + ": the model has " +
                            hex(m.golden[i]) + ", the ROM left " + hex(m.region->bytes[i]));
      break;
    }
  }
}

// Why the call may not be made in this state, or why the engines cannot take it; empty when it may and they can.
std::string Harness::objection(State<Concrete>& s, const CallInfo* call) const {
  std::string first;
  const auto require = [&](const std::vector<relation::Fact<Concrete>>& facts) {
    for (const auto& fact : facts)
      if (!fact.holds && first.empty()) first = fact.name;
  };
  require(relation::preconditions<Concrete>(s, kStackBelow, kStackAbove));
  const bool ss_only = !call || call->segments == Segments::ss_only;
  require(call && relation::allowed_before_init(call->call) ? relation::starting_preconditions<Concrete>(s)
                                                            : relation::running_preconditions<Concrete>(s, ss_only));
  require(relation::invariants<Concrete>(s.vcpu, s.cpu, call ? work() : work() & VMI_WORK_INTERRUPT));
  if (!first.empty()) return first;
  if (s.cpu.ss != kFlatData || s.cpu.cs != kFlatCode) return "CS and SS are the engines' flat segments";
  // A selector that does not load faults on the way in, which says nothing about the ROM.
  for (uint32_t selector : {s.cpu.ds, s.cpu.es, s.cpu.fs, s.cpu.gs}) {
    const uint32_t entry = selector & ~3u;
    if (entry && entry != (kFlatData & ~3u) && entry != (kOtherData & ~3u) && entry != (kFlatCode & ~3u))
      return "DS, ES, FS and GS are null or segments that the engines have";
  }
  for (uint32_t a = s.cpu.esp - kStackBelow; a <= s.cpu.esp + kStackAbove; a += 64)
    if (!(memory_.rights(a) & kWrite)) return "the guest's stack is mapped";
  return {};
}

// The same, told by what the model has done.
std::string Harness::late_objection(const State<Concrete>& s, uint32_t esp0) const {
  if (!s.stopped && (memory_.rights(s.cpu.eip) & kExecute) && s.cpu.eip != kReturnGate)
    return "the guest goes on in its own code, not the ROM's";
  // That the guest's pointers and its stack do not overlap is a precondition; the model tells where they point.
  for (const auto& [address, bytes] : s.memory.touched())
    if (address + bytes > esp0 - kStackBelow && address < esp0 + kStackAbove)
      return "the guest passes no pointer to the stack that the call uses";
  return {};
}

ConcreteTable Harness::golden_table(const char* name) const {
  const uint32_t address = image_.address_of(name);
  for (const Mirror& m : mirrors_)
    if (m.region->contains(address))
      return ConcreteTable(reinterpret_cast<const uint32_t*>(&m.golden[address - m.region->begin]));
  throw BadImage(image_.path() + ": " + name + " is not writable data; link it with rom/image/vmi.lds");
}

uint32_t Harness::field(const char* name) const {
  const relation::Layout::Field& f = layout_.field(name);
  return memory_.load(f.address, f.size);
}

Outcome Harness::step(const Case& c) {
  place(c);
  const CallInfo* const call = find_call(c.entry);
  Cpu cpu = c.cpu;
  if (call && cpu.eip == 0) cpu.eip = VMI_WEDGE + VMI_SLOT_BYTES * call->slot;
  if (!call) cpu.eip = image_.address_of(c.entry);
  // Where nothing else is said, the call returns to the gate.
  if (!c.memory.count(cpu.esp)) write_both(cpu.esp, kReturnGate, 4);

  ConcreteMemory memory([&](uint32_t a) { return golden(a); },
                        [&](uint32_t page) { return memory_.rights(page * kPageBytes) & (kRead | kWrite); });
  ConcreteWorld world(c.answers, c.time_stamps);
  State<Concrete> s{cpu,
                    vcpu(),
                    golden_table("gdt_copy"),
                    golden_table("ldt_copy"),
                    golden_table("gdt_frames"),
                    golden_table("ldt_frames"),
                    golden_table("trap_table"),
                    memory,
                    world,
                    facts_};
  Outcome outcome;
  const auto refuse = [&](const std::string& why) {
    outcome.admissible = why.empty();
    outcome.refused = why;
    return !outcome.admissible;
  };
  if (refuse(objection(s, call))) return outcome;
  if (call) {
    model::run<Concrete>(call->call, s);
  } else {
    s.raised = work() & VMI_WORK_EXCEPTION;
    s.exception = {field("exception.vector"), field("exception.error_code")};
    model::deliver<Concrete>(s);
  }
  if (refuse(late_objection(s, cpu.esp))) return outcome;

  Lockstep lockstep(image_, memory_, *engine_, world, s, c.noise);
  const uint32_t esp0 = cpu.esp;
  lockstep.run(cpu, [&](uint32_t address, uint32_t value) { write_both(address, value, 4); });
  outcome.differences = lockstep.differences();
  const auto differ = [&](const std::string& what) { outcome.differences.push_back(what); };
  if (outcome.differences.empty() && lockstep.stopped() != s.stopped)
    differ(s.stopped ? "the model stops the virtual machine, the ROM goes on" : "the ROM stops the virtual machine");
  if (outcome.differences.empty() && !s.stopped) {
    if (const std::string missing = lockstep.next_request(); !missing.empty())
      differ("the ROM does not make the request " + missing);
    for (const auto& p : relation::pairs<Concrete>(s, cpu, vcpu()))
      if (p.model != p.rom) differ(p.name + ": the model has " + hex(p.model) + ", the ROM " + hex(p.rom));
    for (const auto& fact : relation::invariants<Concrete>(vcpu(), cpu, work()))
      if (!fact.holds) differ("afterwards it does not hold that " + fact.name);
    compare_memory(s, esp0, outcome.differences);
  }
  restore(false);
  return outcome;
}

}  // namespace vmirom::conformance
