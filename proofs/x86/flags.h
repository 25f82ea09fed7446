// The status flags, kept as what they follow from until someone asks.
//
// Source: Intel SDM volume 1, section 3.4.3.1, and volume 2 for each instruction. A flag that the manual leaves undefined
// is an undefined value here; whoever lets one decide something has found a bug.
#ifndef VMIROM_PROOFS_X86_FLAGS_H_
#define VMIROM_PROOFS_X86_FLAGS_H_

#include <cstdint>

#include "model/abi/constants.h"
#include "proofs/x86/number.h"

namespace vmirom::x86 {

// What POPF and IRET change of EFLAGS at a level above IOPL, status flags apart: TF, DF, NT, AC, ID. POPF clears RF.
inline constexpr uint32_t kPoppedSystemFlags = X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC | 1u << 21;

template <class V>
class Flags {
 public:
  // All six as given; any may be undefined.
  static Flags stored(V cf, V pf, V af, V zf, V sf, V of) {
    Flags f;
    f.cf_ = cf, f.pf_ = pf, f.af_ = af, f.zf_ = zf, f.sf_ = sf, f.of_ = of;
    return f;
  }

  // From bits of an EFLAGS image.
  static Flags from_image(V image) {
    const auto bit = [&](uint32_t i) { return equal(extract(image, i, 1), make<V>(1, 1)); };
    return stored(bit(0), bit(2), bit(4), bit(6), bit(7), bit(11));
  }

  // AND, OR, XOR, TEST.
  static Flags of_logic(V result) {
    Flags f;
    f.kind_ = Kind::kLogic, f.result_ = result, f.cf_ = make<V>(0, 0);
    return f;
  }

  // left + right + carry.
  static Flags of_sum(V left, V right, V result, V carry_out) {
    Flags f;
    f.kind_ = Kind::kSum, f.left_ = left, f.right_ = right, f.result_ = result, f.cf_ = carry_out;
    return f;
  }

  // left - right - borrow; compares when there was no borrow in.
  static Flags of_difference(V left, V right, V result, V borrow_out, bool compares) {
    Flags f = of_sum(left, right, result, borrow_out);
    f.kind_ = compares ? Kind::kCompare : Kind::kDifference;
    return f;
  }

  // These with another carry: INC and DEC keep it.
  Flags with_carry(V cf) const {
    Flags f = *this;
    if (f.kind_ == Kind::kCompare) f.kind_ = Kind::kDifference;
    f.cf_ = cf;
    return f;
  }

  V cf() const { return cf_; }
  V zf() const { return kind_ == Kind::kStored ? zf_ : equal(result_, make<V>(0, result_.width())); }
  V sf() const { return kind_ == Kind::kStored ? sf_ : sign(result_); }
  V pf() const {
    if (kind_ == Kind::kStored) return pf_;
    V odd = extract(result_, 0, 1);
    for (uint32_t i = 1; i < 8; ++i) odd = bit_xor(odd, extract(result_, i, 1));
    return equal(odd, make<V>(0, 1));
  }
  V af() const {
    if (kind_ == Kind::kStored) return af_;
    if (kind_ == Kind::kLogic) return V();
    return equal(extract(bit_xor(bit_xor(left_, right_), result_), 4, 1), make<V>(1, 1));
  }
  V of() const {
    switch (kind_) {
      case Kind::kStored: return of_;
      case Kind::kLogic: return make<V>(0, 0);
      case Kind::kSum: return sign(bit_and(bit_xor(left_, result_), bit_xor(right_, result_)));
      default: return sign(bit_and(bit_xor(left_, right_), bit_xor(left_, result_)));
    }
  }

  // Condition codes as in Jcc's low opcode nibble, without its lowest bit: 0 O, 1 B, 2 Z, 3 BE, 4 S, 5 P, 6 L, 7 LE.
  V condition(uint32_t code) const {
    const bool compares = kind_ == Kind::kCompare;
    switch (code) {
      case 0: return of();
      case 1: return cf();
      case 2: return compares ? equal(left_, right_) : zf();
      case 3: return compares ? less_equal(left_, right_) : either(cf(), zf());
      case 4: return sf();
      case 5: return pf();
      case 6: return compares ? signed_less(left_, right_) : differ(sf(), of());
      default: return compares ? signed_less_equal(left_, right_) : either(zf(), differ(sf(), of()));
    }
  }

 private:
  enum class Kind : uint8_t { kStored, kLogic, kSum, kDifference, kCompare };

  static V sign(V a) { return equal(extract(a, a.width() - 1, 1), make<V>(1, 1)); }
  static V either(V a, V b) { return a.valid() && b.valid() ? logical_or(a, b) : V(); }
  static V differ(V a, V b) { return a.valid() && b.valid() ? logical_not(equal(a, b)) : V(); }

  Kind kind_ = Kind::kStored;
  V left_, right_, result_;
  V cf_, pf_, af_, zf_, sf_, of_;
};

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_FLAGS_H_
