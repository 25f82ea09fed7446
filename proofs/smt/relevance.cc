#include <set>
#include <unordered_map>

#include "proofs/smt/pool.h"

namespace vmirom::smt {
namespace {

using Leaves = std::set<const Node*>;

class Collector {
 public:
  explicit Collector(bool arrays) : arrays_(arrays) {}

  // Variables of a term; functions count as variables.
  const Leaves& of(Term a) {
    const auto [it, fresh] = known_.try_emplace(a.node());
    if (!fresh) return it->second;
    Leaves leaves;
    std::set<const Node*> seen;
    const auto visit = [&](auto& self, Term t) -> void {
      if (!seen.insert(t.node()).second) return;
      if (t->op == Op::kApply || (t->op == Op::kVariable && (arrays_ || t.width() != kArray))) leaves.insert(t.node());
      for (Term part : t->arguments) self(self, part);
    };
    visit(visit, a);
    return known_[a.node()] = std::move(leaves);
  }

 private:
  const bool arrays_;
  std::unordered_map<const Node*, Leaves> known_;
};

// The parts of a conjunction.
void flatten(Term a, std::vector<Term>& parts) {
  if (a->op == Op::kBoolAnd) {
    for (Term part : a->arguments) flatten(part, parts);
  } else {
    parts.push_back(a);
  }
}

}  // namespace

std::vector<Term> relevant_to_last(const std::vector<Term>& assertions, bool through_arrays) {
  std::vector<Term> parts;
  for (size_t i = 0; i + 1 < assertions.size(); ++i) flatten(assertions[i], parts);
  Collector collector(through_arrays);
  Leaves reached = collector.of(assertions.back());
  std::vector<bool> chosen(parts.size());
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (chosen[i]) continue;
      const Leaves& leaves = collector.of(parts[i]);
      bool shares = false;
      for (const Node* leaf : leaves) shares |= reached.count(leaf) != 0;
      if (!shares) continue;
      chosen[i] = more = true;
      reached.insert(leaves.begin(), leaves.end());
    }
  }
  std::vector<Term> relevant;
  for (size_t i = 0; i < parts.size(); ++i)
    if (chosen[i]) relevant.push_back(parts[i]);
  relevant.push_back(assertions.back());
  return relevant;
}

}  // namespace vmirom::smt
