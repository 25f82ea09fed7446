// Runs cases: the model first, on the side, then the ROM on an engine, in lockstep with the model's requests; compares the
// two by the same relation that the proofs use.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_HARNESS_H_
#define VMIROM_CONFORMANCE_PROPERTIES_HARNESS_H_

#include <memory>
#include <string>
#include <vector>

#include "conformance/engine/engine.h"
#include "conformance/properties/case.h"
#include "model/relation/relation.h"

namespace vmirom::conformance {

struct Outcome {
  // The state is one in which the call may be made; nothing was run otherwise. Why not, when not.
  bool admissible = true;
  std::string refused;
  // What the ROM did otherwise than the model says; empty when nothing.
  std::vector<std::string> differences;
};

class Harness {
 public:
  // pages: of guest memory; the standard ones when empty.
  Harness(const Image& image, EngineKind kind, const GuestPages& pages = {});
  ~Harness();

  // From a state of its own: everything is as it was afterwards.
  Outcome run(const Case& c);

  // As part of a sequence: from what the case before has left, which begin_sequence sets to a fresh image.
  void begin_sequence();
  Outcome step(const Case& c);

  // The virtual CPU as it is in memory now.
  VirtualCpu<Concrete> vcpu() const;

  // An interrupt request at a PIC line, as an event callback records it.
  void request_interrupt(uint32_t line);

  Engine& engine() { return *engine_; }
  const char* engine_name() const { return engine_->name(); }

 private:
  uint8_t golden(uint32_t address) const;
  void set_golden(uint32_t address, uint8_t value);
  void write_both(uint32_t address, uint32_t value, uint32_t bytes);
  void place(const Case& c);
  void restore(bool to_pristine);
  void compare_memory(const State<Concrete>& s, uint32_t esp0, std::vector<std::string>& differences);
  std::string objection(State<Concrete>& s, const CallInfo* call) const;
  std::string late_objection(const State<Concrete>& s, uint32_t esp0) const;
  ConcreteTable golden_table(const char* name) const;
  uint32_t field(const char* name) const;  // of the virtual CPU, as it is now
  uint32_t work() const { return field("work"); }

  const Image& image_;
  Memory memory_;
  std::unique_ptr<Engine> engine_;
  relation::Layout layout_;
  RomFacts facts_;
  // The writable regions, as they should be and as they were at the start.
  struct Mirror {
    const Region* region;
    std::vector<uint8_t> golden, pristine;
    std::vector<bool> dirty;  // by page: differs from pristine, perhaps
  };
  std::vector<Mirror> mirrors_;
};

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_HARNESS_H_
