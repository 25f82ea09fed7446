// The ROM on an engine, held against what the model has asked of the hypervisor.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_LOCKSTEP_H_
#define VMIROM_CONFORMANCE_PROPERTIES_LOCKSTEP_H_

#include <functional>
#include <string>
#include <vector>

#include "conformance/engine/engine.h"
#include "conformance/properties/world.h"

namespace vmirom::conformance {

class Lockstep {
 public:
  // world and end: what the model has done. noise: what is where nothing is specified.
  Lockstep(const Image& image, Memory& memory, Engine& engine, const ConcreteWorld& world, const State<Concrete>& end,
           uint32_t noise)
      : image_(image), memory_(memory), engine_(engine), world_(world), end_(end), noise_(noise) {}

  // Runs from a state until control is the guest's, or something differs. hypervisor_writes(address, dword) is called for
  // what the hypervisor, not the ROM, puts into the ROM's memory.
  void run(Cpu& cpu, const std::function<void(uint32_t, uint32_t)>& hypervisor_writes);

  const std::vector<std::string>& differences() const { return differences_; }
  bool stopped() const { return stopped_; }  // the virtual machine
  // The request that the model makes next and the ROM has not made; empty when there is none.
  std::string next_request() const;

 private:
  enum class Next : uint8_t { kGoesOn, kEnds };
  Next differ(const std::string& what);
  Next take(const Stop& stop, Cpu& cpu, const std::function<void(uint32_t, uint32_t)>& hypervisor_writes);
  Next hypercall(uint32_t number, Cpu& cpu);
  Next fault(const Stop& stop, Cpu& cpu, const std::function<void(uint32_t, uint32_t)>& hypervisor_writes);
  bool leaves_by_iret(const Stop& stop, Cpu& cpu) const;
  uint32_t page_fault_error_code(const Stop& stop, uint32_t eip) const;
  std::string place(uint32_t eip) const;

  const Image& image_;
  Memory& memory_;
  Engine& engine_;
  const ConcreteWorld& world_;
  const State<Concrete>& end_;
  const uint32_t noise_;
  size_t requests_ = 0, time_stamps_ = 0;
  uint32_t esp0_ = 0;
  bool stopped_ = false;
  std::vector<std::string> differences_;
};

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_LOCKSTEP_H_
