// Runs a function once for each feasible path through it.
//
// The function is ordinary C++ over symbolic values. Where a symbolic condition decides what it does next, the explorer
// takes one side, and comes back for the other with a new run of the function from its start. The function must therefore
// be deterministic: the same decisions lead to the same conditions.
#ifndef VMIROM_PROOFS_ENGINE_EXPLORER_H_
#define VMIROM_PROOFS_ENGINE_EXPLORER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proofs/smt/solver.h"
#include "proofs/smt/term.h"

namespace vmirom::engine {

// Thrown to end the current path; caught by the explorer at the latest.
struct PathEnd {};

// Thrown by the explorer: no state takes this path. Nothing that was claimed on it counts.
struct Infeasible {};

// The exploration itself cannot go on: too many paths, an exhausted solver where a fact was needed.
struct ExplorationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Limits {
  uint32_t paths = 20000;
  // Of the solver, for each question: first of the one that follows the path, then of a fresh one.
  uint32_t path_resources = 300'000;
  uint32_t fresh_resources = 100'000'000;
};

class Explorer {
 public:
  explicit Explorer(const Limits& limits = {});
  ~Explorer();
  Explorer(const Explorer&) = delete;

  // The explorer of the exploration under way in this thread.
  static Explorer& current();

  // Runs the function until every feasible path has been taken. Returns their number.
  uint32_t explore(const std::function<void()>& run);

  // The side of a condition to take on this path.
  bool decide(smt::Term condition);

  // From here on only states that satisfy the condition are considered; ends the path when there are none. The condition
  // counts as a precondition: name is listed in preconditions().
  void assume(smt::Term condition, const std::string& name);

  // The same for conditions that the caller shows to be satisfiable together: the solver is not asked.
  void assume_possible(smt::Term condition, const std::string& name);

  // Whether the path's conditions imply the claim. False also when the solver cannot tell.
  bool implied(smt::Term claim);

  // Explores every path through run from here and comes back to one path: the conditions that lead to each, with what run
  // returned. Their disjunction covers every state of the current path. run must put back whatever it changes.
  template <class Result>
  std::vector<std::pair<smt::Term, Result>> all_ways(const std::function<Result()>& run) {
    using Results = std::vector<std::pair<smt::Term, Result>>;
    if (const std::shared_ptr<void> known = replay_ways()) return *std::static_pointer_cast<Results>(known);
    const auto results = std::make_shared<Results>();
    enumerate([&](const std::function<smt::Term()>& conditions) {
      Result result = run();
      results->emplace_back(conditions(), std::move(result));
    });
    remember_ways(results);
    return *results;
  }

  // A variable that stands for something not known, numbered in order on each path.
  smt::Term fresh(const std::string& name, uint32_t width);

  // Conditions of the current path, in order, assumptions included.
  const std::vector<smt::Term>& path_condition() const { return path_condition_; }

  // Sides of forks that were not taken because the solver found no state that takes them, and paths that were given up for
  // the same reason. The proof that the paths cover every state is that none of these conjunctions can be satisfied.
  const std::vector<std::vector<smt::Term>>& pruned() const { return pruned_; }

  // Names of the assumptions that some path made.
  const std::vector<std::string>& preconditions() const { return preconditions_; }

 private:
  enum class Kind : uint8_t { kDecision, kAssumption, kQuestion, kWays };
  struct Event {
    Kind kind;
    smt::Term condition;
    bool value;            // decision: the side taken; question: the answer
    bool other_side_open;  // decision: to be taken later
    bool pushed;           // the solver holds an assertion for it
    std::shared_ptr<void> ways;
  };

  // Where a path stands.
  struct Position {
    size_t next_event;
    size_t conditions;
    std::unordered_map<const smt::Node*, bool> known;
    std::unordered_map<std::string, uint32_t> fresh_counts;
  };

  void assume(smt::Term condition, const std::string& name, bool check);
  smt::Answer ask(smt::Term also);
  bool replay(Kind kind, smt::Term condition, bool* value);
  void note(smt::Term condition, bool value);
  // Records that no state satisfies the path's conditions and another; throws Infeasible.
  [[noreturn]] void end_infeasible(smt::Term also);
  void push(smt::Term asserted);
  // Back to the last decision with an open side, among the events after the first `base`.
  bool backtrack(size_t base);
  void enumerate(const std::function<void(const std::function<smt::Term()>&)>& run);
  std::shared_ptr<void> replay_ways();
  void remember_ways(std::shared_ptr<void> ways);

  Limits limits_;
  smt::PathSolver solver_;
  std::vector<Event> events_;
  size_t next_event_ = 0;
  std::vector<smt::Term> path_condition_;
  std::unordered_map<const smt::Node*, bool> known_;  // conditions decided on this path
  std::unordered_map<std::string, uint32_t> fresh_counts_;
  std::vector<std::vector<smt::Term>> pruned_;
  std::vector<std::string> preconditions_;
  Explorer* outer_;
};

}  // namespace vmirom::engine

#endif  // VMIROM_PROOFS_ENGINE_EXPLORER_H_
