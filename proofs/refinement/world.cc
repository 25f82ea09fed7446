#include "proofs/refinement/world.h"

namespace vmirom {

using smt::Term;
using Stop = SymbolicMachine::Stop;

namespace {

SymbolicWord wide(Term a) { return SymbolicWord(smt::zero_extend(a, 32)); }

}  // namespace

void SymbolicWorld::mismatch(const std::string& what) {
  throw Violation{"refinement", what + " at " +
                                    (machine_->eip.is_constant() ? image_.describe(machine_->eip.value())
                                                                 : "the call table or the guest")};
}

Registers<Symbolic> SymbolicWorld::registers() const {
  const SymbolicMachine& m = *machine_;
  const auto r = [&](x86::Register i) { return SymbolicWord(m.get(i)); };
  Registers<Symbolic> cpu;
  cpu.eax = r(x86::kEax), cpu.ecx = r(x86::kEcx), cpu.edx = r(x86::kEdx), cpu.ebx = r(x86::kEbx);
  cpu.esp = r(x86::kEsp), cpu.ebp = r(x86::kEbp), cpu.esi = r(x86::kEsi), cpu.edi = r(x86::kEdi);
  cpu.eip = SymbolicWord(m.eip);
  cpu.eflags = SymbolicWord(machine_->flags_image());
  cpu.es = wide(m.selectors[x86::kEs]), cpu.cs = wide(m.selectors[x86::kCs]), cpu.ss = wide(m.selectors[x86::kSs]);
  cpu.ds = wide(m.selectors[x86::kDs]), cpu.fs = wide(m.selectors[x86::kFs]), cpu.gs = wide(m.selectors[x86::kGs]);
  return cpu;
}

VirtualCpu<Symbolic> SymbolicWorld::vcpu() const {
  return relation::abstract_vcpu<Symbolic>(
      layout_, [&](uint32_t address, uint32_t bytes) { return wide(machine_->image_load(address, bytes)); });
}

SymbolicWord SymbolicWorld::field(const std::string& name) const {
  const relation::Layout::Field& field = layout_.field(name);
  return wide(machine_->image_load(field.address, field.size));
}

SymbolicWord SymbolicWorld::work() const { return field("work"); }

// A rule about a selector. Of a choice between selectors it is the choice between the rules: the solver has an easier time
// with two lookups than with one at a chosen index.
template <class Rule>
Term SymbolicWorld::by_selector(const SymbolicMachine& m, Term selector, const Rule& rule) {
  if (selector->op == smt::Op::kIf)
    return smt::if_then_else(selector->arguments[0], by_selector(m, selector->arguments[1], rule),
                             by_selector(m, selector->arguments[2], rule));
  SymbolicMemory unused(m.memory.esp0);
  RomFacts facts;
  SymbolicState now{registers(),
                    vcpu(),
                    SymbolicTable(m.tables.at("gdt_copy")),
                    SymbolicTable(m.tables.at("ldt_copy")),
                    SymbolicTable(),
                    SymbolicTable(),
                    SymbolicTable(),
                    unused,
                    *this,
                    facts};
  return rule(now, wide(selector)).term();
}

// The processor's rules, on the tables as the machine's memory has them.
Term SymbolicWorld::loads(const SymbolicMachine& m, x86::SegmentRegister s, Term selector) {
  return by_selector(m, selector, [&](SymbolicState& now, SymbolicWord wanted) {
    const SymbolicWord cpl = now.cpu.cs & 3;
    if (s == x86::kSs) return model::stack_selector_loads<Symbolic>(now, wanted, cpl);
    if (s != x86::kCs) return model::data_selector_loads<Symbolic>(now, wanted, cpl);
    const auto code = model::descriptor_of<Symbolic>(now, wanted);
    return ((wanted & 3) == cpl) & code.present() & model::is_code_for<Symbolic>(code, cpl);
  });
}

Term SymbolicWorld::is_flat(const SymbolicMachine& m, x86::SegmentRegister s, Term selector) {
  return by_selector(m, selector, [&](SymbolicState& now, SymbolicWord wanted) {
    const auto segment = model::descriptor_of<Symbolic>(now, wanted);
    return s == x86::kCs ? segment.is_flat() : segment.is_flat_data();
  });
}

Term SymbolicWorld::time_stamp(uint32_t n) { return smt::variable("tsc." + std::to_string(n), 64); }

Wide<Symbolic> SymbolicWorld::tsc(SymbolicState&) {
  const Term now = time_stamp(time_stamps_++);
  return {SymbolicWord(smt::extract(now, 0, 32)), SymbolicWord(smt::extract(now, 32, 32))};
}

void SymbolicWorld::run_to_guest() {
  switch (machine_->run()) {
    case Stop::kLeft: return;
    case Stop::kHypercall:
      mismatch("hypercall " + std::to_string(machine_->hypercall_number()) + " that the model does not issue");
    case Stop::kLoopHead: mismatch("loop " + machine_->loop_head().name + " that the model does not have");
    case Stop::kPart: mismatch(image_.describe(machine_->part()) + " where the model returns");
  }
}

void SymbolicWorld::claim_related(SymbolicState& s, const std::string& where) {
  const SymbolicMachine& m = *machine_;
  ledger_.equal("refinement", "guest memory " + where, s.memory.guest, m.memory.guest);
  ledger_.equal("refinement", "the processor's GDT " + where, s.gdt.bytes(), m.tables.at("gdt_copy"));
  ledger_.equal("refinement", "the processor's LDT " + where, s.ldt.bytes(), m.tables.at("ldt_copy"));
  ledger_.equal("refinement", "the trap table " + where, s.trap_table.bytes(), m.tables.at("trap_table"));
}

void SymbolicWorld::claim_memory(SymbolicState& s, const std::string& where) {
  claim_related(s, where);
  // The stack from ESP upwards; what lies below it is dead.
  int64_t top;
  if (!s.memory.on_stack(s.cpu.esp.term(), &top)) return ledger_.holds("refinement", "ESP is known", smt::boolean(false));
  std::set<int64_t> places;
  for (const auto* cells : {&s.memory.stack.cells(), &machine_->memory.stack.cells()})
    for (const auto& [at, cell] : *cells)
      if (at >= top && cell.written) places.insert(at & ~int64_t{3});
  for (int64_t at : places) {
    uint32_t open = 0;
    for (const auto& unspecified : s.unspecified) {
      int64_t offset;
      if (s.memory.on_stack(unspecified.address.term(), &offset) && offset == at) open = unspecified.bits;
    }
    const Term counting = smt::constant(~open, 32);
    ledger_.equal("refinement", "the stack at ESP0" + std::string(at < 0 ? "" : "+") + std::to_string(at) + " " + where,
                  smt::bit_and(s.memory.stack.load(at, 4), counting),
                  smt::bit_and(machine_->memory.stack.load(at, 4), counting));
  }
}

// Every byte of guest memory that the machine read, the model read.
void SymbolicWorld::claim_reads(SymbolicState& s) {
  for (const SymbolicMemory::Read& read : machine_->memory.reads) {
    for (uint32_t i = 0; i < read.bytes; ++i) {
      const Term at = smt::add(read.address, smt::constant(i, 32));
      Term covered = smt::boolean(false);
      for (const SymbolicMemory::Read& allowed : s.memory.reads)
        covered = smt::logical_or(covered, smt::less(smt::subtract(at, allowed.address), smt::constant(allowed.bytes, 32)));
      ledger_.holds("read-footprint", "a byte of guest memory that the model does not read", covered);
    }
  }
  machine_->memory.reads.clear();
  s.memory.reads.clear();
}

}  // namespace vmirom
