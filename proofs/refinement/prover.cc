#include "proofs/refinement/prover.h"

#include <algorithm>
#include <cstdio>

#include "model/dispatch.h"
#include "model/relation/contract.h"
#include "proofs/refinement/world.h"
#include "rom/image/hex.h"

namespace vmirom {
namespace {

using smt::Term;

// Remembers everything that evaluating the path's terms asks of a solver's model.
class Recorder : public smt::Assignment {
 public:
  Recorder(smt::Model& model, Witness& witness) : model_(model), witness_(witness) {}
  uint64_t variable(const std::string& name, uint32_t width) override {
    return witness_.variables[name] = model_.variable(name, width);
  }
  uint64_t apply(const std::string& function, const std::vector<uint64_t>& arguments, uint32_t width) override {
    return model_.apply(function, arguments, width);
  }
  uint8_t byte(const std::string& array, uint32_t index) override {
    return witness_.bytes[array][index] = model_.byte(array, index);
  }

 private:
  smt::Model& model_;
  Witness& witness_;
};

// A state between calls such as a guest is in: what the preconditions are tried on first.
class ExampleState : public smt::Assignment {
 public:
  ExampleState() {
    values_["esp0"] = 0x00100000;
    values_["eflags"] = X86_EFLAGS_FIXED;
    values_["cs"] = 0xe019;
    values_["ss"] = values_["ds"] = values_["es"] = 0xe021;
    values_["vcpu.initialised"] = 1;
    values_["vcpu.flat_cs"] = 0xe019;
    values_["vcpu.flat_ds"] = 0xe021;
  }
  uint64_t variable(const std::string& name, uint32_t) override { return values_[name]; }
  uint64_t apply(const std::string&, const std::vector<uint64_t>&, uint32_t) override { return 0; }
  uint8_t byte(const std::string&, uint32_t) override { return 0; }

 private:
  std::map<std::string, uint64_t> values_;
};

// Thrown to end the exploration.
struct Stopped {};

class Prover {
 public:
  Prover(const Image& image, const Entry& entry, const ProofOptions& options)
      : image_(image),
        entry_(entry),
        options_(options),
        layout_(relation::Layout::from([&](const std::string& path) {
          const Place place = image.place(path);
          return std::pair{place.address, place.size};
        })),
        facts_(rom_facts(image)) {}

  EntryProof prove() {
    const smt::Scope scope;
    std::map<uint32_t, LoopChanges> changes;
    engine::Refuted refuted;
    for (;;) {
      proof_ = {};
      lengths_.clear();
      stopping_ = false;
      engine::Ledger ledger(entry_obligations(), ledger_options(), refuted);
      engine::Explorer explorer;
      try {
        proof_.paths = explorer.explore([&] { run_path(explorer, ledger, changes); });
        if (stopping_) throw Stopped{};
        finish(explorer, ledger, changes);
      } catch (const MoreChanges&) {
        continue;
      } catch (const Stopped&) {
        ledger.fail_all("not settled: the proof stopped where " + options_.stop_at + " was refuted");
      } catch (const std::exception& e) {
        ledger.fail_all(e.what());
      }
      proof_.obligations = ledger.finish();
      return std::move(proof_);
    }
  }

 private:
  void run_path(engine::Explorer& explorer, engine::Ledger& ledger, std::map<uint32_t, LoopChanges>& changes) {
    const Term esp0 = smt::variable("esp0", 32), base = smt::variable("L", 32);
    SymbolicMemory memory(esp0);
    SymbolicWorld world(image_, layout_, memory, ledger, changes);
    world.own_part = entry_.part;
    SymbolicMachine machine(image_, world, base, esp0, [&](int64_t at) { return initial_dword(uint32_t(at)); });
    world.drive(machine);
    for (const char* part : {"deliver", "enter_handler"})
      if (entry_.symbol != part) machine.parts.insert(image_.address_of(part));
    const SymbolicTable gdt(machine.tables["gdt_copy"]), ldt(machine.tables["ldt_copy"]);
    const SymbolicTable gdt_frames(machine.tables["gdt_frames"]), ldt_frames(machine.tables["ldt_frames"]);
    const SymbolicTable trap_table(machine.tables["trap_table"]);
    SymbolicState state{
        begin(machine, world), world.vcpu(), gdt, ldt, gdt_frames, ldt_frames, trap_table, memory, world, facts_};
    bool reached_guest = false;
    try {
      assume_preconditions(explorer, world, state);
      if (preconditions_.empty()) preconditions_ = explorer.path_condition();
      run_model(explorer, world, state);
      if (!state.stopped) {
        world.run_to_guest();
        claim_end(ledger, world, state);
        reached_guest = true;
      }
      world.claim_reads(state);
    } catch (const Violation& v) {
      ledger.holds(v.obligation, v.what, smt::boolean(false));
    } catch (const engine::PathEnd&) {
    } catch (const engine::Infeasible&) {
      ledger.drop_path();
      return;
    }
    if (stopping_) return ledger.drop_path();
    claim_footprint(ledger, machine);
    world.length().straight += machine.instructions;
    lengths_.push_back(world.length());
    proof_.worst_stack_bytes = std::max<uint32_t>(proof_.worst_stack_bytes, -machine.deepest_stack);
    ledger.close_path(explorer.path_condition(), [&](engine::Counterexample found) {
      const bool about_array = found.claim->op == smt::Op::kEqual && found.claim->arguments[0].width() == smt::kArray;
      Witness witness{found.obligation, found.label, !reached_guest || about_array, {}, {}};
      Recorder recorder(*found.model, witness);
      smt::Evaluator evaluator(recorder);
      for (Term t : explorer.path_condition()) evaluator.value(t);
      evaluator.value(found.claim);
      proof_.witness = witness;
    });
    if (options_.stop_at.empty() || !ledger.is_refuted(options_.stop_at)) return;
    // What is refuted behind a loop's head counts once it is known what the loop changes: that is at the exploration's end.
    if (world.length().loops.empty()) throw Stopped{};
    stopping_ = true;
  }

  engine::Ledger::Options ledger_options() const {
    engine::Ledger::Options options;
    options.keep_script = options_.keep_script;
    options.counterexample_for = options_.stop_at;
    for (const auto& group : options_.preferred) {
      options.preferences.emplace_back();
      for (const auto& [name, value] : group) {
        const uint32_t width = width_of(name);
        options.preferences.back().push_back(smt::equal(smt::variable(name, width), smt::constant(value, width)));
      }
    }
    return options;
  }

  // Of a variable that stands for part of the state at entry.
  uint32_t width_of(const std::string& name) const {
    if (name.rfind("vcpu.", 0) == 0) return 8 * layout_.field(name.substr(5)).size;
    return name.size() == 2 ? 16 : 32;  // selectors; registers and dwords of the stack
  }

  // Fields of the virtual CPU are variables of their own names; other memory goes by address.
  Term initial_dword(uint32_t at) const {
    std::vector<Term> parts;
    for (uint32_t i = 4; i-- > 0;) {
      const auto field = std::find_if(layout_.fields.begin(), layout_.fields.end(),
                                      [&](const auto& f) { return at + i - f.address < f.size; });
      if (field == layout_.fields.end()) {
        parts.push_back(smt::variable("byte." + hex(at + i), 8));
      } else {
        parts.push_back(
            smt::extract(smt::variable("vcpu." + field->name, 8 * field->size), 8 * (at + i - field->address), 8));
      }
    }
    return smt::concat(parts);
  }

  // Brings the machine to the entry. Returns the guest's registers there.
  Registers<Symbolic> begin(SymbolicMachine& machine, SymbolicWorld& world) {
    const uint32_t address = image_.address_of(entry_.symbol);
    // Not CS: code segments are never writable and need not be readable.
    machine.flat[x86::kSs] = true;
    if (entry_.call) {
      const uint32_t offset = address - image_.address_of("vmi_rom");
      machine.eip = smt::add(machine.table_base, smt::constant(offset, 32));
      machine.slot_begin = offset;
      machine.slot_end = offset + VMI_SLOT_BYTES;
      machine.flat[x86::kDs] = machine.flat[x86::kEs] = info_of(*entry_.call).segments == Segments::flat;
    } else {
      machine.eip = smt::constant(address, 32);
    }
    Registers<Symbolic> cpu = world.registers();
    cpu.eflags = SymbolicWord(smt::variable("eflags", 32));
    if (entry_.part == Part::kEnterHandler) begin_handler(machine, cpu);
    return cpu;
  }

  // As SymbolicWorld::claim_handler has it: ESP0 is where the exit frame keeps the address to report.
  void begin_handler(SymbolicMachine& machine, Registers<Symbolic>& cpu) {
    const int64_t frame = -int64_t{image_.member("exit_frame_t", "guest_return_address").address};
    const auto put = [&](const char* name, Term value) {
      machine.memory.stack.store(frame + image_.member("exit_frame_t", name).address, value);
    };
    // The upper half of a pushed selector is anything.
    const auto low_half = [&](SymbolicWord w) { return smt::concat({machine.unknown(16), smt::extract(w.term(), 0, 16)}); };
    cpu.eip = SymbolicWord(smt::variable("eip", 32));
    put("es", low_half(cpu.es));
    put("ds", low_half(cpu.ds));
    put("edx", cpu.edx.term());
    put("ecx", cpu.ecx.term());
    put("eax", cpu.eax.term());
    put("eflags", cpu.eflags.term());
    put("guest_return_address", cpu.eip.term());
    machine.memory.stack.store(frame - 4, smt::constant(image_.address_of("deliver.return"), 32));
    const Term esp = smt::add(machine.memory.esp0, smt::constant(uint32_t(frame - 4), 32));
    machine.set(x86::kEsp, esp);
    machine.set(x86::kEax, smt::add(esp, smt::constant(4, 32)));
    machine.set(x86::kEdx, smt::variable("event", 32));
    machine.set(x86::kEcx, smt::variable("error_code", 32));
    machine.flags = x86::Flags<Term>::stored({}, {}, {}, {}, {}, {});
    machine.system_flags = SymbolicWorld::rom_system_flags(cpu.eflags.term());
    const Term flat_ds = smt::extract(smt::variable("vcpu.flat_ds", 32), 0, 16);
    machine.selectors[x86::kDs] = machine.selectors[x86::kEs] = flat_ds;
    machine.flat[x86::kDs] = machine.flat[x86::kEs] = true;
    cpu.esp = SymbolicWord(smt::add(machine.memory.esp0, smt::constant(4, 32)));
  }

  void assume_preconditions(engine::Explorer& explorer, SymbolicWorld& world, SymbolicState& s) {
    const auto assume = [&](const std::vector<relation::Fact<Symbolic>>& facts) {
      for (const auto& fact : facts) explorer.assume_possible(fact.holds.term(), fact.name);
    };
    const auto assume_one = [&](const char* name, SymbolicBool holds) { explorer.assume_possible(holds.term(), name); };
    SymbolicWord work = world.work();
    if (entry_.call) {
      const bool ss_only = info_of(*entry_.call).segments == Segments::ss_only;
      assume(relation::preconditions<Symbolic>(s, kStackBelow, kStackAbove));
      assume(relation::allowed_before_init(*entry_.call) ? relation::starting_preconditions<Symbolic>(s)
                                                         : relation::running_preconditions<Symbolic>(s, ss_only));
      assume_one(kTableEnds, trap_table_ends(s.trap_table));
    } else {
      assume(SymbolicWorld::part_preconditions(s, *entry_.part));
    }
    if (entry_.part == Part::kDeliver) {
      assume_one("work names interrupts and exceptions", work <= SymbolicWord(VMI_WORK_INTERRUPT | VMI_WORK_EXCEPTION));
      assume_one("the exception's vector is below 32", world.field("exception.vector") < SymbolicWord(32));
      work = work & VMI_WORK_INTERRUPT;
    }
    if (entry_.part == Part::kEnterHandler) assume_one("the event is one", SymbolicWorld::is_event(event_at_entry()));
    assume(relation::invariants<Symbolic>(s.vcpu, s.cpu, work));
  }

  static model::Event<Symbolic> event_at_entry() {
    return {SymbolicWord(smt::variable("event", 32)), SymbolicWord(smt::variable("error_code", 32))};
  }

  void run_model(engine::Explorer& explorer, SymbolicWorld& world, SymbolicState& s) {
    if (entry_.call) return model::run<Symbolic>(*entry_.call, s);
    if (entry_.part == Part::kEnterHandler) return model::enter_handler<Symbolic>(s, event_at_entry());
    s.raised = explorer.decide(((world.work() & VMI_WORK_EXCEPTION) != SymbolicWord(0)).term());
    s.exception = {world.field("exception.vector"), world.field("exception.error_code")};
    model::deliver<Symbolic>(s);
  }

  void claim_end(engine::Ledger& ledger, SymbolicWorld& world, SymbolicState& s) {
    const Registers<Symbolic> cpu = world.registers();
    for (const auto& p : relation::pairs<Symbolic>(s, cpu, world.vcpu())) {
      ledger.equal("refinement", p.name, p.model.term(), p.rom.term());
      if (p.name == "ESP") ledger.equal("stack", "ESP when control leaves the ROM", p.model.term(), p.rom.term());
    }
    for (const auto& fact : relation::invariants<Symbolic>(world.vcpu(), cpu, world.work()))
      ledger.holds("refinement", "invariant: " + fact.name, fact.holds.term());
    world.claim_memory(s, "at the end");
  }

  // Writes and reads stay within the virtual CPU, the tables and the stack; reads of the caller's stack within its arguments.
  void claim_footprint(engine::Ledger& ledger, SymbolicMachine& machine) {
    const uint32_t fault_address = image_.place("shared_info_page.vcpu_info[0].arch.cr2").address;
    for (const auto& [at, cell] : machine.data.cells()) {
      if (!cell.written || uint64_t(at) - fault_address < 4) continue;
      if (is_field(at)) continue;
      ledger.equal("write-footprint", "a write to " + image_.describe(at), machine.data.initial_byte(at),
                   smt::extract(cell.word, 8 * cell.byte, 8));
    }
    if (machine.written_tables.count("trap_table"))
      ledger.holds("write-footprint", kTableEnds, trap_table_ends(SymbolicTable(machine.tables["trap_table"])).term());
    for (int64_t at : machine.data_read) {
      if (is_field(at) || uint64_t(at) - fault_address < 4) continue;
      ledger.holds("read-footprint", "a read of " + image_.describe(at), smt::boolean(false));
    }
    const int64_t arguments = 4 + 4 * int64_t(entry_.call ? info_of(*entry_.call).stack_arguments : 0);
    for (int64_t at : machine.caller_stack_read) {
      if (at < arguments) continue;
      ledger.holds("read-footprint",
                   "a read of the caller's stack at ESP0+" + std::to_string(at) + ", beyond what it passed",
                   smt::boolean(false));
    }
  }

  bool is_field(int64_t at) const {
    return std::any_of(layout_.fields.begin(), layout_.fields.end(),
                       [&](const auto& f) { return uint64_t(at) - f.address < f.size; });
  }

  void finish(engine::Explorer& explorer, engine::Ledger& ledger, const std::map<uint32_t, LoopChanges>& changes) {
    uint64_t worst = 0;
    for (const PathLength& length : lengths_) {
      uint64_t total = length.straight;
      for (const auto& [head, most] : length.loops) total += uint64_t(most) * changes.at(head).most_instructions;
      if (length.part) {
        uint64_t& before = proof_.instructions_before[*length.part];
        before = std::max(before, total);
      } else {
        worst = std::max(worst, total);
      }
    }
    proof_.worst_instructions = worst;
    for (const auto& [part, before] : proof_.instructions_before) worst = std::max(worst, before);
    if (worst > entry_.instruction_bound)
      ledger.decide("instruction-bound", engine::Verdict::kRefuted,
                    std::to_string(worst) + " instructions, more than " + std::to_string(entry_.instruction_bound));
    ledger.set_bound("instruction-bound", std::to_string(entry_.instruction_bound) + " instructions");
    ledger.set_bound("stack", std::to_string(kStackBelow) + " bytes");
    ExampleState example;
    ledger.must_be_possible("preconditions-satisfiable", preconditions_, &example);
    claim_coverage(explorer, ledger);
    proof_.assumptions = explorer.preconditions();
  }

  // No state takes a side of a fork that was not explored. Conditions that do not bear on the fork are left out, so that
  // forks that recur on many paths come to the same claim.
  void claim_coverage(engine::Explorer& explorer, engine::Ledger& ledger) {
    constexpr const char* kLabel = "a state that takes a side of a fork that was not explored";
    Term uncovered = smt::boolean(false);
    for (const std::vector<Term>& conditions : explorer.pruned()) {
      Term all = smt::boolean(true);
      for (Term t : smt::relevant_to_last(conditions, true)) all = smt::logical_and(all, t);
      uncovered = smt::logical_or(uncovered, all);
    }
    ledger.must_be_impossible("paths-cover-all-states", kLabel, {uncovered});
  }

  const Image& image_;
  const Entry& entry_;
  const ProofOptions& options_;
  bool stopping_ = false;  // stop_at is refuted; the paths left are only looked at for what loops change
  const relation::Layout layout_;
  const RomFacts facts_;
  EntryProof proof_;
  std::vector<PathLength> lengths_;
  std::vector<Term> preconditions_;
};

}  // namespace

EntryProof prove(const Image& image, const Entry& entry, const ProofOptions& options) {
  return Prover(image, entry, options).prove();
}

}  // namespace vmirom
