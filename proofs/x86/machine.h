// What the instruction semantics ask of the machine that they run on.
//
// execute<M>(machine, instruction) carries out one instruction. M provides:
//   using Value                                   Number or smt::Term
//   Value get(Register), void set(Register, Value)            32 bits
//   Flags<Value> flags; Value system_flags                     EFLAGS without the status flags, 32 bits
//   Value flags_image()                           all of EFLAGS, as PUSHF has it
//   Value load(SegmentRegister, Value address, uint32_t bytes, bool will_write)   will_write: the same instruction stores
//   void store(SegmentRegister, Value address, Value)                             there, and faults as a write
//   Value unknown(uint32_t width)                 bits that the manual leaves open
//   Value selector(SegmentRegister)               16 bits
//   void load_selector(SegmentRegister, Value)    as MOV and POP load it; not CS
//   bool decide(Value condition)                  the side of a branch to take
//   Value next() const                            address of the following instruction
//   Value branch_target(const Instruction&)       of a relative branch
//   void jump(Value target)                       instead of going on with next()
//   void far_jump(Value cs, Value eip)            the same, to a code segment of the same level
//   void interrupt_return(Value cs, Value eip)    the same, for IRET
//   Value time_stamp()                            64 bits
//   Value product(Value a, Value b, bool is_signed)  64 bits from 32
//   [[noreturn]] void unsupported(const std::string& what)
#ifndef VMIROM_PROOFS_X86_MACHINE_H_
#define VMIROM_PROOFS_X86_MACHINE_H_

#include "proofs/x86/decode.h"
#include "proofs/x86/flags.h"
#include "proofs/x86/number.h"

namespace vmirom::x86 {

// Operands and their effective addresses, shared by the groups of instructions.
template <class M>
class Operands {
 public:
  using V = typename M::Value;

  Operands(M& machine, const Instruction& instruction) : m_(machine), in_(instruction) {}

  static bool is_segment_register(const ZydisDecodedOperand& op) {
    return op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_SEGMENT;
  }
  static SegmentRegister segment_of(ZydisRegister r) { return SegmentRegister(ZydisRegisterGetId(r)); }

  uint32_t width(uint32_t i) const { return in_.operand(i).size; }

  V address(const ZydisDecodedOperand& op) {
    V sum = make<V>(op.mem.disp.has_displacement ? uint64_t(op.mem.disp.value) : 0, 32);
    if (op.mem.base != ZYDIS_REGISTER_NONE) sum = add(sum, m_.get(Register(ZydisRegisterGetId(op.mem.base))));
    if (op.mem.index != ZYDIS_REGISTER_NONE)
      sum = add(sum, multiply(m_.get(Register(ZydisRegisterGetId(op.mem.index))), make<V>(op.mem.scale, 32)));
    return sum;
  }

  V read(uint32_t i) {
    const ZydisDecodedOperand& op = in_.operand(i);
    switch (op.type) {
      case ZYDIS_OPERAND_TYPE_REGISTER: return read_register(op.reg.value);
      case ZYDIS_OPERAND_TYPE_MEMORY:
        return m_.load(segment_of(op.mem.segment), address(op), op.size / 8, op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
      case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        // An immediate has its encoded size; it counts with the width of the destination.
        return make<V>(op.imm.value.u, width(0));
      default: m_.unsupported("an operand of " + in_.mnemonic_text());
    }
  }

  void write(uint32_t i, V value) {
    const ZydisDecodedOperand& op = in_.operand(i);
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) return write_register(op.reg.value, value);
    m_.store(segment_of(op.mem.segment), address(op), value);
  }

  V read_register(ZydisRegister r) {
    const uint32_t id = ZydisRegisterGetId(r);
    switch (ZydisRegisterGetClass(r)) {
      case ZYDIS_REGCLASS_GPR32: return m_.get(Register(id));
      case ZYDIS_REGCLASS_GPR16: return extract(m_.get(Register(id)), 0, 16);
      case ZYDIS_REGCLASS_GPR8: return extract(m_.get(Register(id & 3)), id < 4 ? 0 : 8, 8);
      case ZYDIS_REGCLASS_SEGMENT: return m_.selector(SegmentRegister(id));
      default: m_.unsupported("register " + std::string(ZydisRegisterGetString(r)));
    }
  }

  void write_register(ZydisRegister r, V value) {
    const uint32_t id = ZydisRegisterGetId(r);
    switch (ZydisRegisterGetClass(r)) {
      case ZYDIS_REGCLASS_GPR32: return m_.set(Register(id), value);
      case ZYDIS_REGCLASS_GPR16: return m_.set(Register(id), join(extract(m_.get(Register(id)), 16, 16), value));
      case ZYDIS_REGCLASS_GPR8: {
        const V whole = m_.get(Register(id & 3));
        return m_.set(Register(id & 3), id < 4 ? join(extract(whole, 8, 24), value)
                                               : join(extract(whole, 16, 16), value, extract(whole, 0, 8)));
      }
      default: m_.unsupported("register " + std::string(ZydisRegisterGetString(r)));
    }
  }

  void push(V value) {
    const V esp = subtract(m_.get(kEsp), make<V>(value.width() / 8, 32));
    m_.store(kSs, esp, value);
    m_.set(kEsp, esp);
  }

  V pop(uint32_t bytes) {
    const V esp = m_.get(kEsp);
    const V value = m_.load(kSs, esp, bytes, false);
    m_.set(kEsp, add(esp, make<V>(bytes, 32)));
    return value;
  }

 protected:
  M& m_;
  const Instruction& in_;
};

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_MACHINE_H_
