// The model's surroundings in the domain of numbers: memory that stays as it is, with the model's changes kept aside, and a
// hypervisor that answers as a test case says.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_WORLD_H_
#define VMIROM_CONFORMANCE_PROPERTIES_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/hypervisor/request.h"
#include "model/hypervisor/xen.h"
#include "model/state.h"

namespace vmirom {

class ConcreteMemory {
 public:
  // read(address) gives a byte, rights(page) what the guest may do there, as model/guest_memory.h has them.
  ConcreteMemory(std::function<uint8_t(uint32_t)> read, std::function<uint32_t(uint32_t)> rights)
      : read_(std::move(read)), rights_(std::move(rights)) {}

  uint32_t load(uint32_t address, uint32_t bytes) const {
    uint32_t value = 0;
    for (uint32_t i = bytes; i-- > 0;) {
      const auto changed = changes_.find(address + i);
      value = value << 8 | (changed != changes_.end() ? changed->second : read_(address + i));
    }
    return value;
  }
  void store(uint32_t address, uint32_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; ++i, value >>= 8) changes_[address + i] = uint8_t(value);
  }
  uint32_t access(uint32_t page) const { return rights_(page); }
  void touch(uint32_t address, uint32_t bytes) { touched_.push_back({address, bytes}); }
  void granted(uint32_t, uint32_t, bool) {}

  const std::map<uint32_t, uint8_t>& changes() const { return changes_; }
  // Ranges accessed through the guest's pointers.
  const std::vector<std::pair<uint32_t, uint32_t>>& touched() const { return touched_; }

 private:
  std::function<uint8_t(uint32_t)> read_;
  std::function<uint32_t(uint32_t)> rights_;
  std::map<uint32_t, uint8_t> changes_;
  std::vector<std::pair<uint32_t, uint32_t>> touched_;
};

class ConcreteWorld {
 public:
  // What the hypervisor would like to answer, in order, 0 when these run out; it answers so where it may, else -EINVAL.
  ConcreteWorld(const std::vector<uint32_t>& answers, const std::vector<uint64_t>& time_stamps)
      : answers_(answers), time_stamps_(time_stamps) {}

  struct Answered {
    Request<Concrete> request;
    uint32_t answer;
  };

  uint32_t request(State<Concrete>& s, const Request<Concrete>& request) {
    uint32_t answer = requests_.size() < answers_.size() ? answers_[requests_.size()] : 0;
    if (!xen::may_answer<Concrete>(request, answer)) answer = xen::may_answer<Concrete>(request, 0) ? 0 : xen::kEinval;
    xen::apply<Concrete>(request, answer, s.gdt, s.ldt);
    requests_.push_back({request, answer});
    return answer;
  }

  uint64_t time_stamp(size_t n) const { return n < time_stamps_.size() ? time_stamps_[n] : 0; }
  Wide<Concrete> tsc(State<Concrete>&) {
    const uint64_t now = time_stamp(time_stamps_taken_++);
    return {uint32_t(now), uint32_t(now >> 32)};
  }

  void loop(State<Concrete>&, const char*, uint32_t, const std::vector<uint32_t*>&, const std::function<bool()>&,
            const std::function<uint32_t()>&, const std::function<bool()>& body) {
    while (body()) {
    }
  }
  bool hand_over(State<Concrete>&, Part, const std::vector<uint32_t>&) { return false; }

  const std::vector<Answered>& requests() const { return requests_; }

 private:
  const std::vector<uint32_t>& answers_;
  const std::vector<uint64_t>& time_stamps_;
  std::vector<Answered> requests_;
  size_t time_stamps_taken_ = 0;
};

}  // namespace vmirom

#endif  // VMIROM_CONFORMANCE_PROPERTIES_WORLD_H_
