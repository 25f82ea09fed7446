// The model and the machine code side by side: the model decides what happens next, the machine must do the same.
//
// Source of the method: docs/architecture.md, "How a call is proved".
#ifndef VMIROM_PROOFS_REFINEMENT_WORLD_H_
#define VMIROM_PROOFS_REFINEMENT_WORLD_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/hypervisor/request.h"
#include "model/relation/relation.h"
#include "model/state.h"
#include "model/transitions.h"
#include "proofs/engine/ledger.h"
#include "proofs/engine/symbolic.h"
#include "proofs/x86/symbolic_machine.h"

namespace vmirom {

using SymbolicState = State<Symbolic>;

// What an iteration of a loop changes in the machine, found by running it: everything else is the same at every arrival.
struct LoopChanges {
  std::set<x86::Register> registers;
  std::set<int64_t> stack;  // offsets of bytes
  std::set<int64_t> data;   // addresses of bytes
  std::set<std::string> tables;
  bool guest = false;
  uint32_t most_instructions = 0;  // of one iteration
};

// Thrown when an iteration changes more than was known: the exploration starts again, knowing it.
struct MoreChanges {};

// How many instructions a path takes: straight, and per loop; and the part that it goes on in, with the stack in use there.
struct PathLength {
  uint32_t straight = 0;
  std::vector<std::pair<uint32_t, uint32_t>> loops;  // address of the head, most iterations
  std::optional<Part> part;
};

inline SymbolicBool trap_table_ends(const SymbolicTable& table) {
  return table.get(kTrapTableDwords + 1) == SymbolicWord(0);
}

class SymbolicWorld : public Surroundings {
 public:
  SymbolicWorld(const Image& image, const relation::Layout& layout, const SymbolicMemory& model_memory,
                engine::Ledger& ledger, std::map<uint32_t, LoopChanges>& changes)
      : image_(image), layout_(layout), model_memory_(&model_memory), ledger_(ledger), changes_(changes) {}

  // The machine that the world drives; set before anything else is asked.
  void drive(SymbolicMachine& machine) { machine_ = &machine; }

  // For the model.
  SymbolicWord request(SymbolicState& s, const Request<Symbolic>& request);
  Wide<Symbolic> tsc(SymbolicState& s);
  void loop(SymbolicState& s, const std::string& name, uint32_t most, const std::vector<SymbolicWord*>& variables,
            const std::function<SymbolicBool()>& invariant, const std::function<SymbolicWord()>& left,
            const std::function<bool()>& body);
  bool hand_over(SymbolicState& s, Part part, const std::vector<SymbolicWord>& arguments);

  // For the machine.
  smt::Term loads(const SymbolicMachine& m, x86::SegmentRegister s, smt::Term selector) override;
  smt::Term is_flat(const SymbolicMachine& m, x86::SegmentRegister s, smt::Term selector) override;
  bool accessible(smt::Term address, uint32_t bytes, bool write) override {
    return model_memory_->covered(address, bytes, write);
  }
  smt::Term time_stamp(uint32_t n) override;

  // The guest's registers, and the virtual CPU, as the machine has them.
  Registers<Symbolic> registers() const;
  VirtualCpu<Symbolic> vcpu() const;
  SymbolicWord work() const;
  // A field of vcpu.def, zero-extended.
  SymbolicWord field(const std::string& name) const;

  // Claims that the machine, wherever it is, and the model agree on everything but registers.
  void claim_related(SymbolicState& s, const std::string& where);
  void claim_memory(SymbolicState& s, const std::string& where);
  void claim_reads(SymbolicState& s);
  // Runs the machine to the guest. Ends the path when it stops anywhere else.
  void run_to_guest();

  PathLength& length() { return length_; }

  // What the proof of a part starts from, and an entry that comes to it must establish.
  static std::vector<relation::Fact<Symbolic>> part_preconditions(SymbolicState& s, Part part);
  static smt::Term rom_system_flags(smt::Term guest_eflags);
  static SymbolicBool is_event(const model::Event<Symbolic>& event);

  // The part that is being proved: its own start is no hand-over.
  std::optional<Part> own_part;

 private:
  template <class Rule>
  smt::Term by_selector(const SymbolicMachine& m, smt::Term selector, const Rule& rule);
  struct Head;
  void claim_delivery(SymbolicState& s);
  void claim_handler(SymbolicState& s, const std::vector<SymbolicWord>& arguments);
  [[noreturn]] void mismatch(const std::string& what);
  void expect_head(const std::string& name);
  void claim_head(SymbolicState& s, const std::string& where, const std::vector<SymbolicWord*>& variables,
                  const std::function<SymbolicBool()>& invariant);
  void forget(SymbolicState& s, const std::string& name, const std::vector<SymbolicWord*>& variables);
  void note_changes(const Head& head);
  Head snapshot() const;

  const Image& image_;
  const relation::Layout& layout_;
  const SymbolicMemory* model_memory_;
  SymbolicMachine* machine_ = nullptr;
  engine::Ledger& ledger_;
  std::map<uint32_t, LoopChanges>& changes_;
  uint32_t time_stamps_ = 0;
  PathLength length_;
};

}  // namespace vmirom

#endif  // VMIROM_PROOFS_REFINEMENT_WORLD_H_
