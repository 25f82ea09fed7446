// Hash-consing, for the constructors of this room only.
#ifndef VMIROM_PROOFS_SMT_POOL_H_
#define VMIROM_PROOFS_SMT_POOL_H_

#include "proofs/smt/term.h"

namespace vmirom::smt {

// The one node of the current scope with these parts. No simplification.
Term intern(Op op, uint32_t width, std::vector<Term> arguments, uint64_t value = 0, std::string_view name = {},
            std::vector<uint64_t> coefficients = {});

inline bool by_age(Term a, Term b) { return a->id < b->id; }

// Puts the arguments of a commutative operator in order.
inline void order(Term& a, Term& b) {
  if (by_age(b, a)) std::swap(a, b);
}

}  // namespace vmirom::smt

#endif  // VMIROM_PROOFS_SMT_POOL_H_
