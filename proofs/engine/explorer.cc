#include "proofs/engine/explorer.h"

#include <algorithm>
#include <cassert>

#include "proofs/smt/smtlib.h"

namespace vmirom::engine {
namespace {

thread_local Explorer* the_current = nullptr;

}  // namespace

Explorer::Explorer(const Limits& limits) : limits_(limits), solver_(limits.path_resources), outer_(the_current) {
  the_current = this;
}

Explorer::~Explorer() { the_current = outer_; }

Explorer& Explorer::current() {
  assert(the_current);
  return *the_current;
}

uint32_t Explorer::explore(const std::function<void()>& run) {
  uint32_t paths = 0;
  do {
    if (++paths > limits_.paths) throw ExplorationError("more than " + std::to_string(limits_.paths) + " paths");
    next_event_ = 0;
    path_condition_.clear();
    known_.clear();
    fresh_counts_.clear();
    try {
      run();
    } catch (const PathEnd&) {
    } catch (const Infeasible&) {
    }
  } while (backtrack(0));
  return paths;
}

void Explorer::note(smt::Term condition, bool value) {
  known_[condition.node()] = value;
  known_[smt::logical_not(condition).node()] = !value;
  path_condition_.push_back(value ? condition : smt::logical_not(condition));
}

void Explorer::push(smt::Term asserted) {
  solver_.push();
  solver_.assert_term(asserted);
}

// The solver that follows the path answers most questions at once. The few that it finds hard are easier without what does
// not bear on them.
smt::Answer Explorer::ask(smt::Term also) {
  const smt::Answer answer = solver_.check(also);
  if (answer != smt::Answer::kUnknown) return answer;
  std::vector<smt::Term> conditions = path_condition_;
  conditions.push_back(also);
  for (bool through_arrays : {false, true}) {
    const std::vector<smt::Term> relevant = smt::relevant_to_last(conditions, through_arrays);
    if (smt::check_script(smt::to_smtlib(relevant, ""), limits_.fresh_resources).answer == smt::Answer::kUnsatisfiable)
      return smt::Answer::kUnsatisfiable;
  }
  return smt::Answer::kUnknown;
}

bool Explorer::replay(Kind kind, smt::Term condition, bool* value) {
  if (next_event_ == events_.size()) return false;
  const Event& event = events_[next_event_++];
  if (event.kind != kind || event.condition != condition)
    throw ExplorationError("the explored function took another course on its second run");
  *value = event.value;
  return true;
}

// One conjunction, so that whoever leaves out what does not bear on its last part keeps all of it.
void Explorer::end_infeasible(smt::Term also) {
  smt::Term all = smt::boolean(true);
  for (smt::Term condition : path_condition_) all = smt::logical_and(all, condition);
  pruned_.push_back({smt::logical_and(all, also)});
  throw Infeasible{};
}

bool Explorer::decide(smt::Term condition) {
  if (condition.is_constant()) return condition.value();
  if (const auto known = known_.find(condition.node()); known != known_.end()) return known->second;
  bool value;
  if (!replay(Kind::kDecision, condition, &value)) {
    const bool may_hold = ask(condition) != smt::Answer::kUnsatisfiable;
    const bool may_fail = ask(smt::logical_not(condition)) != smt::Answer::kUnsatisfiable;
    if (!may_hold && !may_fail) end_infeasible(smt::boolean(true));
    value = may_hold;
    const bool fork = may_hold && may_fail;
    if (fork) {
      push(condition);
    } else {
      pruned_.push_back(path_condition_);
      pruned_.back().push_back(may_hold ? smt::logical_not(condition) : condition);
    }
    events_.push_back({Kind::kDecision, condition, value, fork, fork});
    ++next_event_;
  }
  note(condition, value);
  return value;
}

void Explorer::assume(smt::Term condition, const std::string& name) { assume(condition, name, true); }
void Explorer::assume_possible(smt::Term condition, const std::string& name) { assume(condition, name, false); }

void Explorer::assume(smt::Term condition, const std::string& name, bool check) {
  if (std::find(preconditions_.begin(), preconditions_.end(), name) == preconditions_.end()) preconditions_.push_back(name);
  if (condition.is_true()) return;
  if (const auto known = known_.find(condition.node()); known != known_.end() && known->second) return;
  bool value;
  if (!replay(Kind::kAssumption, condition, &value)) {
    if (check && ask(condition) == smt::Answer::kUnsatisfiable) end_infeasible(condition);
    push(condition);
    events_.push_back({Kind::kAssumption, condition, true, false, true});
    ++next_event_;
  }
  note(condition, true);
}

bool Explorer::implied(smt::Term claim) {
  if (claim.is_constant()) return claim.value();
  if (const auto known = known_.find(claim.node()); known != known_.end()) return known->second;
  bool value;
  if (!replay(Kind::kQuestion, claim, &value)) {
    value = ask(smt::logical_not(claim)) == smt::Answer::kUnsatisfiable;
    if (value) {
      pruned_.push_back(path_condition_);
      pruned_.back().push_back(smt::logical_not(claim));
    }
    events_.push_back({Kind::kQuestion, claim, value, false, false});
    ++next_event_;
  }
  if (value) {
    known_[claim.node()] = true;
    known_[smt::logical_not(claim).node()] = false;
  }
  return value;
}

smt::Term Explorer::fresh(const std::string& name, uint32_t width) {
  return smt::variable(name + "." + std::to_string(fresh_counts_[name]++), width);
}

bool Explorer::backtrack(size_t base) {
  while (events_.size() > base) {
    Event& event = events_.back();
    if (event.pushed) solver_.pop(1);
    if (event.kind == Kind::kDecision && event.other_side_open) {
      event.other_side_open = false;
      event.value = !event.value;
      push(event.value ? event.condition : smt::logical_not(event.condition));
      return true;
    }
    events_.pop_back();
  }
  return false;
}

void Explorer::enumerate(const std::function<void(const std::function<smt::Term()>&)>& run) {
  if (next_event_ != events_.size()) throw ExplorationError("the explored function took another course on its second run");
  const Position start{next_event_, path_condition_.size(), known_, fresh_counts_};
  const auto conditions = [&] {
    smt::Term all = smt::boolean(true);
    for (size_t i = start.conditions; i < path_condition_.size(); ++i) all = smt::logical_and(all, path_condition_[i]);
    return all;
  };
  uint32_t ways = 0;
  do {
    if (++ways > limits_.paths)
      throw ExplorationError("more than " + std::to_string(limits_.paths) + " ways through a function");
    next_event_ = start.next_event;
    path_condition_.resize(start.conditions);
    known_ = start.known;
    fresh_counts_ = start.fresh_counts;
    try {
      run(conditions);
    } catch (const Infeasible&) {
    }
  } while (backtrack(start.next_event));
  next_event_ = start.next_event;
  path_condition_.resize(start.conditions);
  known_ = start.known;
  fresh_counts_ = start.fresh_counts;
}

std::shared_ptr<void> Explorer::replay_ways() {
  if (next_event_ == events_.size()) return nullptr;
  const Event& event = events_[next_event_++];
  if (event.kind != Kind::kWays) throw ExplorationError("the explored function took another course on its second run");
  return event.ways;
}

void Explorer::remember_ways(std::shared_ptr<void> ways) {
  events_.push_back({Kind::kWays, {}, false, false, false, std::move(ways)});
  ++next_event_;
}

}  // namespace vmirom::engine
