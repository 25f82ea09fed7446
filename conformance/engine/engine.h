// Runs ROM code until it needs someone else: the guest, the hypervisor, or a fault handler.
#ifndef VMIROM_CONFORMANCE_ENGINE_ENGINE_H_
#define VMIROM_CONFORMANCE_ENGINE_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conformance/engine/memory.h"
#include "model/domain/concrete.h"
#include "model/state.h"
#include "rom/image/image.h"

namespace vmirom::conformance {

using Cpu = Registers<Concrete>;

// Segments that both engines have: flat code and data as Linux gives them to 32-bit processes, and a data segment that is
// not flat.
inline constexpr uint32_t kFlatCode = 0x23;
inline constexpr uint32_t kFlatData = 0x2b;
inline constexpr uint32_t kOtherData = 0x63;
inline constexpr uint32_t kOtherDataLow = 0x10000fff;  // base 0x00401000, limit 0xfff, byte granular
inline constexpr uint32_t kOtherDataHigh = 0x0040f340;

enum class StopKind : uint8_t {
  kLeft,       // EIP is outside the ROM's code
  kHypercall,  // EIP is in the hypercall page, the return address on the stack
  kFault,      // EIP is at the instruction
  kTimeStamp,  // EIP is at an RDTSC
  kRunaway,    // it does not end
};

struct Stop {
  StopKind kind = StopKind::kRunaway;
  uint32_t hypercall = 0;   // its number
  uint32_t vector = 0;      // of a fault
  uint32_t error_code = 0;  // of a fault other than #PF: the harness knows its pages' rights
  uint32_t address = 0;     // of a page fault: the first byte that has no access
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const char* name() const = 0;

  // Runs from a state to the next stop. SS and CS must be the flat ones.
  virtual Stop run(Cpu& cpu) = 0;
};

enum class EngineKind : uint8_t { kProcessor, kUnicorn };

// Throws EngineError when this machine cannot.
std::unique_ptr<Engine> make_engine(EngineKind kind, const Image& image, Memory& memory);

const char* name_of(EngineKind kind);  // "processor", "unicorn"

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_ENGINE_ENGINE_H_
