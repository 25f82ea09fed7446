#include "proofs/engine/ledger.h"

#include <algorithm>
#include <set>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "proofs/smt/smtlib.h"

namespace vmirom::engine {

using smt::Term;

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProved: return "proved";
    case Verdict::kRefuted: return "refuted";
    case Verdict::kUnknown: return "unknown";
    case Verdict::kError: return "error";
    case Verdict::kMissing: return "missing";
  }
  return "error";
}

namespace {

// What a path's conditions say outright.
std::set<const smt::Node*> conjuncts(const std::vector<Term>& conditions) {
  std::set<const smt::Node*> all;
  const auto add = [&](auto& self, Term t) -> void {
    if (!all.insert(t.node()).second || t->op != smt::Op::kBoolAnd) return;
    for (Term part : t->arguments) self(self, part);
  };
  for (Term t : conditions) add(add, t);
  return all;
}

}  // namespace

Term Ledger::Claim::term() const { return found.valid() ? smt::equal(expected, found) : expected; }
Term Ledger::Claim::as_written() const { return found.valid() ? smt::equal_as_written(expected, found) : expected; }

Ledger::Ledger(std::vector<std::string> obligations, Options options) : options_(std::move(options)) {
  for (std::string& name : obligations) {
    obligations_.emplace_back();
    obligations_.back().name = std::move(name);
  }
}

Obligation& Ledger::find(const std::string& name) {
  for (Obligation& o : obligations_)
    if (o.name == name) return o;
  throw std::logic_error("no obligation is called " + name);
}

void Ledger::equal(const std::string& obligation, const std::string& label, Term expected, Term found) {
  claims_[obligation].push_back({label, expected, found});
}

void Ledger::holds(const std::string& obligation, const std::string& label, Term claim) {
  claims_[obligation].push_back({label, claim, {}});
}

// A worse verdict replaces a better one; the first text of the worst is kept.
void Ledger::lower(Obligation& o, Verdict verdict, const std::string& detail) {
  const auto badness = [](Verdict v) {
    switch (v) {
      case Verdict::kMissing: return 0;
      case Verdict::kProved: return 1;
      case Verdict::kUnknown: return 2;
      case Verdict::kError: return 3;
      case Verdict::kRefuted: return 4;
    }
    return 3;
  };
  if (badness(verdict) <= badness(o.verdict)) return;
  o.verdict = verdict;
  o.detail = detail;
}

// Fewer assertions are easier to refute, and refuting them is as good: those that have no variable in common with the last
// one, directly or through others, are left out at first.
smt::CheckResult Ledger::check_claim(Obligation& o, const std::vector<Term>& assertions, const std::string& comment) {
  const std::vector<Term> relevant = smt::relevant_to_last(assertions);
  smt::CheckResult result = check(o, relevant, comment);
  if (result.answer == smt::Answer::kUnsatisfiable || relevant.size() == assertions.size()) return result;
  return check(o, assertions, comment);
}

smt::CheckResult Ledger::check(Obligation& o, const std::vector<Term>& assertions, const std::string& comment) {
  const std::string script = smt::to_smtlib(assertions, comment);
  if (options_.keep_script) options_.keep_script(o.name, script_counts_[o.name]++, script);
  smt::CheckResult result = smt::check_script(script, options_.resource_limit);
  o.resources += result.resources;
  return result;
}

void Ledger::close_path(const std::vector<Term>& path_condition, const std::function<void(Counterexample)>& on_refuted) {
  if (!options_.check) return drop_path();
  const std::set<const smt::Node*> given = conjuncts(path_condition);
  for (auto& [name, claims] : claims_) {
    Obligation& o = find(name);
    Term all = smt::boolean(true);
    for (const Claim& c : claims)
      if (!given.count(c.term().node())) all = smt::logical_and(all, c.term());
    if (all.is_true() && !options_.keep_script) continue;

    std::string comment = "Expected: unsat. On one path, the negation of:";
    Term written = smt::boolean(true);
    for (const Claim& c : claims) {
      comment += "\n  " + c.label;
      written = smt::logical_and(written, c.as_written());
    }
    std::vector<Term> assertions = path_condition;
    assertions.push_back(smt::logical_not(options_.keep_script ? written : all));
    if (getenv("CLAIMS")) { fprintf(stderr, "path %u %s:", o.paths, name.c_str()); for (const Claim& c : claims) if (!c.term().is_true() && !given.count(c.term().node())) fprintf(stderr, " [%s]", c.label.c_str()); fprintf(stderr, "\n"); }
    auto t0 = std::chrono::steady_clock::now();
    smt::CheckResult whole = check_claim(o, assertions, comment);
    if (getenv("CLAIMS")) fprintf(stderr, "   -> %d %.2f s script %zu\n", int(whole.answer), std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count(), smt::to_smtlib(assertions, "").size());
    if (whole.answer == smt::Answer::kUnsatisfiable) continue;

    // Which claim it is: the first that alone is not proved.
    for (const Claim& c : claims) {
      if (c.term().is_true() || given.count(c.term().node())) continue;
      assertions.back() = smt::logical_not(c.term());
      smt::CheckResult one = check_claim(o, assertions, "Expected: unsat. On one path, the negation of:\n  " + c.label);
      if (one.answer == smt::Answer::kUnsatisfiable) continue;
      if (one.answer == smt::Answer::kUnknown) {
        lower(o, Verdict::kUnknown, c.label + ": the solver gave up");
        continue;
      }
      lower(o, Verdict::kRefuted, c.label);
      if (!has_counterexample_) {
        has_counterexample_ = true;
        if (auto model = smt::find_model(smt::to_smtlib(assertions, c.label), options_.resource_limit))
          on_refuted({name, c.label, std::move(model)});
      }
      break;
    }
    if (whole.answer == smt::Answer::kUnknown) lower(o, Verdict::kUnknown, "the solver gave up");
    if (o.verdict != Verdict::kRefuted && whole.answer == smt::Answer::kSatisfiable)
      lower(o, Verdict::kUnknown, "refuted as a whole, but no part of it");
  }
  claims_.clear();
  for (Obligation& o : obligations_) ++o.paths;
}

void Ledger::must_be_impossible(const std::string& name, const std::string& label, const std::vector<Term>& conditions) {
  Obligation& o = find(name);
  const smt::CheckResult result = check(o, conditions, "Expected: unsat.\n  " + label);
  if (result.answer == smt::Answer::kSatisfiable) lower(o, Verdict::kRefuted, label);
  if (result.answer == smt::Answer::kUnknown) lower(o, Verdict::kUnknown, label + ": the solver gave up");
}

void Ledger::must_be_possible(const std::string& name, const std::vector<Term>& conditions, smt::Assignment* example) {
  Obligation& o = find(name);
  if (example && !options_.keep_script) {
    smt::Evaluator evaluator(*example);
    if (std::all_of(conditions.begin(), conditions.end(), [&](Term t) { return evaluator.value(t); })) return;
  }
  const smt::CheckResult result = check(o, conditions, "Expected: sat.");
  if (result.answer == smt::Answer::kUnsatisfiable) lower(o, Verdict::kRefuted, "no state satisfies the preconditions");
  if (result.answer == smt::Answer::kUnknown) lower(o, Verdict::kUnknown, "the solver gave up");
}

void Ledger::decide(const std::string& name, Verdict verdict, const std::string& detail) {
  lower(find(name), verdict, detail);
}

void Ledger::set_bound(const std::string& name, const std::string& bound) { find(name).bound = bound; }

void Ledger::fail_all(const std::string& detail) {
  for (Obligation& o : obligations_) lower(o, Verdict::kError, detail);
}

std::vector<Obligation> Ledger::finish() {
  for (Obligation& o : obligations_) {
    if (o.verdict == Verdict::kMissing && o.paths) o.verdict = Verdict::kProved;
  }
  return obligations_;
}

}  // namespace vmirom::engine
