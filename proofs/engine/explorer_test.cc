// The explorer against all states of small programs, one by one, and what the ledger makes of claims.
#include "proofs/engine/explorer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "proofs/engine/ledger.h"
#include "proofs/smt/evaluate.h"
#include "proofs/smt/smtlib.h"

namespace vmirom::engine {
namespace {

using smt::Term;

// Two variables of four bits: 256 states.
constexpr uint32_t kWidth = 4;
constexpr uint32_t kStates = 256;

Term x() { return smt::variable("x", kWidth); }
Term y() { return smt::variable("y", kWidth); }
Term number(uint64_t value) { return smt::constant(value, kWidth); }

struct State : smt::Assignment {
  explicit State(uint32_t number) : number(number) {}
  uint64_t variable(const std::string& name, uint32_t) override { return name == "x" ? number & 15 : number >> 4; }
  uint64_t apply(const std::string&, const std::vector<uint64_t>&, uint32_t) override { return 0; }
  uint8_t byte(const std::string&, uint32_t) override { return 0; }
  uint32_t number;
};

bool holds(Term condition, uint32_t state) {
  State assignment(state);
  return smt::Evaluator(assignment).value(condition);
}

std::set<uint32_t> states_of(const std::vector<Term>& conditions) {
  std::set<uint32_t> states;
  for (uint32_t s = 0; s < kStates; ++s) {
    bool all = true;
    for (Term c : conditions) all = all && holds(c, s);
    if (all) states.insert(s);
  }
  return states;
}

// A condition that depends on where the program is.
Term condition(uint32_t seed) {
  std::mt19937 rng(seed);
  const Term a = rng() % 2 ? x() : y();
  const Term terms[] = {number(rng() % 16), y(), smt::add(x(), y()), smt::multiply(x(), y()),
                        smt::bit_and(x(), number(rng() % 16))};
  const Term b = terms[rng() % 5];
  switch (rng() % 4) {
    case 0: return smt::equal(a, b);
    case 1: return smt::less(b, a);
    case 2: return smt::signed_less_equal(a, b);
    default: return smt::logical_or(smt::less(a, b), smt::equal(y(), number(rng() % 16)));
  }
}

// A program is a seed: each decision leads to another place in it. Ends after `most` decisions, or earlier.
template <class Decide>
uint32_t run_program(uint32_t seed, uint32_t most, const Decide& decide) {
  uint32_t at = seed;
  for (uint32_t i = 0; i < most && at % 7; ++i) at = (at * 2 + decide(condition(at))) * 2654435761u + 1;
  return at;
}

// The course of the program from one state.
uint32_t end_from(uint32_t seed, uint32_t most, uint32_t state) {
  return run_program(seed, most, [&](Term c) { return holds(c, state); });
}

// Both limits in the solver's units; small ones make it give up on everything.
Limits limits(uint32_t resources) { return {20000, resources, resources}; }

TEST(Explorer, takes_each_feasible_path_once_and_no_other) {
  uint32_t paths = 0, pruned = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    const smt::Scope scope;
    Explorer explorer;
    std::set<uint32_t> seen;
    const uint32_t count = explorer.explore([&] {
      const uint32_t end = run_program(seed, 5, [&](Term c) { return explorer.decide(c); });
      const std::set<uint32_t> states = states_of(explorer.path_condition());
      EXPECT_FALSE(states.empty()) << "a path that no state takes, seed " << seed;
      for (uint32_t s : states) {
        EXPECT_TRUE(seen.insert(s).second) << "state " << s << " takes two paths, seed " << seed;
        EXPECT_EQ(end, end_from(seed, 5, s)) << "state " << s << ", seed " << seed;
      }
      ++paths;
    });
    EXPECT_GE(count, 1u);
    EXPECT_EQ(seen.size(), kStates) << "seed " << seed;
    for (const auto& conditions : explorer.pruned()) {
      EXPECT_TRUE(states_of(conditions).empty()) << "a side was left out that states take, seed " << seed;
      ++pruned;
    }
  }
  EXPECT_GT(paths, 200u);
  EXPECT_GT(pruned, 20u);
}

TEST(Explorer, takes_both_sides_when_the_solver_gives_up) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const smt::Scope scope;
    Explorer explorer(limits(1));
    std::set<uint32_t> seen;
    explorer.explore([&] {
      const uint32_t end = run_program(seed, 4, [&](Term c) { return explorer.decide(c); });
      for (uint32_t s : states_of(explorer.path_condition())) {
        EXPECT_TRUE(seen.insert(s).second);
        EXPECT_EQ(end, end_from(seed, 4, s));
      }
    });
    EXPECT_EQ(seen.size(), kStates);
    for (const auto& conditions : explorer.pruned()) EXPECT_TRUE(states_of(conditions).empty());
  }
}

TEST(Explorer, a_side_left_out_is_recorded_with_all_that_led_to_it) {
  const smt::Scope scope;
  Explorer explorer;
  const Term small = smt::less(x(), number(5)), large = smt::less(number(9), x());
  const uint32_t paths = explorer.explore([&] {
    if (explorer.decide(small)) {
      EXPECT_FALSE(explorer.decide(large));
      // Known by now: asked again, nothing is recorded anew.
      EXPECT_FALSE(explorer.decide(large));
      EXPECT_TRUE(explorer.decide(smt::logical_not(large)));
    }
  });
  EXPECT_EQ(paths, 2u);
  ASSERT_EQ(explorer.pruned().size(), 1u);
  EXPECT_EQ(explorer.pruned()[0], (std::vector<Term>{small, large}));
}

TEST(Explorer, assumptions_bound_the_states_and_are_named) {
  const smt::Scope scope;
  Explorer explorer;
  uint32_t ends = 0;
  const uint32_t paths = explorer.explore([&] {
    explorer.assume(smt::less(x(), number(4)), "x is small");
    if (explorer.decide(smt::equal(y(), number(0)))) {
      explorer.assume(smt::less(number(7), x()), "x is large");
      ADD_FAILURE() << "no state comes here";
    }
    EXPECT_FALSE(explorer.decide(smt::equal(x(), number(4))));
    EXPECT_TRUE(explorer.implied(smt::less(x(), number(5))));
    explorer.assume_possible(smt::equal(x(), number(3)), "x is 3");
    EXPECT_EQ(states_of(explorer.path_condition()).size(), 15u);
    ++ends;
  });
  EXPECT_EQ(paths, 2u);
  EXPECT_EQ(ends, 1u);
  EXPECT_EQ(explorer.preconditions(), (std::vector<std::string>{"x is small", "x is large", "x is 3"}));
}

// A path that ends because no state is left has to be proved empty like any other side that was not taken.
TEST(Explorer, a_path_given_up_as_infeasible_is_recorded) {
  const smt::Scope scope;
  const Term small = smt::less(x(), number(4)), large = smt::less(number(7), x());
  {
    Explorer explorer;
    explorer.explore([&] {
      explorer.assume_possible(small, "x is small");
      explorer.assume(large, "x is large");
    });
    ASSERT_EQ(explorer.pruned().size(), 1u);
    ASSERT_EQ(explorer.pruned()[0].size(), 1u);  // nothing that a look for what bears on it could drop
    EXPECT_EQ(explorer.pruned()[0][0], smt::logical_and(small, large));
  }
  Explorer explorer;
  explorer.explore([&] {
    explorer.assume_possible(small, "x is small");
    explorer.assume_possible(large, "x is large");
    explorer.decide(smt::equal(y(), number(1)));
    ADD_FAILURE() << "no state comes here";
  });
  ASSERT_EQ(explorer.pruned().size(), 1u);
  EXPECT_EQ(explorer.pruned()[0], (std::vector<Term>{smt::logical_and(small, large)}));
}

TEST(Explorer, what_is_implied_holds_in_every_state_of_the_path) {
  uint32_t implied = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    const smt::Scope scope;
    Explorer explorer;
    explorer.explore([&] {
      const uint32_t end = run_program(seed, 3, [&](Term c) { return explorer.decide(c); });
      const std::vector<Term> path = explorer.path_condition();
      const Term claim = condition(end + 5);
      std::vector<Term> against = path;
      against.push_back(smt::logical_not(claim));
      const bool expected = states_of(against).empty();
      EXPECT_EQ(explorer.implied(claim), expected) << "seed " << seed;
      EXPECT_EQ(explorer.path_condition(), path);
      if (expected) {
        EXPECT_TRUE(explorer.decide(claim));
      }
      implied += expected;
    });
    for (const auto& conditions : explorer.pruned()) EXPECT_TRUE(states_of(conditions).empty());
  }
  EXPECT_GT(implied, 10u);
  const smt::Scope scope;
  Explorer explorer(limits(1));
  explorer.explore([&] {
    // True of all states, but the solver does not get to see it.
    EXPECT_FALSE(explorer.implied(smt::less_equal(smt::bit_and(x(), y()), smt::bit_or(x(), y()))));
  });
}

TEST(Explorer, all_ways_split_the_path_and_come_back_to_it) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    const smt::Scope scope;
    Explorer explorer;
    std::set<uint32_t> seen;
    explorer.explore([&] {
      const bool before = explorer.decide(condition(seed * 31));
      const std::vector<Term> path = explorer.path_condition();
      const std::set<uint32_t> here = states_of(path);
      const auto ways = explorer.all_ways<uint32_t>([&] {
        explorer.fresh("inside", 8);
        return run_program(seed + before, 4, [&](Term c) { return explorer.decide(c); });
      });
      EXPECT_EQ(explorer.path_condition(), path);
      EXPECT_EQ(explorer.fresh("inside", 8), smt::variable("inside.0", 8));
      std::set<uint32_t> covered;
      for (const auto& [conditions, end] : ways) {
        for (uint32_t s : here) {
          if (!holds(conditions, s)) continue;
          EXPECT_TRUE(covered.insert(s).second) << "state " << s << " has two ways, seed " << seed;
          EXPECT_EQ(end, end_from(seed + before, 4, s));
        }
      }
      EXPECT_EQ(covered, here) << "seed " << seed;
      // The path goes on from where it was.
      const bool after = explorer.decide(condition(seed * 37 + 1));
      for (uint32_t s : states_of(explorer.path_condition())) {
        EXPECT_TRUE(seen.insert(s).second);
        EXPECT_EQ(after, holds(condition(seed * 37 + 1), s));
      }
    });
    EXPECT_EQ(seen.size(), kStates) << "seed " << seed;
    for (const auto& conditions : explorer.pruned()) EXPECT_TRUE(states_of(conditions).empty());
  }
}

TEST(Explorer, ways_are_found_once_for_each_path_that_leads_to_them) {
  const smt::Scope scope;
  Explorer explorer;
  uint32_t runs = 0;
  const uint32_t paths = explorer.explore([&] {
    const auto ways = explorer.all_ways<int>([&] { return ++runs, explorer.decide(smt::equal(x(), number(1))) ? 1 : 2; });
    EXPECT_EQ(ways.size(), 2u);
    explorer.decide(smt::equal(y(), number(1)));
    explorer.decide(smt::equal(x(), number(2)));
  });
  EXPECT_EQ(paths, 4u);
  EXPECT_EQ(runs, 2u);
}

TEST(Explorer, the_end_of_a_path_ends_that_path_alone) {
  const smt::Scope scope;
  Explorer explorer;
  uint32_t ends = 0;
  EXPECT_EQ(explorer.explore([&] {
    const bool first = explorer.decide(smt::equal(x(), number(1)));
    ++ends;
    if (first) throw PathEnd{};
    explorer.decide(smt::equal(x(), number(2)));
  }),
            3u);
  EXPECT_EQ(ends, 3u);
}

TEST(Explorer, fresh_variables_are_numbered_anew_on_each_path) {
  const smt::Scope scope;
  Explorer explorer;
  explorer.explore([&] {
    EXPECT_EQ(explorer.fresh("a", 32), smt::variable("a.0", 32));
    explorer.decide(smt::equal(x(), number(1)));
    EXPECT_EQ(explorer.fresh("a", 32), smt::variable("a.1", 32));
    EXPECT_EQ(explorer.fresh("b", 32), smt::variable("b.0", 32));
  });
}

TEST(Explorer, gives_up_loudly) {
  const smt::Scope scope;
  {
    Explorer explorer;
    uint64_t runs = 0;
    EXPECT_THROW(explorer.explore([&] { explorer.decide(smt::equal(x(), number(runs++))); }), ExplorationError);
  }
  Explorer explorer(Limits{.paths = 3});
  EXPECT_THROW(explorer.explore([&] {
    for (uint32_t i = 0; i < 4; ++i) explorer.decide(smt::equal(x(), number(i)));
  }),
               ExplorationError);
}

// Of all obligations that the ledger was made with, by name.
std::map<std::string, Obligation> verdicts(Ledger& ledger) {
  std::map<std::string, Obligation> all;
  for (const Obligation& o : ledger.finish()) all[o.name] = o;
  return all;
}

void no_counterexample(Counterexample c) { ADD_FAILURE() << c.obligation << ": " << c.label; }

TEST(Ledger, proves_what_holds_on_the_path_and_nothing_that_was_not_explored) {
  const smt::Scope scope;
  Refuted refuted;
  const std::vector<std::string> names = {"claimed", "explored"};
  {
    Ledger ledger(names, {}, refuted);
    ledger.holds("claimed", "never checked, no path was closed", smt::less(x(), number(9)));
    ledger.drop_path();
    for (const auto& [name, o] : verdicts(ledger)) EXPECT_EQ(o.verdict, Verdict::kMissing) << name;
  }
  Ledger ledger(names, {}, refuted);
  ledger.holds("claimed", "x is below 9", smt::less(x(), number(9)));
  ledger.equal("claimed", "x times y", smt::multiply(x(), y()), smt::multiply(y(), x()));
  ledger.close_path({smt::less(x(), number(5))}, no_counterexample);
  for (const auto& [name, o] : verdicts(ledger)) {
    EXPECT_EQ(o.verdict, Verdict::kProved) << name;
    EXPECT_EQ(o.paths, 1u);
  }
}

TEST(Ledger, a_refuted_claim_comes_with_a_state_of_the_path_that_breaks_it) {
  const smt::Scope scope;
  Refuted refuted;
  Ledger ledger({"a", "b"}, {}, refuted);
  const Term path = smt::less(x(), number(5)), claim = smt::less(x(), number(4));
  uint32_t counterexamples = 0;
  const auto on_refuted = [&](Counterexample c) {
    ++counterexamples;
    EXPECT_EQ(c.obligation, "a");
    EXPECT_EQ(c.label, "x is below 4");
    smt::Evaluator evaluator(*c.model);
    EXPECT_TRUE(evaluator.value(path));
    EXPECT_FALSE(evaluator.value(claim));
  };
  ledger.holds("a", "x is below 4", claim);
  ledger.close_path({path}, on_refuted);
  EXPECT_EQ(counterexamples, 1u);
  // Only the first is handed out; the verdict and its text stay, whatever is proved later.
  ledger.equal("b", "x is y", x(), y());
  ledger.close_path({path}, on_refuted);
  ledger.holds("a", "x is below 8", smt::less(x(), number(8)));
  ledger.close_path({path}, on_refuted);
  EXPECT_EQ(counterexamples, 1u);
  auto all = verdicts(ledger);
  EXPECT_EQ(all["a"].verdict, Verdict::kRefuted);
  EXPECT_EQ(all["a"].detail, "x is below 4");
  EXPECT_EQ(all["b"].verdict, Verdict::kRefuted);
  EXPECT_EQ(all["a"].paths, 3u);
}

TEST(Ledger, a_solver_that_gives_up_proves_nothing) {
  const smt::Scope scope;
  Refuted refuted;
  const Term a = smt::variable("a", 32), b = smt::variable("b", 32);
  const Term hard = smt::logical_not(
      smt::logical_and(smt::equal(smt::multiply(a, b), smt::constant(0x7fffffff, 32)),
                       smt::logical_and(smt::less(a, smt::constant(0x10000, 32)), smt::less(b, smt::constant(0x8000, 32)))));
  Ledger ledger({"claim", "impossible", "possible", "other"}, {.resource_limit = 1000}, refuted);
  ledger.holds("claim", "no factors", hard);
  ledger.close_path({}, no_counterexample);
  ledger.must_be_impossible("impossible", "factors", {smt::logical_not(hard)});
  ledger.must_be_possible("possible", {smt::logical_not(hard)});
  auto all = verdicts(ledger);
  EXPECT_EQ(all["claim"].verdict, Verdict::kUnknown);
  EXPECT_EQ(all["impossible"].verdict, Verdict::kUnknown);
  EXPECT_EQ(all["possible"].verdict, Verdict::kUnknown);
  EXPECT_EQ(all["other"].verdict, Verdict::kProved);
  EXPECT_TRUE(refuted.empty());
}

TEST(Ledger, conditions_are_shown_possible_or_impossible) {
  const smt::Scope scope;
  Refuted refuted;
  Ledger ledger({"impossible", "not impossible", "possible", "not possible"}, {}, refuted);
  const std::vector<Term> none = {smt::less(x(), number(3)), smt::less(number(3), x())}, some = {smt::less(x(), number(3))};
  ledger.close_path({}, no_counterexample);
  ledger.must_be_impossible("impossible", "", none);
  ledger.must_be_impossible("not impossible", "", some);
  // An example that does not satisfy the conditions is no reason to give up.
  State wrong(15);
  ledger.must_be_possible("possible", some, &wrong);
  ledger.must_be_possible("not possible", none, &wrong);
  auto all = verdicts(ledger);
  EXPECT_EQ(all["impossible"].verdict, Verdict::kProved);
  EXPECT_EQ(all["not impossible"].verdict, Verdict::kRefuted);
  EXPECT_EQ(all["possible"].verdict, Verdict::kProved);
  EXPECT_EQ(all["not possible"].verdict, Verdict::kRefuted);
}

TEST(Ledger, a_worse_verdict_replaces_a_better_one_and_never_the_other_way) {
  const smt::Scope scope;
  Refuted refuted;
  Ledger ledger({"a", "b", "c"}, {}, refuted);
  ledger.decide("a", Verdict::kUnknown, "first");
  ledger.decide("a", Verdict::kUnknown, "second");
  ledger.decide("b", Verdict::kRefuted, "refuted");
  ledger.decide("b", Verdict::kProved, "");
  ledger.fail_all("cannot go on");
  ledger.close_path({}, no_counterexample);
  auto all = verdicts(ledger);
  EXPECT_EQ(all["a"].verdict, Verdict::kError);
  EXPECT_EQ(all["a"].detail, "cannot go on");
  EXPECT_EQ(all["b"].verdict, Verdict::kRefuted);
  EXPECT_EQ(all["b"].detail, "refuted");
  EXPECT_EQ(all["c"].verdict, Verdict::kError);
  ledger.holds("no such obligation", "", smt::boolean(true));
  EXPECT_THROW(ledger.close_path({}, no_counterexample), std::logic_error);
}

TEST(Ledger, keeps_a_script_for_every_claim_that_can_be_checked_again) {
  const smt::Scope scope;
  Refuted refuted;
  std::vector<std::string> scripts;
  Ledger::Options options;
  options.keep_script = [&](const std::string& obligation, uint32_t n, const std::string& script) {
    EXPECT_EQ(obligation, "a");
    EXPECT_EQ(n, scripts.size());
    scripts.push_back(script);
  };
  Ledger ledger({"a"}, options, refuted);
  ledger.equal("a", "the same term", x(), x());
  ledger.holds("a", "a condition of the path", smt::less(x(), number(3)));
  ledger.holds("a", "what follows from it", smt::less(x(), number(4)));
  ledger.close_path({smt::less(x(), number(3))}, no_counterexample);
  EXPECT_EQ(scripts.size(), 3u);
  for (const std::string& script : scripts)
    EXPECT_EQ(smt::check_script(script, 10'000'000).answer, smt::Answer::kUnsatisfiable) << script;
}

}  // namespace
}  // namespace vmirom::engine
