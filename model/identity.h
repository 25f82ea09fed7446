// Model-specific registers: those of a 32-bit processor without PAT, MTRRs and machine check. Anything else, and any
// reserved bit, is #GP(0) at the guest's call site.
//
// Sources: the VMI 2.0 text (WRMSR, RDMSR); Intel SDM volume 4; AMD APM volume 2, section 3.1.7 (EFER).
#ifndef VMIROM_MODEL_IDENTITY_H_
#define VMIROM_MODEL_IDENTITY_H_

#include "model/exceptions.h"
#include "model/transitions.h"

namespace vmirom::model {

template <class D>
void RDMSR(State<D>& s) {
  using Word = typename D::Word;
  const Word index = s.cpu.ecx;
  Wide<D> value;
  if (index == Word(MSR_IA32_TSC)) {
    value = s.world.tsc(s) + s.vcpu.tsc_offset;
  } else if (index == Word(MSR_IA32_APIC_BASE)) {
    value = s.vcpu.apic_base;
  } else if (index == Word(MSR_IA32_SYSENTER_CS)) {
    value = {s.vcpu.sysenter_cs, 0};
  } else if (index == Word(MSR_IA32_SYSENTER_ESP)) {
    value = {s.vcpu.sysenter_esp, 0};
  } else if (index == Word(MSR_IA32_SYSENTER_EIP)) {
    value = {s.vcpu.sysenter_eip, 0};
  } else if (index == Word(MSR_EFER)) {
    value = s.vcpu.efer;
  } else {
    return raise<D>(s, X86_TRAP_GP, 0), leave<D>(s);
  }
  s.cpu.eax = value.low;
  s.cpu.edx = value.high;
  leave<D>(s);
}

template <class D>
void WRMSR(State<D>& s) {
  using Word = typename D::Word;
  const Word index = s.cpu.ecx;
  const Wide<D> value{s.cpu.eax, s.cpu.edx};
  const auto none = [](Word bits) { return bits == Word(0); };
  if (index == Word(MSR_IA32_TSC)) {
    s.vcpu.tsc_offset = value - s.world.tsc(s);
  } else if ((index == Word(MSR_IA32_APIC_BASE)) & none(value.low & MSR_APIC_BASE_RESERVED_LOW) &
             none(value.high & MSR_APIC_BASE_RESERVED_HIGH)) {
    // Which processor bootstraps is not the guest's to choose.
    s.vcpu.apic_base = {(value.low & ~uint32_t(MSR_APIC_BASE_BSP)) | (s.vcpu.apic_base.low & MSR_APIC_BASE_BSP), value.high};
  } else if (index == Word(MSR_IA32_SYSENTER_CS)) {
    s.vcpu.sysenter_cs = value.low;
  } else if (index == Word(MSR_IA32_SYSENTER_ESP)) {
    s.vcpu.sysenter_esp = value.low;
  } else if (index == Word(MSR_IA32_SYSENTER_EIP)) {
    s.vcpu.sysenter_eip = value.low;
  } else if ((index == Word(MSR_EFER)) & none(value.low & ~uint32_t(MSR_EFER_VALID)) & none(value.high)) {
    s.vcpu.efer = value;
  } else {
    raise<D>(s, X86_TRAP_GP, 0);
  }
  leave<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_IDENTITY_H_
