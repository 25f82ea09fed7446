// Choice, booleans, comparisons and arrays.
#include <set>

#include "proofs/smt/pool.h"

namespace vmirom::smt {

Term logical_not(Term a) {
  if (a.is_constant()) return boolean(!a.value());
  if (a->op == Op::kBoolNot) return a->arguments[0];
  return intern(Op::kBoolNot, kBoolean, {a});
}

Term logical_and(Term a, Term b) {
  if (a.is_false() || b.is_true() || a == b) return a;
  if (b.is_false() || a.is_true()) return b;
  if (logical_not(a) == b) return boolean(false);
  order(a, b);
  return intern(Op::kBoolAnd, kBoolean, {a, b});
}

Term logical_or(Term a, Term b) {
  if (a.is_true() || b.is_false() || a == b) return a;
  if (b.is_true() || a.is_false()) return b;
  if (logical_not(a) == b) return boolean(true);
  order(a, b);
  return intern(Op::kBoolOr, kBoolean, {a, b});
}

Term if_then_else(Term condition, Term then, Term otherwise) {
  if (condition.is_true() || then == otherwise) return then;
  if (condition.is_false()) return otherwise;
  if (then.width() == kBoolean)
    return logical_or(logical_and(condition, then), logical_and(logical_not(condition), otherwise));
  if (condition->op == Op::kBoolNot) return if_then_else(condition->arguments[0], otherwise, then);
  if (then->op == Op::kIf && then->arguments[0] == condition) then = then->arguments[1];
  if (otherwise->op == Op::kIf && otherwise->arguments[0] == condition) otherwise = otherwise->arguments[2];
  if (then == otherwise) return then;
  return intern(Op::kIf, then.width(), {condition, then, otherwise});
}

Term from_boolean(Term condition, uint32_t width) {
  return zero_extend(if_then_else(condition, constant(1, 1), constant(0, 1)), width);
}

namespace {

// Equality with a constant.
Term equal_constant(Term a, uint64_t value) {
  switch (a->op) {
    case Op::kIf:
      // A choice between constants says which was chosen; between others it is left whole.
      if (a->arguments[1].is_constant() || a->arguments[2].is_constant()) {
        const Term k = constant(value, a.width());
        return if_then_else(a->arguments[0], equal(a->arguments[1], k), equal(a->arguments[2], k));
      }
      break;
    case Op::kConcat: {
      Term all = boolean(true);
      uint32_t at = a.width();
      for (Term part : a->arguments) {
        at -= part.width();
        all = logical_and(all, equal(part, constant(value >> at, part.width())));
      }
      return all;
    }
    case Op::kNot: return equal(a->arguments[0], constant(~value, a.width()));
    case Op::kLinear:
      if (a->value) return equal(subtract(a, constant(a->value, a.width())), constant(value - a->value, a.width()));
      if (a->arguments.size() == 1 && a->coefficients[0] == mask(a.width()))
        return equal(a->arguments[0], constant(-value, a.width()));
      break;
    case Op::kSignExtend: {
      const Term narrow = a->arguments[0];
      if (sign_extend(constant(value, narrow.width()), a.width()).value() != value) return boolean(false);
      return equal(narrow, constant(value, narrow.width()));
    }
    default: break;
  }
  // One bit: "is 0" is the negation of "is 1".
  if (a.width() == 1 && value == 0) return logical_not(intern(Op::kEqual, kBoolean, {a, constant(1, 1)}));
  return intern(Op::kEqual, kBoolean, {a, constant(value, a.width())});
}

// Two concatenations part by part, when some part then compares with a constant.
bool equal_by_parts(Term a, Term b, Term* result) {
  if (a->op != Op::kConcat || b->op != Op::kConcat) return false;
  std::set<uint32_t> seams;
  bool constant_part = false;
  for (Term t : {a, b}) {
    uint32_t at = 0;
    for (auto part = t->arguments.rbegin(); part != t->arguments.rend(); ++part) {
      constant_part |= part->is_constant();
      seams.insert(at += part->width());
    }
  }
  if (!constant_part) return false;
  Term all = boolean(true);
  uint32_t low = 0;
  for (uint32_t seam : seams) {
    all = logical_and(all, equal(extract(a, low, seam - low), extract(b, low, seam - low)));
    low = seam;
  }
  *result = all;
  return true;
}

}  // namespace

Term equal(Term a, Term b) {
  if (a == b) return boolean(true);
  if (a.width() == kBoolean) {
    if (a.is_constant()) std::swap(a, b);
    if (b.is_constant()) return b.value() ? a : logical_not(a);
    if (logical_not(a) == b) return boolean(false);
  } else if (a.width() != kArray) {
    if (a.is_constant()) std::swap(a, b);
    if (b.is_constant()) return a.is_constant() ? boolean(a.value() == b.value()) : equal_constant(a, b.value());
    uint64_t difference;
    if (constant_difference(a, b, &difference)) return boolean(difference == 0);
    Term by_parts;
    if (equal_by_parts(a, b, &by_parts)) return by_parts;
  }
  order(a, b);
  return intern(Op::kEqual, kBoolean, {a, b});
}

Term equal_as_written(Term a, Term b) { return intern(Op::kEqual, kBoolean, {a, b}); }

Term less(Term a, Term b) {
  if (a == b || upper_bound(b) == 0 || lower_bound(a) >= upper_bound(b)) return boolean(false);
  if (upper_bound(a) < lower_bound(b)) return boolean(true);
  if (b.is_constant() && b.value() == 1) return equal(a, constant(0, a.width()));
  if (a.is_constant() && a.value() == 0) return logical_not(equal(b, constant(0, b.width())));
  return logical_not(less_equal(b, a));
}

Term less_equal(Term a, Term b) {
  if (a == b || upper_bound(a) <= lower_bound(b)) return boolean(true);
  if (lower_bound(a) > upper_bound(b)) return boolean(false);
  if (b.is_constant() && b.value() == 0) return equal(a, b);
  if (a.is_constant() && a.value() == 1) return logical_not(equal(b, constant(0, b.width())));
  return intern(Op::kLessEqual, kBoolean, {a, b});
}

namespace {

int64_t as_signed(Term a) { return int64_t(sign_extend(a, 64).value()); }
bool is_zero(Term a) { return a.is_constant() && a.value() == 0; }
Term sign_bit(Term a) { return equal(extract(a, a.width() - 1, 1), constant(1, 1)); }

}  // namespace

Term signed_less(Term a, Term b) {
  if (a == b) return boolean(false);
  if (a.is_constant() && b.is_constant()) return boolean(as_signed(a) < as_signed(b));
  if (is_zero(b)) return sign_bit(a);
  return logical_not(signed_less_equal(b, a));
}

Term signed_less_equal(Term a, Term b) {
  if (a == b) return boolean(true);
  if (a.is_constant() && b.is_constant()) return boolean(as_signed(a) <= as_signed(b));
  if (is_zero(a)) return logical_not(sign_bit(b));
  return intern(Op::kSignedLessEqual, kBoolean, {a, b});
}

Term select(Term array, Term index) {
  for (;;) {
    if (array->op != Op::kStore) break;
    uint64_t difference;
    if (!constant_difference(index, array->arguments[1], &difference)) break;
    if (difference == 0) return array->arguments[2];
    array = array->arguments[0];
  }
  return intern(Op::kSelect, 8, {array, index});
}

Term store(Term array, Term index, Term byte) {
  if (array->op == Op::kStore && array->arguments[1] == index) array = array->arguments[0];
  if (byte->op == Op::kSelect && byte->arguments[0] == array && byte->arguments[1] == index) return array;
  return intern(Op::kStore, kArray, {array, index, byte});
}

}  // namespace vmirom::smt
