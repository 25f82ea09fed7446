// Values of the instruction semantics: numbers for running instructions, terms for proving them.
//
// The semantics are written once, over a value type V with the operations that proofs/smt/term.h declares for terms: a
// boolean (width 0) or a bit-vector. Number is the same as plain arithmetic, so that the semantics can be tried against the
// processor. make<V>(value, width) makes a constant; a default-made value is undefined.
#ifndef VMIROM_PROOFS_X86_NUMBER_H_
#define VMIROM_PROOFS_X86_NUMBER_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "proofs/smt/term.h"

namespace vmirom::x86 {

class Number {
 public:
  Number() = default;
  Number(uint64_t value, uint32_t width) : value_(width ? value & smt::mask(width) : value != 0), width_(width) {}

  bool valid() const { return width_ != kUndefined; }
  uint64_t value() const { return value_; }
  uint32_t width() const { return width_; }
  bool is_constant() const { return true; }
  friend bool operator==(const Number& a, const Number& b) { return a.value_ == b.value_ && a.width_ == b.width_; }

 private:
  static constexpr uint32_t kUndefined = ~0u;
  uint64_t value_ = 0;
  uint32_t width_ = kUndefined;
};

template <class V>
V make(uint64_t value, uint32_t width);

template <>
inline Number make<Number>(uint64_t value, uint32_t width) {
  return {value, width};
}

template <>
inline smt::Term make<smt::Term>(uint64_t value, uint32_t width) {
  return width ? smt::constant(value, width) : smt::boolean(value);
}

inline int64_t as_signed(Number a) { return int64_t(a.value() << (64 - a.width())) >> (64 - a.width()); }

inline Number add(Number a, Number b) { return {a.value() + b.value(), a.width()}; }
inline Number subtract(Number a, Number b) { return {a.value() - b.value(), a.width()}; }
inline Number negate(Number a) { return {-a.value(), a.width()}; }
inline Number multiply(Number a, Number b) { return {a.value() * b.value(), a.width()}; }
inline Number divide(Number a, Number b) { return {b.value() ? a.value() / b.value() : ~uint64_t{0}, a.width()}; }
inline Number remainder(Number a, Number b) { return {b.value() ? a.value() % b.value() : a.value(), a.width()}; }
inline Number bit_and(Number a, Number b) { return {a.value() & b.value(), a.width()}; }
inline Number bit_or(Number a, Number b) { return {a.value() | b.value(), a.width()}; }
inline Number bit_xor(Number a, Number b) { return {a.value() ^ b.value(), a.width()}; }
inline Number bit_not(Number a) { return {~a.value(), a.width()}; }
inline Number shift_left(Number a, Number by) { return {by.value() >= a.width() ? 0 : a.value() << by.value(), a.width()}; }
inline Number shift_right(Number a, Number by) { return {by.value() >= a.width() ? 0 : a.value() >> by.value(), a.width()}; }
inline Number shift_right_arithmetic(Number a, Number by) {
  return {uint64_t(as_signed(a) >> std::min<uint64_t>(by.value(), a.width() - 1)), a.width()};
}
inline Number extract(Number a, uint32_t low, uint32_t width) { return {a.value() >> low, width}; }
inline Number concat(const std::vector<Number>& parts) {
  uint64_t value = 0;
  uint32_t width = 0;
  for (const Number& part : parts) {
    value = value << part.width() | part.value();
    width += part.width();
  }
  return {value, width};
}
inline Number zero_extend(Number a, uint32_t width) { return {a.value(), width}; }
inline Number sign_extend(Number a, uint32_t width) { return {uint64_t(as_signed(a)), width}; }
inline Number if_then_else(Number c, Number a, Number b) { return c.value() ? a : b; }
inline Number logical_not(Number a) { return {!a.value(), 0}; }
inline Number logical_and(Number a, Number b) { return {a.value() && b.value(), 0}; }
inline Number logical_or(Number a, Number b) { return {a.value() || b.value(), 0}; }
inline Number equal(Number a, Number b) { return {a.value() == b.value(), 0}; }
inline Number less(Number a, Number b) { return {a.value() < b.value(), 0}; }
inline Number less_equal(Number a, Number b) { return {a.value() <= b.value(), 0}; }
inline Number signed_less(Number a, Number b) { return {as_signed(a) < as_signed(b), 0}; }
inline Number signed_less_equal(Number a, Number b) { return {as_signed(a) <= as_signed(b), 0}; }
inline Number from_boolean(Number a, uint32_t width) { return {a.value(), width}; }

// Parts side by side, highest first.
template <class V, class... Rest>
V join(V first, Rest... rest) {
  return concat(std::vector<V>{first, rest...});
}

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_NUMBER_H_
