// Parts of the ROM that several entries come to, each proved once: where an entry's proof ends and the part's begins.
//
// What an entry claims when it hands over is exactly what the part's own proof starts from (prover.cc, begin_*).
#include "model/relation/contract.h"
#include "proofs/refinement/world.h"

namespace vmirom {

using smt::Term;

bool SymbolicWorld::hand_over(SymbolicState& s, Part part, const std::vector<SymbolicWord>& arguments) {
  if (part == own_part) return false;
  const SymbolicMachine::Stop stop = machine_->run();
  if (stop == SymbolicMachine::Stop::kLeft && part == Part::kDeliver) return false;
  const std::string wanted = part == Part::kDeliver ? "deliver" : "enter_handler";
  if (stop != SymbolicMachine::Stop::kPart || machine_->part() != image_.address_of(wanted))
    mismatch("no arrival at " + wanted);
  claim_related(s, "at " + wanted);
  for (const auto& fact : part_preconditions(s, part))
    ledger_.holds("refinement", fact.name + ", at " + wanted, fact.holds.term());
  part == Part::kDeliver ? claim_delivery(s) : claim_handler(s, arguments);
  claim_reads(s);
  length_.part = part;
  throw engine::PathEnd{};
}

namespace {

using Facts = std::vector<relation::Fact<Symbolic>>;

// Facts about a state in which a selector is a choice, as choices between the facts of either side: solvers are slow at a
// table read at a chosen index.
Facts by_cases(SymbolicWord& selector, const std::function<Facts()>& facts) {
  const Term chosen = selector.term();
  if (chosen->op != smt::Op::kIf) return facts();
  selector = SymbolicWord(chosen->arguments[1]);
  Facts all = by_cases(selector, facts);
  selector = SymbolicWord(chosen->arguments[2]);
  const Facts otherwise = by_cases(selector, facts);
  selector = SymbolicWord(chosen);
  for (size_t i = 0; i < all.size(); ++i)
    all[i].holds = SymbolicBool(smt::if_then_else(chosen->arguments[0], all[i].holds.term(), otherwise[i].holds.term()));
  return all;
}

}  // namespace

Facts SymbolicWorld::part_preconditions(SymbolicState& s, Part part) {
  // Where a handler is entered, the return address has been popped: what is said of ESP is said of the call's.
  const SymbolicWord popped = part == Part::kEnterHandler ? 4 : 0;
  s.cpu.esp = s.cpu.esp - popped;
  Facts facts = by_cases(s.cpu.cs, [&] {
    return by_cases(s.cpu.ss, [&] {
      Facts facts = relation::preconditions<Symbolic>(s, kStackBelow, kStackAbove);
      for (auto& fact : relation::running_preconditions<Symbolic>(s, true)) facts.push_back(fact);
      return facts;
    });
  });
  s.cpu.esp = s.cpu.esp + popped;
  facts.push_back({kTableEnds, trap_table_ends(s.trap_table)});
  return facts;
}

SymbolicBool SymbolicWorld::is_event(const model::Event<Symbolic>& event) {
  return (event.code < SymbolicWord(2 * model::kException)) &
         ((!event.is_exception()) | (event.vector() < SymbolicWord(32)));
}

// What POPF can change is clear; the rest is the guest's.
Term SymbolicWorld::rom_system_flags(Term guest_eflags) {
  constexpr uint32_t kCleared = X86_EFLAGS_STATUS | X86_EFLAGS_RF | x86::kPoppedSystemFlags;
  return smt::bit_and(guest_eflags, smt::constant(~kCleared, 32));
}

// At deliver: ESP at the return address, every register the guest's.
void SymbolicWorld::claim_delivery(SymbolicState& s) {
  Registers<Symbolic> cpu = registers();
  cpu.eip = s.cpu.eip;
  for (const auto& p : relation::pairs<Symbolic>(s, cpu, vcpu()))
    ledger_.equal("refinement", p.name + " at deliver", p.model.term(), p.rom.term());
  // The way out costs more than the budgets of the calls that have one.
  ledger_.holds("instruction-bound", "there is work, at deliver", (work() != SymbolicWord(0)).term());
  const SymbolicWord raised = (work() >> 1) & 1;
  ledger_.equal("refinement", "whether an exception is on its way", smt::constant(s.raised, 32), raised.term());
  if (s.raised) {
    ledger_.equal("refinement", "the exception's vector", s.exception.vector.term(), field("exception.vector").term());
    ledger_.equal("refinement", "the exception's error code", s.exception.error_code.term(),
                  field("exception.error_code").term());
    ledger_.holds("refinement", "the exception's vector is below 32", (s.exception.vector < SymbolicWord(32)).term());
  }
  for (const auto& fact : relation::invariants<Symbolic>(vcpu(), cpu, work() & ~uint32_t{VMI_WORK_EXCEPTION}))
    ledger_.holds("refinement", fact.name + ", at deliver", fact.holds.term());
}

// At enter_handler: the exit frame in EAX holds the guest's registers and the address to report, event and error code are in
// EDX and ECX, and it returns to the way out.
void SymbolicWorld::claim_handler(SymbolicState& s, const std::vector<SymbolicWord>& arguments) {
  SymbolicMachine& m = *machine_;
  const Place eip_place = image_.member("exit_frame_t", "guest_return_address");
  const Term frame = smt::subtract(s.cpu.esp.term(), smt::constant(eip_place.address + 4, 32));
  const auto equal = [&](const std::string& what, Term model, Term rom) {
    ledger_.equal("refinement", what + " at enter_handler", model, rom);
  };
  const auto in_frame = [&](const char* name, uint32_t bytes) {
    int64_t at = 0;
    m.memory.on_stack(smt::add(frame, smt::constant(image_.member("exit_frame_t", name).address, 32)), &at);
    return smt::zero_extend(m.memory.stack.load(at, bytes), 32);
  };
  equal("the frame's address", frame, m.get(x86::kEax));
  equal("the event", arguments[0].term(), m.get(x86::kEdx));
  equal("its error code", arguments[1].term(), m.get(x86::kEcx));
  ledger_.holds("refinement", "the event is one", is_event({arguments[0], arguments[1]}).term());
  equal("ESP", smt::subtract(frame, smt::constant(4, 32)), m.get(x86::kEsp));
  int64_t esp = 0;
  m.memory.on_stack(m.get(x86::kEsp), &esp);
  equal("the address it returns to", smt::constant(image_.address_of("deliver.return"), 32), m.memory.stack.load(esp, 4));

  Registers<Symbolic> cpu = registers();
  const auto word = [&](const char* name) { return SymbolicWord(in_frame(name, 4)); };
  cpu.eax = word("eax"), cpu.ecx = word("ecx"), cpu.edx = word("edx"), cpu.eflags = word("eflags"),
  cpu.eip = word("guest_return_address");
  cpu.ds = SymbolicWord(in_frame("ds", 2)), cpu.es = SymbolicWord(in_frame("es", 2));
  cpu.esp = s.cpu.esp;
  for (const auto& p : relation::pairs<Symbolic>(s, cpu, vcpu())) equal(p.name, p.model.term(), p.rom.term());
  equal("DS while the ROM runs", vcpu().flat_ds.term(), registers().ds.term());
  equal("ES while the ROM runs", vcpu().flat_ds.term(), registers().es.term());
  equal("system flags while the ROM runs", rom_system_flags(cpu.eflags.term()), m.system_flags);
  for (const auto& fact : relation::invariants<Symbolic>(vcpu(), cpu, work()))
    ledger_.holds("refinement", fact.name + ", at enter_handler", fact.holds.term());
}

}  // namespace vmirom
