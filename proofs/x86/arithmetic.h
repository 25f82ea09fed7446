// Instructions that compute: integer arithmetic, logic, shifts, bit tests, multiplication and division.
//
// Source: Intel SDM volume 2.
#ifndef VMIROM_PROOFS_X86_ARITHMETIC_H_
#define VMIROM_PROOFS_X86_ARITHMETIC_H_

#include "proofs/x86/machine.h"

namespace vmirom::x86 {

template <class M>
class Arithmetic : public Operands<M> {
 public:
  using typename Operands<M>::V;
  using Operands<M>::Operands;
  using Operands<M>::read;
  using Operands<M>::write;

  // False when the mnemonic is not of this group.
  bool execute() {
    switch (in_.mnemonic()) {
      case ZYDIS_MNEMONIC_ADD: return sum(no(), true);
      case ZYDIS_MNEMONIC_ADC: return sum(m_.flags.cf(), true);
      case ZYDIS_MNEMONIC_SUB: return difference(no(), true, true);
      case ZYDIS_MNEMONIC_SBB: return difference(m_.flags.cf(), true, false);
      case ZYDIS_MNEMONIC_CMP: return difference(no(), false, true);
      case ZYDIS_MNEMONIC_NEG: return negative();
      case ZYDIS_MNEMONIC_INC: return step(true);
      case ZYDIS_MNEMONIC_DEC: return step(false);
      case ZYDIS_MNEMONIC_AND: return logic(bit_and(read(0), read(1)), true);
      case ZYDIS_MNEMONIC_OR: return logic(bit_or(read(0), read(1)), true);
      case ZYDIS_MNEMONIC_XOR: return logic(exclusive_or(), true);
      case ZYDIS_MNEMONIC_TEST: return logic(bit_and(read(0), read(1)), false);
      case ZYDIS_MNEMONIC_NOT: return write(0, bit_not(read(0))), true;
      case ZYDIS_MNEMONIC_SHL:
      case ZYDIS_MNEMONIC_SHR:
      case ZYDIS_MNEMONIC_SAR: return shift();
      case ZYDIS_MNEMONIC_ROL:
      case ZYDIS_MNEMONIC_ROR: return rotate();
      case ZYDIS_MNEMONIC_SHLD:
      case ZYDIS_MNEMONIC_SHRD: return double_shift();
      case ZYDIS_MNEMONIC_BSF:
      case ZYDIS_MNEMONIC_BSR:
      case ZYDIS_MNEMONIC_TZCNT: return scan();
      case ZYDIS_MNEMONIC_BT:
      case ZYDIS_MNEMONIC_BTS:
      case ZYDIS_MNEMONIC_BTR: return bit_test();
      case ZYDIS_MNEMONIC_IMUL:
      case ZYDIS_MNEMONIC_MUL: return product();
      case ZYDIS_MNEMONIC_DIV: return quotient();
      default: return false;
    }
  }

 private:
  using Operands<M>::m_;
  using Operands<M>::in_;

  static V no() { return make<V>(0, 0); }
  static V zero(uint32_t width) { return make<V>(0, width); }
  static V bit(V a, uint32_t i) { return equal(extract(a, i, 1), make<V>(1, 1)); }
  static V sign(V a) { return bit(a, a.width() - 1); }

  V defined(V flag) {
    if (!flag.valid()) m_.unsupported("use of an undefined flag by " + in_.mnemonic_text());
    return flag;
  }

  // Computed in one bit more, whose top bit is the carry.
  bool sum(V carry, bool keep) {
    const V a = read(0), b = read(1);
    const V in = from_boolean(defined(carry), a.width());
    const V result = add(add(a, b), in);
    const V wide = add(add(zero_extend(a, a.width() + 1), zero_extend(b, a.width() + 1)), zero_extend(in, a.width() + 1));
    if (keep) write(0, result);
    m_.flags = Flags<V>::of_sum(a, b, result, sign(wide));
    return true;
  }

  bool difference(V borrow, bool keep, bool compares) {
    const V a = read(0), b = read(1);
    const V in = from_boolean(defined(borrow), a.width());
    const V result = subtract(subtract(a, b), in);
    const V out = compares ? less(a, b) : logical_or(less(a, b), logical_and(borrow, equal(a, b)));
    if (keep) write(0, result);
    m_.flags = Flags<V>::of_difference(a, b, result, out, compares);
    return true;
  }

  bool negative() {
    const V a = read(0), none = zero(a.width());
    const V result = negate(a);
    write(0, result);
    m_.flags = Flags<V>::of_difference(none, a, result, logical_not(equal(a, none)), true);
    return true;
  }

  bool step(bool up) {
    const V a = read(0), one = make<V>(1, a.width()), cf = m_.flags.cf();
    const V result = up ? add(a, one) : subtract(a, one);
    write(0, result);
    m_.flags = (up ? Flags<V>::of_sum(a, one, result, cf) : Flags<V>::of_difference(a, one, result, cf, false));
    return true;
  }

  bool logic(V result, bool keep) {
    if (keep) write(0, result);
    m_.flags = Flags<V>::of_logic(result);
    return true;
  }

  V exclusive_or() {
    const ZydisDecodedOperand &a = in_.operand(0), &b = in_.operand(1);
    // The idiom for zero does not depend on the register's value.
    if (a.type == ZYDIS_OPERAND_TYPE_REGISTER && b.type == a.type && a.reg.value == b.reg.value) return zero(a.size);
    return bit_xor(read(0), read(1));
  }

  // The count as the processor masks it, in the width of the operand; false when it is not known.
  V count_operand(uint32_t i, uint32_t width) {
    const ZydisDecodedOperand& op = in_.operand(i);
    const V raw =
        op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? make<V>(op.imm.value.u & 0x1f, 8) : bit_and(read(i), make<V>(0x1f, 8));
    return width >= 8 ? zero_extend(raw, width) : raw;
  }

  void undefined_flags() { m_.flags = Flags<V>::stored(V(), V(), V(), V(), V(), V()); }

  bool shift() {
    const V a = read(0);
    const uint32_t w = a.width();
    const V by = count_operand(1, w);
    const ZydisMnemonic op = in_.mnemonic();
    const V result = op == ZYDIS_MNEMONIC_SHL   ? shift_left(a, by)
                     : op == ZYDIS_MNEMONIC_SHR ? shift_right(a, by)
                                                : shift_right_arithmetic(a, by);
    write(0, result);
    if (!by.is_constant()) return undefined_flags(), true;
    const uint64_t n = by.value();
    if (n == 0) return true;
    V cf, of;
    if (op == ZYDIS_MNEMONIC_SHL) {
      if (n <= w) cf = bit(a, w - n);
      if (n == 1) of = logical_not(equal(sign(result), cf));
    } else if (op == ZYDIS_MNEMONIC_SHR) {
      if (n <= w) cf = bit(a, n - 1);
      if (n == 1) of = sign(a);
    } else {
      cf = bit(a, std::min<uint64_t>(n - 1, w - 1));
      if (n == 1) of = no();
    }
    const Flags<V> f = Flags<V>::of_logic(result);
    m_.flags = Flags<V>::stored(cf, f.pf(), V(), f.zf(), f.sf(), of);
    return true;
  }

  bool rotate() {
    const V a = read(0);
    const uint32_t w = a.width();
    const V masked = count_operand(1, w);
    const V by = bit_and(masked, make<V>(w - 1, w));
    const V back = bit_and(subtract(make<V>(w, w), by), make<V>(w - 1, w));
    const bool left = in_.mnemonic() == ZYDIS_MNEMONIC_ROL;
    const V result =
        left ? bit_or(shift_left(a, by), shift_right(a, back)) : bit_or(shift_right(a, by), shift_left(a, back));
    write(0, result);
    if (!masked.is_constant()) return undefined_flags(), true;
    if (masked.value() == 0) return true;
    const V cf = left ? bit(result, 0) : sign(result);
    V of;
    if (masked.value() == 1) of = logical_not(equal(sign(result), left ? cf : bit(result, w - 2)));
    m_.flags = Flags<V>::stored(cf, m_.flags.pf(), m_.flags.af(), m_.flags.zf(), m_.flags.sf(), of);
    return true;
  }

  bool double_shift() {
    const V a = read(0), b = read(1);
    const V by = count_operand(2, a.width());
    if (!by.is_constant() || a.width() != 32) m_.unsupported(in_.mnemonic_text() + " by a variable count");
    const uint64_t n = by.value();
    // Memory is written, and has to be writable, also when nothing changes.
    if (n == 0) return write(0, a), true;
    const bool left = in_.mnemonic() == ZYDIS_MNEMONIC_SHLD;
    const V result =
        left ? join(extract(a, 0, 32 - n), extract(b, 32 - n, n)) : join(extract(b, 0, n), extract(a, n, 32 - n));
    write(0, result);
    const V cf = bit(a, left ? 32 - n : n - 1);
    V of;
    if (n == 1) of = logical_not(equal(sign(a), sign(result)));
    const Flags<V> f = Flags<V>::of_logic(result);
    m_.flags = Flags<V>::stored(cf, f.pf(), V(), f.zf(), f.sf(), of);
    return true;
  }

  // BSF and BSR leave the destination undefined for 0: here the code must not come to that. TZCNT shares BSF's opcode and
  // its result wherever that is defined, so it is held to the same.
  bool scan() {
    const V a = read(1);
    const uint32_t w = a.width();
    const bool from_top = in_.mnemonic() == ZYDIS_MNEMONIC_BSR;
    if (m_.decide(equal(a, zero(w)))) m_.unsupported(in_.mnemonic_text() + " of 0");
    V result = zero(w);
    for (uint32_t k = 0; k < w; ++k) {
      const uint32_t i = from_top ? k : w - 1 - k;
      result = if_then_else(bit(a, i), make<V>(i, w), result);
    }
    write(0, result);
    undefined_flags();
    return true;
  }

  bool bit_test() {
    const V a = read(0);
    const uint32_t w = a.width();
    const ZydisDecodedOperand& op = in_.operand(1);
    if (in_.operand(0).type == ZYDIS_OPERAND_TYPE_MEMORY && op.type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
      m_.unsupported(in_.mnemonic_text() + " with a bit string in memory");
    const V index =
        op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? make<V>(op.imm.value.u % w, w) : bit_and(read(1), make<V>(w - 1, w));
    const V picked = shift_left(make<V>(1, w), index);
    const V cf = logical_not(equal(bit_and(a, picked), zero(w)));
    if (in_.mnemonic() == ZYDIS_MNEMONIC_BTS) write(0, bit_or(a, picked));
    if (in_.mnemonic() == ZYDIS_MNEMONIC_BTR) write(0, bit_and(a, bit_not(picked)));
    m_.flags = Flags<V>::stored(cf, V(), V(), m_.flags.zf(), V(), V());
    return true;
  }

  bool product() {
    const bool is_signed = in_.mnemonic() == ZYDIS_MNEMONIC_IMUL;
    const uint32_t visible = in_.info.operand_count_visible;
    if (this->width(0) != 32) m_.unsupported(in_.mnemonic_text() + " of less than 32 bits");
    const V a = visible == 3 ? read(1) : visible == 2 ? read(0) : m_.get(kEax);
    const V b = visible == 3 ? make<V>(in_.operand(2).imm.value.u, 32) : visible == 2 ? read(1) : read(0);
    const V wide = m_.product(a, b, is_signed);
    const V low = extract(wide, 0, 32), high = extract(wide, 32, 32);
    const V fits = is_signed ? equal(wide, sign_extend(low, 64)) : equal(high, zero(32));
    if (visible == 1) {
      m_.set(kEax, low);
      m_.set(kEdx, high);
    } else {
      write(0, low);
    }
    m_.flags = Flags<V>::stored(logical_not(fits), V(), V(), V(), V(), logical_not(fits));
    return true;
  }

  bool quotient() {
    if (this->width(0) != 32) m_.unsupported("DIV of less than 32 bits");
    const V by = zero_extend(read(0), 64);
    const V dividend = join(m_.get(kEdx), m_.get(kEax));
    // #DE otherwise.
    if (!m_.decide(less(m_.get(kEdx), read(0)))) m_.unsupported("DIV that overflows");
    m_.set(kEax, extract(divide(dividend, by), 0, 32));
    m_.set(kEdx, extract(remainder(dividend, by), 0, 32));
    undefined_flags();
    return true;
  }
};

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_ARITHMETIC_H_
