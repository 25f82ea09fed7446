// Masks, shifts by constants and slices, all as concatenations.
#include <algorithm>
#include <bit>
#include <set>

#include "proofs/smt/pool.h"

namespace vmirom::smt {
namespace {

// Bit positions, rising, at which a term's structure changes: parts of a concatenation, runs of a constant.
void add_seams(Term a, std::set<uint32_t>& seams) {
  if (a->op == Op::kConcat) {
    uint32_t at = 0;
    for (auto part = a->arguments.rbegin(); part != a->arguments.rend(); ++part) {
      if (part->is_constant()) {
        for (uint32_t i = 1; i < part->width(); ++i)
          if ((part->value() >> i & 1) != (part->value() >> (i - 1) & 1)) seams.insert(at + i);
      }
      at += part->width();
      seams.insert(at);
    }
  } else if (a.is_constant()) {
    for (uint32_t i = 1; i < a.width(); ++i)
      if ((a.value() >> i & 1) != (a.value() >> (i - 1) & 1)) seams.insert(i);
  }
}

bool has_constant_part(Term a) {
  if (a.is_constant()) return true;
  return a->op == Op::kConcat &&
         std::any_of(a->arguments.begin(), a->arguments.end(), [](Term t) { return t.is_constant(); });
}

bool complementary(Term a, Term b) {
  return (a->op == Op::kNot && a->arguments[0] == b) || (b->op == Op::kNot && b->arguments[0] == a);
}

// An operator on operands without further structure.
Term flat(Op op, Term a, Term b) {
  const uint32_t width = a.width();
  const uint64_t ones = mask(width);
  if (a.is_constant()) std::swap(a, b);
  if (b.is_constant()) {
    const uint64_t v = b.value();
    if (a.is_constant()) {
      const uint64_t u = a.value();
      return constant(op == Op::kAnd ? u & v : op == Op::kOr ? u | v : u ^ v, width);
    }
    if (v == 0) return op == Op::kAnd ? b : a;
    if (v == ones) return op == Op::kAnd ? a : op == Op::kOr ? b : bit_not(a);
  }
  if (a == b) return op == Op::kXor ? constant(0, width) : a;
  if (complementary(a, b)) return constant(op == Op::kAnd ? 0 : ones, width);
  order(a, b);
  return intern(op, width, {a, b});
}

Term bitwise(Op op, Term a, Term b) {
  if (a == b || !(has_constant_part(a) || has_constant_part(b))) return flat(op, a, b);
  std::set<uint32_t> seams{a.width()};
  add_seams(a, seams);
  add_seams(b, seams);
  if (seams.size() == 1) return flat(op, a, b);
  std::vector<Term> parts;
  uint32_t low = 0;
  for (uint32_t seam : seams) {
    parts.insert(parts.begin(), flat(op, extract(a, low, seam - low), extract(b, low, seam - low)));
    low = seam;
  }
  return concat(parts);
}

// Two neighbouring parts as one, when they are.
bool fuse(Term high, Term low, Term* fused) {
  if (high.is_constant() && low.is_constant()) {
    if (high.width() + low.width() > 64) return false;
    *fused = constant(high.value() << low.width() | low.value(), high.width() + low.width());
    return true;
  }
  if (high->op == Op::kExtract && high->value >= low.width()) {
    const Term whole = high->arguments[0];
    const uint32_t from = high->value - low.width();
    if (extract(whole, from, low.width()) == low) {
      *fused = extract(whole, from, high.width() + low.width());
      return true;
    }
  }
  if (high->op == Op::kIf && low->op == Op::kIf && high->arguments[0] == low->arguments[0]) {
    *fused = if_then_else(high->arguments[0], concat({high->arguments[1], low->arguments[1]}),
                          concat({high->arguments[2], low->arguments[2]}));
    return true;
  }
  return false;
}

}  // namespace

Term bit_and(Term a, Term b) { return bitwise(Op::kAnd, a, b); }
Term bit_or(Term a, Term b) { return bitwise(Op::kOr, a, b); }
Term bit_xor(Term a, Term b) { return bitwise(Op::kXor, a, b); }

Term bit_not(Term a) {
  if (a.is_constant()) return constant(~a.value(), a.width());
  if (a->op == Op::kNot) return a->arguments[0];
  if (a->op == Op::kConcat) {
    std::vector<Term> parts;
    for (Term part : a->arguments) parts.push_back(bit_not(part));
    return concat(parts);
  }
  return intern(Op::kNot, a.width(), {a});
}

Term extract(Term a, uint32_t low, uint32_t width) {
  if (low == 0 && width == a.width()) return a;
  if (a.is_constant()) return constant(a.value() >> low, width);
  switch (a->op) {
    case Op::kExtract: return extract(a->arguments[0], a->value + low, width);
    case Op::kConcat: {
      std::vector<Term> parts;
      uint32_t at = a.width();
      for (Term part : a->arguments) {
        at -= part.width();
        const uint32_t from = std::max(low, at), to = std::min(low + width, at + part.width());
        if (from < to) parts.push_back(extract(part, from - at, to - from));
      }
      return concat(parts);
    }
    case Op::kIf:
      return if_then_else(a->arguments[0], extract(a->arguments[1], low, width), extract(a->arguments[2], low, width));
    case Op::kSignExtend:
      if (low + width <= a->arguments[0].width()) return extract(a->arguments[0], low, width);
      break;
    default: break;
  }
  return intern(Op::kExtract, width, {a}, low);
}

Term concat(const std::vector<Term>& parts) {
  std::vector<Term> flat_parts;
  const auto append = [&](auto& self, Term part) -> void {
    if (part->op == Op::kConcat) {
      for (Term inner : part->arguments) self(self, inner);
      return;
    }
    Term fused;
    if (!flat_parts.empty() && fuse(flat_parts.back(), part, &fused)) {
      flat_parts.pop_back();
      self(self, fused);
      return;
    }
    flat_parts.push_back(part);
  };
  for (Term part : parts) append(append, part);
  if (flat_parts.size() == 1) return flat_parts[0];
  uint32_t width = 0;
  for (Term part : flat_parts) width += part.width();
  return intern(Op::kConcat, width, std::move(flat_parts));
}

Term zero_extend(Term a, uint32_t width) { return width == a.width() ? a : concat({constant(0, width - a.width()), a}); }

Term sign_extend(Term a, uint32_t width) {
  if (width == a.width()) return a;
  if (a.is_constant()) {
    const uint64_t sign = a.value() >> (a.width() - 1) & 1;
    return constant(a.value() | (sign ? ~mask(a.width()) : 0), width);
  }
  if (a->op == Op::kConcat && a->arguments[0].is_constant()) {
    const Term top = a->arguments[0];
    const bool sign = top.value() >> (top.width() - 1) & 1;
    return concat({constant(sign ? ~uint64_t{0} : 0, width - a.width()), a});
  }
  return intern(Op::kSignExtend, width, {a});
}

namespace {

Term shift_by_variable(Op op, Term a, Term amount) { return intern(op, a.width(), {a, amount}); }

}  // namespace

Term shift_left(Term a, Term amount) {
  if (!amount.is_constant()) return shift_by_variable(Op::kShiftLeft, a, amount);
  const uint64_t by = amount.value();
  if (by == 0) return a;
  if (by >= a.width()) return constant(0, a.width());
  return concat({extract(a, 0, a.width() - by), constant(0, by)});
}

Term shift_right(Term a, Term amount) {
  if (!amount.is_constant()) return shift_by_variable(Op::kShiftRight, a, amount);
  const uint64_t by = amount.value();
  if (by == 0) return a;
  if (by >= a.width()) return constant(0, a.width());
  return concat({constant(0, by), extract(a, by, a.width() - by)});
}

Term shift_right_arithmetic(Term a, Term amount) {
  if (!amount.is_constant()) return shift_by_variable(Op::kShiftRightArithmetic, a, amount);
  const uint64_t by = std::min<uint64_t>(amount.value(), a.width() - 1);
  if (by == 0) return a;
  return sign_extend(extract(a, by, a.width() - by), a.width());
}

}  // namespace vmirom::smt
