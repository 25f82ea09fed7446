// What is claimed on each path, and what becomes of the claims: obligations with verdicts.
#ifndef VMIROM_PROOFS_ENGINE_LEDGER_H_
#define VMIROM_PROOFS_ENGINE_LEDGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proofs/smt/solver.h"
#include "proofs/smt/term.h"

namespace vmirom::engine {

enum class Verdict { kProved, kRefuted, kUnknown, kError, kMissing };

const char* name_of(Verdict verdict);  // "proved" and so on

struct Obligation {
  std::string name;
  Verdict verdict = Verdict::kMissing;
  uint32_t paths = 0;      // on which it was checked
  uint64_t resources = 0;  // of the solver, together
  std::optional<std::string> bound;
  std::string detail;  // what fails, when it does
};

// The first state that breaks something, while its scope lives.
struct Counterexample {
  std::string obligation;
  std::string label;
  smt::Term claim;  // that fails
  std::unique_ptr<smt::Model> model;
};

// Sets of conditions that were shown to be impossible together, by their terms.
using Refuted = std::set<std::vector<const smt::Node*>>;

class Ledger {
 public:
  struct Options {
    uint32_t resource_limit = 400'000'000;  // of the solver, for each claim
    // Where the scripts that decided go; none are kept when empty. Called with obligation, number, script.
    std::function<void(const std::string&, uint32_t, const std::string&)> keep_script;
    // Conditions, by groups, that a counterexample meets where it can: as many of the first groups as possible.
    std::vector<std::vector<smt::Term>> preferences;
    // The obligation that a counterexample is wanted for; when empty, the one that is refuted first.
    std::string counterexample_for;
  };

  // What is refuted is remembered in a set that may outlive the ledger, as long as the terms' scope does.
  Ledger(std::vector<std::string> obligations, Options options, Refuted& refuted);

  // Claims on the current path.
  void equal(const std::string& obligation, const std::string& label, smt::Term expected, smt::Term found);
  void holds(const std::string& obligation, const std::string& label, smt::Term claim);

  // Checks the claims made since the last path against its conditions. on_refuted is called with the first counterexample
  // of this ledger, while the path's terms are at hand.
  void close_path(const std::vector<smt::Term>& path_condition, const std::function<void(Counterexample)>& on_refuted);
  void drop_path() { claims_.clear(); }

  // Shows that a set of conditions cannot be met, as part of an obligation; or that it can.
  void must_be_impossible(const std::string& obligation, const std::string& label, const std::vector<smt::Term>& conditions);
  // example, when given, is a state to try before the solver is asked for one.
  void must_be_possible(const std::string& obligation, const std::vector<smt::Term>& conditions,
                        smt::Assignment* example = nullptr);

  // An obligation that was decided otherwise.
  void decide(const std::string& obligation, Verdict verdict, const std::string& detail);
  void set_bound(const std::string& obligation, const std::string& bound);

  bool is_refuted(const std::string& obligation) { return find(obligation).verdict == Verdict::kRefuted; }

  // Everything unproved becomes an error with this text.
  void fail_all(const std::string& detail);

  // Verdicts, in the order given at construction. What was explored without a claim against it is proved.
  std::vector<Obligation> finish();

 private:
  struct Claim {
    std::string label;
    smt::Term expected, found;  // found invalid: expected is the claim
    smt::Term term() const;
    smt::Term as_written() const;
  };

  Obligation& find(const std::string& name);
  void lower(Obligation& obligation, Verdict verdict, const std::string& detail);
  std::unique_ptr<smt::Model> find_counterexample(const std::vector<smt::Term>& assertions,
                                                  const std::string& comment) const;
  smt::Answer check_claim(Obligation& obligation, const std::vector<smt::Term>& assertions, const std::string& comment);
  // A try with fewer assertions decides nothing unless it is refuted: its script is not worth keeping then.
  enum class Keep : uint8_t { kAlways, kRefuting };
  smt::Answer check(Obligation& obligation, const std::vector<smt::Term>& assertions, const std::string& comment,
                    Keep keep = Keep::kAlways);

  Options options_;
  std::vector<Obligation> obligations_;
  std::map<std::string, std::vector<Claim>> claims_;
  std::map<std::string, uint32_t> script_counts_;
  Refuted& refuted_;
  bool has_counterexample_ = false;
};

}  // namespace vmirom::engine

#endif  // VMIROM_PROOFS_ENGINE_LEDGER_H_
