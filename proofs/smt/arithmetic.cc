// Sums as linear combinations, and the operators that have no normal form of their own.
#include <algorithm>
#include <bit>

#include "proofs/smt/pool.h"

namespace vmirom::smt {
namespace {

Term from_linear(const Linear& sum, uint32_t width) {
  std::vector<Term> terms;
  std::vector<uint64_t> coefficients;
  for (const auto& [term, coefficient] : sum.parts) {
    if (!(coefficient & mask(width))) continue;
    terms.push_back(term);
    coefficients.push_back(coefficient & mask(width));
  }
  const uint64_t constant_part = sum.constant & mask(width);
  if (terms.empty()) return constant(constant_part, width);
  if (terms.size() == 1 && constant_part == 0) {
    if (coefficients[0] == 1) return terms[0];
    // A lone power of two is a shift.
    if (std::has_single_bit(coefficients[0])) {
      const uint32_t by = std::countr_zero(coefficients[0]);
      return concat({extract(terms[0], 0, width - by), constant(0, by)});
    }
  }
  return intern(Op::kLinear, width, std::move(terms), constant_part, {}, std::move(coefficients));
}

// A concatenation that ends in zeros is a multiple of a power of two: of x where it holds the low bits of x, else of its
// upper part.
bool is_shift(Term a, Term* shifted, uint32_t* by) {
  if (a->op != Op::kConcat) return false;
  const Term low = a->arguments.back();
  if (!low.is_constant()) return false;
  const uint32_t zeros = low.value() ? std::countr_zero(low.value()) : low.width();
  if (zeros == 0) return false;
  const Term high = extract(a, zeros, a.width() - zeros);
  const bool low_bits = high->op == Op::kExtract && high->value == 0 && high->arguments[0].width() == a.width();
  *shifted = low_bits ? high->arguments[0] : concat({constant(0, zeros), high});
  *by = zeros;
  return true;
}

Linear scaled(Linear sum, uint64_t by) {
  sum.constant *= by;
  for (auto& part : sum.parts) part.second *= by;
  return sum;
}

Linear plus(const Linear& a, const Linear& b) {
  Linear sum;
  sum.constant = a.constant + b.constant;
  auto i = a.parts.begin(), j = b.parts.begin();
  while (i != a.parts.end() || j != b.parts.end()) {
    if (j == b.parts.end() || (i != a.parts.end() && by_age(i->first, j->first))) {
      sum.parts.push_back(*i++);
    } else if (i == a.parts.end() || by_age(j->first, i->first)) {
      sum.parts.push_back(*j++);
    } else {
      sum.parts.push_back({i->first, i->second + j->second});
      ++i, ++j;
    }
  }
  return sum;
}

}  // namespace

Linear as_linear(Term a) {
  if (a.is_constant()) return {a.value(), {}};
  if (a->op == Op::kLinear) {
    Linear sum{a->value, {}};
    for (size_t i = 0; i < a->arguments.size(); ++i) sum.parts.push_back({a->arguments[i], a->coefficients[i]});
    return sum;
  }
  Term shifted;
  uint32_t by;
  if (is_shift(a, &shifted, &by)) return scaled(as_linear(shifted), uint64_t{1} << by);
  return {0, {{a, 1}}};
}

Term add(Term a, Term b) { return from_linear(plus(as_linear(a), as_linear(b)), a.width()); }

Term subtract(Term a, Term b) {
  if (a == b) return constant(0, a.width());
  return from_linear(plus(as_linear(a), scaled(as_linear(b), ~uint64_t{0})), a.width());
}

Term negate(Term a) { return from_linear(scaled(as_linear(a), ~uint64_t{0}), a.width()); }

Term multiply(Term a, Term b) {
  if (a.is_constant()) std::swap(a, b);
  if (b.is_constant()) return from_linear(scaled(as_linear(a), b.value()), a.width());
  order(a, b);
  return intern(Op::kMultiply, a.width(), {a, b});
}

Term divide(Term a, Term b) {
  if (a.is_constant() && b.is_constant() && b.value()) return constant(a.value() / b.value(), a.width());
  return intern(Op::kDivide, a.width(), {a, b});
}

Term remainder(Term a, Term b) {
  if (a.is_constant() && b.is_constant() && b.value()) return constant(a.value() % b.value(), a.width());
  return intern(Op::kRemainder, a.width(), {a, b});
}

bool constant_difference(Term a, Term b, uint64_t* difference) {
  const Term d = subtract(a, b);
  if (!d.is_constant()) return false;
  *difference = d.value();
  return true;
}

uint64_t upper_bound(Term a) {
  if (a.is_constant()) return a.value();
  if (a->op == Op::kIf) return std::max(upper_bound(a->arguments[1]), upper_bound(a->arguments[2]));
  if (a->op == Op::kConcat) {
    uint64_t bound = 0;
    for (Term part : a->arguments) bound = bound << part.width() | upper_bound(part);
    return bound;
  }
  return mask(a.width());
}

uint64_t lower_bound(Term a) {
  if (a.is_constant()) return a.value();
  if (a->op == Op::kIf) return std::min(lower_bound(a->arguments[1]), lower_bound(a->arguments[2]));
  if (a->op == Op::kConcat) {
    uint64_t bound = 0;
    for (Term part : a->arguments) bound = bound << part.width() | lower_bound(part);
    return bound;
  }
  return 0;
}

}  // namespace vmirom::smt
