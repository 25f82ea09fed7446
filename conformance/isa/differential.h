// One instruction from one random state, on the processor and by the semantics, and what differs afterwards.
#ifndef VMIROM_CONFORMANCE_ISA_DIFFERENTIAL_H_
#define VMIROM_CONFORMANCE_ISA_DIFFERENTIAL_H_

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "conformance/isa/number_machine.h"
#include "conformance/isa/processor.h"

namespace vmirom::isa {

using Bytes = std::vector<uint8_t>;
// x86::execute, or something else that is to be found out. False: the instruction is not known.
using Semantics = std::function<bool(NumberMachine&, const x86::Instruction&)>;

bool shipped_semantics(NumberMachine& machine, const x86::Instruction& instruction);

enum class Outcome {
  kAgrees,
  kDiffers,
  kRefused,     // the semantics give it no meaning in this state
  kOutOfReach,  // it uses what the experiment has not prepared
  kUnknown,     // the semantics do not know it
};

class Differential {
 public:
  // The same seed and the same calls give the same cases.
  explicit Differential(uint32_t seed);

  // The bytes must decode. A branch may get another displacement, so that it does not land on itself.
  Outcome run(const Bytes& bytes, const Semantics& semantics = shipped_semantics);

  // After kDiffers: instruction, input, both outputs, and the differences. After the other outcomes: why.
  const std::string& report() const { return report_; }

 private:
  struct Case {
    Bytes bytes;
    x86::Instruction instruction;
    State input;
    std::vector<uint32_t> places;  // of its operands in memory
  };

  uint32_t random() { return rng_(); }
  uint32_t below(uint32_t limit) { return rng_() % limit; }
  uint32_t value();  // of a register: often one at the edge of something
  uint32_t flags(uint32_t writable);
  uint32_t place_in_arena();
  uint16_t selector(x86::SegmentRegister s);

  bool make(const Bytes& bytes, Case& c);
  void solve_addresses(Case& c);
  void fill_memory(const Case& c);
  void prepare_transfer(Case& c);
  bool place_code(Case& c);
  std::string describe(const Case& c) const;
  std::string differences(const State& found, const NumberMachine& expected, const NumberMachine& other) const;

  std::mt19937 rng_;
  Processor processor_;
  NumberMachine machine_, other_;
  std::vector<Window> windows_;  // before the instruction
  std::string report_;
};

}  // namespace vmirom::isa

#endif  // VMIROM_CONFORMANCE_ISA_DIFFERENTIAL_H_
