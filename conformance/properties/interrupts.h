// The virtual interrupt flag. What may be pending is part of every case.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_INTERRUPTS_H_
#define VMIROM_CONFORMANCE_PROPERTIES_INTERRUPTS_H_

#include "conformance/properties/random.h"

namespace vmirom::conformance::arrange {

inline void EnableInterrupts(Random&, Case&) {}
inline void DisableInterrupts(Random&, Case&) {}
inline void GetInterruptMask(Random&, Case&) {}
inline void SetInterruptMask(Random& r, Case& c) {
  c.cpu.eax = r.one_in(2) ? r.pick({0, X86_EFLAGS_IF, ~uint32_t{X86_EFLAGS_IF}}) : r.word();
}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_INTERRUPTS_H_
