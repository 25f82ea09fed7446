#include "proofs/smt/pool.h"

#include <cassert>
#include <deque>
#include <set>
#include <unordered_map>

namespace vmirom::smt {

struct Scope::Pool {
  std::deque<Node> nodes;
  std::unordered_multimap<uint64_t, const Node*> by_hash;
  std::set<std::string, std::less<>> names;
};

namespace {

thread_local Scope::Pool* current = nullptr;

uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccd;
}

}  // namespace

Scope::Scope() : pool_(std::make_unique<Pool>()), outer_(current) { current = pool_.get(); }
Scope::~Scope() { current = outer_; }

Term intern(Op op, uint32_t width, std::vector<Term> arguments, uint64_t value, std::string_view name,
            std::vector<uint64_t> coefficients) {
  assert(current);
  const std::string* interned_name = nullptr;
  if (!name.empty()) {
    auto found = current->names.find(name);
    if (found == current->names.end()) found = current->names.emplace(name).first;
    interned_name = &*found;
  }
  uint64_t hash = mix(uint64_t(op) << 32 | width, value);
  hash = mix(hash, reinterpret_cast<uintptr_t>(interned_name));
  for (Term t : arguments) hash = mix(hash, t->id);
  for (uint64_t c : coefficients) hash = mix(hash, c);
  const auto [begin, end] = current->by_hash.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const Node& n = *it->second;
    if (n.op == op && n.width == width && n.value == value && n.name == interned_name && n.arguments == arguments &&
        n.coefficients == coefficients)
      return Term(&n);
  }
  current->nodes.push_back(
      {op, width, uint32_t(current->nodes.size()), value, interned_name, std::move(arguments), std::move(coefficients)});
  current->by_hash.emplace(hash, &current->nodes.back());
  return Term(&current->nodes.back());
}

Term constant(uint64_t value, uint32_t width) { return intern(Op::kConstant, width, {}, value & mask(width)); }
Term boolean(bool value) { return intern(Op::kConstant, kBoolean, {}, value); }
Term variable(std::string_view name, uint32_t width) { return intern(Op::kVariable, width, {}, 0, name); }
Term apply(std::string_view function, std::vector<Term> arguments, uint32_t width) {
  return intern(Op::kApply, width, std::move(arguments), 0, function);
}

}  // namespace vmirom::smt
