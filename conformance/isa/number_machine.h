// The instruction semantics' machine with numbers for values: what proofs/x86/machine.h asks for, on copies of the memory
// that the processor uses.
#ifndef VMIROM_CONFORMANCE_ISA_NUMBER_MACHINE_H_
#define VMIROM_CONFORMANCE_ISA_NUMBER_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/isa/processor.h"
#include "proofs/x86/machine.h"

namespace vmirom::isa {

using x86::Number;

// A range of memory.
struct Window {
  uint32_t address = 0;
  std::vector<uint8_t> bytes;
};

// The semantics say that they have no meaning for this instruction in this state. The proofs then fail; nothing to compare.
struct Refused {
  std::string what;
};

// The semantics make a value of the wrong width, which numbers would cut or extend in silence.
struct WrongWidth {
  std::string what;
};

// The instruction uses what the experiment has not prepared. Nothing to compare either.
struct OutOfReach {
  std::string what;
};

// Selectors that the experiment loads: 0 and user data's with any RPL; none into CS, and only RPL 3 into SS. Null selectors
// other than 0 load too, but any interrupt that comes along turns them to 0. FS starts with 0 and never gets it again: the
// gate must see by the selector that FS has lost its base.
bool loads(x86::SegmentRegister s, uint16_t selector);

class NumberMachine {
 public:
  using Value = Number;

  // unknown_bits: what bits are that the manual leaves open, 0 or all ones.
  void reset(const State& state, const std::vector<Window>& memory, uint32_t length, uint64_t unknown_bits);

  Number get(x86::Register r) const { return {registers_[r], 32}; }
  void set(x86::Register r, Number value);
  Number flags_image() const;
  Number load(x86::SegmentRegister s, Number address, uint32_t bytes, bool will_write);
  void store(x86::SegmentRegister s, Number address, Number value);
  Number unknown(uint32_t width);
  Number selector(x86::SegmentRegister s) const { return {selectors[s], 16}; }
  void load_selector(x86::SegmentRegister s, Number selector);
  bool decide(Number condition) const { return condition.value(); }
  Number next() const { return {next_, 32}; }
  Number branch_target(const x86::Instruction& in) const { return {next_ + in.operand(0).imm.value.u, 32}; }
  void jump(Number target) { eip = uint32_t(target.value()); }
  void far_jump(Number cs, Number target);
  void interrupt_return(Number cs, Number target) { far_jump(cs, target); }
  Number time_stamp();
  Number product(Number a, Number b, bool is_signed) const;
  [[noreturn]] void unsupported(const std::string& what) const { throw Refused{what}; }

  x86::Flags<Number> flags;
  Number system_flags;
  uint16_t selectors[6] = {};
  uint32_t eip = 0;  // after the instruction
  std::vector<Window> memory;

  uint64_t counter = 0;  // what RDTSC reads
  bool asked_time_stamp = false, asked_unknown = false;

 private:
  uint8_t* place(x86::SegmentRegister s, Number address, uint32_t bytes);

  uint32_t registers_[8] = {};
  uint32_t next_ = 0;
  uint64_t unknown_bits_ = 0;
};

}  // namespace vmirom::isa

#endif  // VMIROM_CONFORMANCE_ISA_NUMBER_MACHINE_H_
