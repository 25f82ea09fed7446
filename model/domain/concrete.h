// The domain of numbers.
//
// The model is written once, over a domain D, and means the same in every one:
//   D::Word   32 bits; + - * & | ^ ~, << and >> by less than 32, comparisons (unsigned)
//   D::Bool   !, & and | ; as the condition of an if it chooses a path
//   D::select(condition, a, b)   a or b without choosing a path
//   D::same(a, b)                true only when a and b are known to be equal, whatever the state
//   D::Table  an array of dwords that the model reads and writes by index: get(Word), set(Word, Word)
//   D::Memory guest memory: load, store, access rights of a page (model/guest_memory.h)
//   D::World  everything that is not the model's to decide: the hypervisor's answers, time, loops (model/state.h)
// In this domain they are numbers; proofs/engine has the domain of terms.
#ifndef VMIROM_MODEL_DOMAIN_CONCRETE_H_
#define VMIROM_MODEL_DOMAIN_CONCRETE_H_

#include <cstdint>
#include <map>

namespace vmirom {

// Dwords that lie somewhere else, with changes kept here: the model can run without touching what it runs on.
class ConcreteTable {
 public:
  ConcreteTable() = default;
  explicit ConcreteTable(const uint32_t* base) : base_(base) {}

  uint32_t get(uint32_t index) const {
    const auto changed = changes_.find(index);
    return changed != changes_.end() ? changed->second : base_ ? base_[index] : 0;
  }
  void set(uint32_t index, uint32_t value) { changes_[index] = value; }
  const std::map<uint32_t, uint32_t>& changes() const { return changes_; }

 private:
  const uint32_t* base_ = nullptr;
  std::map<uint32_t, uint32_t> changes_;
};

class ConcreteMemory;
class ConcreteWorld;

struct Concrete {
  using Word = uint32_t;
  using Bool = bool;
  using Table = ConcreteTable;
  using Memory = ConcreteMemory;
  using World = ConcreteWorld;

  static Word select(Bool condition, Word a, Word b) { return condition ? a : b; }
  static bool same(Word a, Word b) { return a == b; }
};

}  // namespace vmirom

#endif  // VMIROM_MODEL_DOMAIN_CONCRETE_H_
