// Instructions that move data and control: moves, stack, branches, flags, segment registers.
//
// Source: Intel SDM volume 2. IRET and POPF as at a privilege level above IOPL: IF and IOPL stay.
#ifndef VMIROM_PROOFS_X86_TRANSFER_H_
#define VMIROM_PROOFS_X86_TRANSFER_H_

#include "proofs/x86/machine.h"

namespace vmirom::x86 {

template <class M>
class Transfer : public Operands<M> {
 public:
  using typename Operands<M>::V;
  using Operands<M>::Operands;
  using Operands<M>::read;
  using Operands<M>::write;
  using Operands<M>::push;
  using Operands<M>::pop;

  // False when the mnemonic is not of this group.
  bool execute() {
    if (in_.info.operand_width == 16 && uses_stack_or_branches()) return false;
    if (const int code = condition_code(); code >= 0) return conditional(code);
    switch (in_.mnemonic()) {
      case ZYDIS_MNEMONIC_MOV: return move();
      case ZYDIS_MNEMONIC_MOVZX: return write(0, zero_extend(read(1), this->width(0))), true;
      case ZYDIS_MNEMONIC_MOVSX: return write(0, sign_extend(read(1), this->width(0))), true;
      case ZYDIS_MNEMONIC_LEA: return write(0, extract(this->address(in_.operand(1)), 0, this->width(0))), true;
      case ZYDIS_MNEMONIC_XCHG: return exchange();
      case ZYDIS_MNEMONIC_CDQ: return m_.set(kEdx, extract(sign_extend(m_.get(kEax), 64), 32, 32)), true;
      case ZYDIS_MNEMONIC_CWDE: return m_.set(kEax, sign_extend(extract(m_.get(kEax), 0, 16), 32)), true;
      case ZYDIS_MNEMONIC_BSWAP: return swap_bytes();
      case ZYDIS_MNEMONIC_NOP: return is_defined_nop();
      case ZYDIS_MNEMONIC_PAUSE: return true;
      case ZYDIS_MNEMONIC_PUSH: return push_operand();
      case ZYDIS_MNEMONIC_POP: return pop_operand();
      case ZYDIS_MNEMONIC_LEAVE: return m_.set(kEsp, m_.get(kEbp)), m_.set(kEbp, pop(4)), true;
      case ZYDIS_MNEMONIC_PUSHFD: return push(m_.flags_image()), true;
      case ZYDIS_MNEMONIC_POPFD: return pop_flags(pop(4)), true;
      case ZYDIS_MNEMONIC_CALL: return call();
      case ZYDIS_MNEMONIC_RET: return near_or_far_return();
      case ZYDIS_MNEMONIC_IRETD: return interrupt_return();
      case ZYDIS_MNEMONIC_JMP: return near_jump();
      case ZYDIS_MNEMONIC_RDTSC: return time_stamp();
      default: return false;
    }
  }

 private:
  using Operands<M>::m_;
  using Operands<M>::in_;

  // With 16-bit operands these move ESP by 2 and cut EIP to 16 bits.
  bool uses_stack_or_branches() const {
    switch (in_.mnemonic()) {
      case ZYDIS_MNEMONIC_PUSH:
      case ZYDIS_MNEMONIC_POP:
      case ZYDIS_MNEMONIC_LEAVE: return true;
      default: return in_.info.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
    }
  }

  // Of Jcc, SETcc and CMOVcc: the opcode's low nibble. -1 for other instructions.
  int condition_code() const {
    const uint8_t op = in_.info.opcode;
    const ZydisInstructionCategory category = in_.info.meta.category;
    // The category of conditional branches has LOOP, JECXZ, XBEGIN and others in it.
    const bool is_jcc =
        category == ZYDIS_CATEGORY_COND_BR && (in_.info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT
                                                   ? (op & 0xf0) == 0x70
                                                   : in_.info.opcode_map == ZYDIS_OPCODE_MAP_0F && (op & 0xf0) == 0x80);
    return is_jcc || category == ZYDIS_CATEGORY_SETCC || category == ZYDIS_CATEGORY_CMOV ? op & 0xf : -1;
  }

  // Other encodings that the decoder gives this name are hints to some processors and undefined to others.
  bool is_defined_nop() const { return in_.info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT || in_.info.opcode == 0x1f; }

  bool conditional(uint32_t code) {
    V holds = m_.flags.condition(code >> 1);
    if (!holds.valid()) m_.unsupported("use of an undefined flag by " + in_.mnemonic_text());
    if (code & 1) holds = logical_not(holds);
    if (in_.info.meta.category == ZYDIS_CATEGORY_SETCC) return write(0, from_boolean(holds, 8)), true;
    if (in_.info.meta.category == ZYDIS_CATEGORY_CMOV) return write(0, if_then_else(holds, read(1), read(0))), true;
    if (m_.decide(holds)) m_.jump(target());
    return true;
  }

  V target() {
    if (in_.operand(0).type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return m_.branch_target(in_);
    return read(0);
  }

  bool near_jump() {
    if (in_.info.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
    return m_.jump(target()), true;
  }

  bool move() {
    const ZydisDecodedOperand& to = in_.operand(0);
    if (this->is_segment_register(to)) {
      const V from = read(1);
      return m_.load_selector(this->segment_of(to.reg.value), extract(from, 0, 16)), true;
    }
    if (this->is_segment_register(in_.operand(1))) {
      // To memory always 16 bits; to a 32-bit register zero-extended.
      return write(0, zero_extend(read(1), this->width(0))), true;
    }
    return write(0, read(1)), true;
  }

  bool exchange() {
    const V a = read(0), b = read(1);
    write(0, b);
    write(1, a);
    return true;
  }

  bool swap_bytes() {
    // Of 16 bits the manual leaves open what comes out.
    if (this->width(0) != 32) return false;
    const V a = read(0);
    return write(0, join(extract(a, 0, 8), extract(a, 8, 8), extract(a, 16, 8), extract(a, 24, 8))), true;
  }

  bool push_operand() {
    if (this->is_segment_register(in_.operand(0))) {
      // Processors differ in what they leave in the upper half.
      return push(join(m_.unknown(16), read(0))), true;
    }
    if (in_.operand(0).type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return push(make<V>(in_.operand(0).imm.value.u, 32)), true;
    return push(read(0)), true;
  }

  bool pop_operand() {
    if (this->is_segment_register(in_.operand(0))) {
      // The selector loads, or the instruction faults with ESP where it was.
      const V esp = m_.get(kEsp);
      m_.load_selector(this->segment_of(in_.operand(0).reg.value), m_.load(kSs, esp, 2, false));
      m_.set(kEsp, add(esp, make<V>(4, 32)));
      return true;
    }
    write(0, pop(4));
    return true;
  }

  void pop_flags(V image) {
    m_.flags = Flags<V>::from_image(image);
    const V kept = make<V>(~uint64_t{kPoppedSystemFlags | X86_EFLAGS_RF}, 32);
    m_.system_flags = bit_or(bit_and(m_.system_flags, kept), bit_and(image, make<V>(kPoppedSystemFlags, 32)));
  }

  bool call() {
    if (in_.info.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
    const V to = target();
    push(m_.next());
    m_.jump(to);
    return true;
  }

  bool near_or_far_return() {
    const V eip = pop(4);
    if (in_.info.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) {
      if (in_.info.operand_count_visible) return false;
      return m_.far_jump(extract(pop(4), 0, 16), eip), true;
    }
    if (in_.info.operand_count_visible) m_.set(kEsp, add(m_.get(kEsp), make<V>(in_.operand(0).imm.value.u, 32)));
    return m_.jump(eip), true;
  }

  bool interrupt_return() {
    if (m_.decide(equal(extract(m_.system_flags, 14, 1), make<V>(1, 1)))) m_.unsupported("IRET with NT set");
    const V eip = pop(4), cs = extract(pop(4), 0, 16), image = pop(4);
    pop_flags(image);
    // RF alone comes from the image at any level.
    const V rf = make<V>(X86_EFLAGS_RF, 32);
    m_.system_flags = bit_or(m_.system_flags, bit_and(image, rf));
    return m_.interrupt_return(cs, eip), true;
  }

  bool time_stamp() {
    const V tsc = m_.time_stamp();
    m_.set(kEax, extract(tsc, 0, 32));
    m_.set(kEdx, extract(tsc, 32, 32));
    return true;
  }
};

// Carries out one instruction; false when the semantics do not know it, as with any that has 16-bit addresses.
template <class M>
bool execute(M& machine, const Instruction& instruction) {
  if (instruction.info.address_width != 32) return false;
  return Transfer<M>(machine, instruction).execute() || Arithmetic<M>(machine, instruction).execute();
}

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_TRANSFER_H_
