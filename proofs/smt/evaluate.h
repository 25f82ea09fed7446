// The value of a term under an assignment of its variables: the meaning that the normal form and the solver must agree with.
#ifndef VMIROM_PROOFS_SMT_EVALUATE_H_
#define VMIROM_PROOFS_SMT_EVALUATE_H_

#include <unordered_map>

#include "proofs/smt/term.h"

namespace vmirom::smt {

// What an assignment says. Asked once for each leaf.
class Assignment {
 public:
  virtual ~Assignment() = default;
  virtual uint64_t variable(const std::string& name, uint32_t width) = 0;
  virtual uint64_t apply(const std::string& function, const std::vector<uint64_t>& arguments, uint32_t width) = 0;
  virtual uint8_t byte(const std::string& array, uint32_t index) = 0;
};

// Evaluates terms of the current scope, remembering what it has evaluated.
class Evaluator {
 public:
  explicit Evaluator(Assignment& assignment) : assignment_(assignment) {}
  // Of a boolean: 0 or 1. Not for arrays.
  uint64_t value(Term a);

 private:
  uint64_t compute(Term a);
  uint8_t element(Term array, uint32_t index);

  Assignment& assignment_;
  std::unordered_map<const Node*, uint64_t> known_;
};

}  // namespace vmirom::smt

#endif  // VMIROM_PROOFS_SMT_EVALUATE_H_
