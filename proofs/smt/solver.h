// The solvers. Nothing outside this room includes Z3.
#ifndef VMIROM_PROOFS_SMT_SOLVER_H_
#define VMIROM_PROOFS_SMT_SOLVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proofs/smt/evaluate.h"
#include "proofs/smt/term.h"

namespace vmirom::smt {

enum class Answer { kUnsatisfiable, kSatisfiable, kUnknown };

// Decides forks while a path is explored: one solver, assertions stacked. Unknown must be taken as satisfiable.
class PathSolver {
 public:
  // The limit is in Z3's resource units, for each query.
  explicit PathSolver(uint32_t resource_limit);
  ~PathSolver();

  void push();
  void pop(uint32_t levels);
  void assert_term(Term a);
  Answer check(Term also);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A model of a satisfiable script, asked leaf by leaf; anything it leaves open is 0.
class Model : public Assignment {
 public:
  ~Model() override;
  uint64_t variable(const std::string& name, uint32_t width) override;
  uint64_t apply(const std::string& function, const std::vector<uint64_t>& arguments, uint32_t width) override;
  uint8_t byte(const std::string& array, uint32_t index) override;

  struct State;
  explicit Model(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

struct CheckResult {
  Answer answer = Answer::kUnknown;
  uint64_t resources = 0;  // what the check used; the same on every machine
};

// Checks a script in a context of its own, so that the answer and the resources depend on the text and the limit alone.
CheckResult check_script(const std::string& script, uint32_t resource_limit);

// A model of a satisfiable script; null when none is found within the limit.
std::unique_ptr<Model> find_model(const std::string& script, uint32_t resource_limit);

// Z3's version, for the certificate.
std::string solver_version();

}  // namespace vmirom::smt

#endif  // VMIROM_PROOFS_SMT_SOLVER_H_
