// Model-specific registers: those there are, those there are not, and values with reserved bits.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_IDENTITY_H_
#define VMIROM_CONFORMANCE_PROPERTIES_IDENTITY_H_

#include "conformance/properties/random.h"

namespace vmirom::conformance::arrange {

inline void RDMSR(Random& r, Case& c) {
  c.cpu.ecx = r.one_in(8) ? r.word()
                          : r.pick({MSR_IA32_TSC, MSR_IA32_APIC_BASE, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
                                    MSR_IA32_SYSENTER_EIP, MSR_EFER});
  c.time_stamps = {r.next() >> r.below(64)};
}

inline void WRMSR(Random& r, Case& c) {
  RDMSR(r, c);
  if (r.one_in(2)) c.cpu.edx = 0;
  if (r.one_in(2)) c.cpu.eax &= c.cpu.ecx == MSR_EFER ? MSR_EFER_VALID : ~uint32_t{MSR_APIC_BASE_RESERVED_LOW};
}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_IDENTITY_H_
