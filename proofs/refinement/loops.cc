// Loops over data, cut at their heads: entry, one arbitrary iteration, exit.
//
// The machine is brought to the head and must be related to the model there. Then whatever an iteration can change is
// forgotten, on both sides alike, keeping only that the two are related and that the loop's invariant holds: the state of
// any iteration. From there one body is run, on both sides; either it comes back to the head, related again and with less
// left to do, or it leaves the loop and the path goes on.
#include "proofs/refinement/world.h"

namespace vmirom {

using smt::Term;
using Stop = SymbolicMachine::Stop;

struct SymbolicWorld::Head {
  Term registers[8];
  Term selectors[6];
  Term system_flags, guest;
  std::map<int64_t, x86::Cells::Cell> stack, data;
  std::map<std::string, Term> tables;
};

SymbolicWorld::Head SymbolicWorld::snapshot() const {
  const SymbolicMachine& m = *machine_;
  Head head;
  for (uint32_t r = 0; r < 8; ++r) head.registers[r] = m.get(x86::Register(r));
  for (uint32_t s = 0; s < 6; ++s) head.selectors[s] = m.selectors[s];
  head.system_flags = m.system_flags;
  head.guest = m.memory.guest;
  head.stack = m.memory.stack.cells();
  head.data = m.data.cells();
  head.tables = m.tables;
  return head;
}

void SymbolicWorld::expect_head(const std::string& name) {
  if (machine_->run() != Stop::kLoopHead) mismatch("no arrival at loop " + name);
  if (machine_->loop_head().name != name) mismatch("loop " + machine_->loop_head().name + " instead of " + name);
}

void SymbolicWorld::claim_head(SymbolicState& s, const std::string& where, const std::vector<SymbolicWord*>& variables,
                               const std::function<SymbolicBool()>& invariant) {
  const LoopHead& head = machine_->loop_head();
  if (head.registers.size() != variables.size()) mismatch("loop " + head.name + " marks another number of variables");
  for (size_t i = 0; i < variables.size(); ++i)
    ledger_.equal("refinement", "loop variable " + std::to_string(i) + " " + where, variables[i]->term(),
                  machine_->get(x86::register_named(head.registers[i])));
  claim_related(s, where);
  for (const auto& p : relation::pairs<Symbolic>(s, s.cpu, vcpu()))
    ledger_.equal("refinement", p.name + " " + where, p.model.term(), p.rom.term());
  ledger_.holds("refinement", "the loop's invariant " + where, invariant().term());
  ledger_.holds("refinement", kTableEnds, trap_table_ends(s.trap_table).term());
  claim_reads(s);
}

void SymbolicWorld::forget(SymbolicState& s, const std::string& name, const std::vector<SymbolicWord*>& variables) {
  auto& explorer = engine::Explorer::current();
  SymbolicMachine& m = *machine_;
  LoopChanges& changes = changes_[m.loop_head().address];
  const auto unknown = [&](uint32_t width) { return explorer.fresh("loop." + name, width); };

  for (x86::Register r : changes.registers) m.set(r, unknown(32));
  for (size_t i = 0; i < variables.size(); ++i) {
    *variables[i] = SymbolicWord(unknown(32));
    m.set(x86::register_named(m.loop_head().registers[i]), variables[i]->term());
  }
  m.flags = x86::Flags<Term>::stored({}, {}, {}, {}, {}, {});
  for (int64_t at : changes.stack) m.memory.stack.store(at, unknown(8));
  for (int64_t at : changes.data) m.data.store(at, unknown(8));
  for (const std::string& table : changes.tables) m.tables[table] = explorer.fresh("loop." + table, smt::kArray);
  if (changes.guest) m.memory.guest = explorer.fresh("loop.guest", smt::kArray);
  // Below ESP nothing is alive.
  int64_t esp;
  if (!m.memory.on_stack(m.get(x86::kEsp), &esp)) mismatch("ESP is not known at loop " + name);
  m.memory.stack.forget_below(esp);

  // The model's side is what the machine's memory says: it was shown to be on arrival.
  s.vcpu = vcpu();
  s.gdt = SymbolicTable(m.tables["gdt_copy"]);
  s.ldt = SymbolicTable(m.tables["ldt_copy"]);
  s.trap_table = SymbolicTable(m.tables["trap_table"]);
  s.memory.guest = m.memory.guest;
  explorer.assume_possible(trap_table_ends(s.trap_table).term(), kTableEnds);
}

void SymbolicWorld::note_changes(const Head& head) {
  const SymbolicMachine& m = *machine_;
  LoopChanges& changes = changes_[m.loop_head().address];
  bool more = false;
  const auto note = [&](auto& set, const auto& what) { more |= set.insert(what).second; };
  for (uint32_t r = 0; r < 8; ++r) {
    if (m.get(x86::Register(r)) == head.registers[r]) continue;
    if (r == x86::kEsp) mismatch("ESP moves from one iteration to the next");
    note(changes.registers, x86::Register(r));
  }
  for (uint32_t s = 0; s < 6; ++s)
    if (m.selectors[s] != head.selectors[s]) mismatch("a segment register changes in a loop");
  if (m.system_flags != head.system_flags) mismatch("system flags change in a loop");
  int64_t esp = 0;
  m.memory.on_stack(m.get(x86::kEsp), &esp);
  const auto compare = [&](const auto& now, const auto& then, int64_t from, auto& set) {
    for (const auto& [at, cell] : now) {
      if (at < from || !cell.written) continue;
      const auto before = then.find(at);
      if (before == then.end() ||
          smt::extract(cell.word, 8 * cell.byte, 8) != smt::extract(before->second.word, 8 * before->second.byte, 8))
        note(set, at);
    }
  };
  compare(m.memory.stack.cells(), head.stack, esp, changes.stack);
  compare(m.data.cells(), head.data, INT64_MIN, changes.data);
  for (const auto& [name, bytes] : m.tables)
    if (bytes != head.tables.at(name)) note(changes.tables, name);
  if (m.memory.guest != head.guest && !changes.guest) changes.guest = more = true;
  if (more) throw MoreChanges{};
}

void SymbolicWorld::loop(SymbolicState& s, const std::string& name, uint32_t most,
                         const std::vector<SymbolicWord*>& variables, const std::function<SymbolicBool()>& invariant,
                         const std::function<SymbolicWord()>& left, const std::function<bool()>& body) {
  auto& explorer = engine::Explorer::current();
  expect_head(name);
  // A compiler may have made several heads of one: each is cut when it is first come to.
  std::map<uint32_t, Head> seen;
  uint32_t previous = 0;
  for (;;) {
    const uint32_t address = machine_->loop_head().address;
    claim_head(s, (previous ? "after an iteration of loop " : "on arrival at loop ") + name, variables, invariant);
    if (previous) {
      uint32_t& longest = changes_[previous].most_instructions;
      longest = std::max(longest, machine_->instructions);
    } else {
      ledger_.holds("instruction-bound", "loop " + name + " iterates at most " + std::to_string(most) + " times",
                    (left() <= SymbolicWord(most)).term());
    }
    if (const auto head = seen.find(address); head != seen.end()) {
      note_changes(head->second);
      throw engine::PathEnd{};
    }
    previous = address;
    length_.straight += machine_->instructions;
    length_.loops.push_back({address, most});
    machine_->instructions = 0;
    forget(s, name, variables);
    explorer.assume(invariant().term(), "a loop's invariant, proved on arrival and after each iteration");
    seen[address] = snapshot();

    const SymbolicWord before = left();
    const Registers<Symbolic> cpu = s.cpu;
    if (!body()) return;
    if (!(cpu.esp.term() == s.cpu.esp.term() && cpu.eax.term() == s.cpu.eax.term()))
      mismatch("the model's loop changes registers");
    expect_head(name);
    ledger_.holds("instruction-bound", "loop " + name + " has less left after an iteration", (left() < before).term());
  }
}

}  // namespace vmirom
