#include "proofs/engine/ledger.h"

#include <algorithm>
#include <set>
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

Ledger::Ledger(std::vector<std::string> obligations, Options options, Refuted& refuted)
    : options_(std::move(options)), refuted_(refuted) {
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

// Fewer assertions are easier to refute, and refuting them is as good. So those that have no variable in common with the
// last one, directly or through others, are left out at first; paths that differ only in those share one check.
smt::Answer Ledger::check_claim(Obligation& o, const std::vector<Term>& assertions, const std::string& comment) {
  for (bool through_arrays : {false, true}) {
    const std::vector<Term> relevant = smt::relevant_to_last(assertions, through_arrays);
    std::vector<const smt::Node*> key;
    for (Term t : relevant) key.push_back(t.node());
    if (refuted_.count(key)) return smt::Answer::kUnsatisfiable;
    if (check(o, relevant, comment, Keep::kRefuting) != smt::Answer::kUnsatisfiable) continue;
    refuted_.insert(key);
    return smt::Answer::kUnsatisfiable;
  }
  return check(o, assertions, comment);
}

smt::Answer Ledger::check(Obligation& o, const std::vector<Term>& assertions, const std::string& comment, Keep keep) {
  const std::string script = smt::to_smtlib(assertions, comment);
  const smt::CheckResult result = smt::check_script(script, options_.resource_limit);
  o.resources += result.resources;
  if (options_.keep_script && (keep == Keep::kAlways || result.answer == smt::Answer::kUnsatisfiable))
    options_.keep_script(o.name, script_counts_[o.name]++, script);
  return result.answer;
}

std::unique_ptr<smt::Model> Ledger::find_counterexample(const std::vector<Term>& assertions,
                                                        const std::string& comment) const {
  for (size_t groups = options_.preferences.size() + 1; groups-- > 0;) {
    std::vector<Term> wanted = assertions;
    for (size_t i = 0; i < groups; ++i)
      wanted.insert(wanted.end(), options_.preferences[i].begin(), options_.preferences[i].end());
    if (auto model = smt::find_model(smt::to_smtlib(wanted, comment), options_.resource_limit)) return model;
  }
  return nullptr;
}

void Ledger::close_path(const std::vector<Term>& path_condition, const std::function<void(Counterexample)>& on_refuted) {
  const std::set<const smt::Node*> given = conjuncts(path_condition);
  for (auto& [name, claims] : claims_) {
    Obligation& o = find(name);
    for (const Claim& c : claims) {
      const bool settled = c.term().is_true() || given.count(c.term().node());
      if (settled && !options_.keep_script) continue;
      std::vector<Term> assertions = path_condition;
      assertions.push_back(smt::logical_not(settled ? c.as_written() : c.term()));
      const smt::Answer answer = check_claim(o, assertions, "Expected: unsat. On one path, the negation of:\n  " + c.label);
      if (answer == smt::Answer::kUnsatisfiable) continue;
      if (answer == smt::Answer::kUnknown) {
        lower(o, Verdict::kUnknown, c.label + ": the solver gave up");
        continue;
      }
      lower(o, Verdict::kRefuted, c.label);
      if (has_counterexample_ || (!options_.counterexample_for.empty() && options_.counterexample_for != name)) break;
      if (auto model = find_counterexample(assertions, c.label)) {
        has_counterexample_ = true;
        on_refuted({name, c.label, c.term(), std::move(model)});
      }
      break;
    }
  }
  claims_.clear();
  for (Obligation& o : obligations_) ++o.paths;
}

void Ledger::must_be_impossible(const std::string& name, const std::string& label, const std::vector<Term>& conditions) {
  Obligation& o = find(name);
  const smt::Answer answer = check(o, conditions, "Expected: unsat.\n  " + label);
  if (answer == smt::Answer::kSatisfiable) lower(o, Verdict::kRefuted, label);
  if (answer == smt::Answer::kUnknown) lower(o, Verdict::kUnknown, label + ": the solver gave up");
}

void Ledger::must_be_possible(const std::string& name, const std::vector<Term>& conditions, smt::Assignment* example) {
  Obligation& o = find(name);
  if (example && !options_.keep_script) {
    smt::Evaluator evaluator(*example);
    if (std::all_of(conditions.begin(), conditions.end(), [&](Term t) { return evaluator.value(t); })) return;
  }
  const smt::Answer answer = check(o, conditions, "Expected: sat.");
  if (answer == smt::Answer::kUnsatisfiable) lower(o, Verdict::kRefuted, "no state satisfies the preconditions");
  if (answer == smt::Answer::kUnknown) lower(o, Verdict::kUnknown, "the solver gave up");
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
