// Model-specific registers. The guest has those a 32-bit processor without PAT, MTRRs and machine check has; any other
// index, and any reserved bit, is #GP(0) at the guest's call site.
//
// Sources: Intel SDM volume 4 (MSRs), volume 3 section 11.4.4 (IA32_APIC_BASE).
#include "rom/frontend/boundary.h"
#include "rom/frontend/events.h"

namespace {

uint64_t processor_tsc() {
  uint64_t tsc;
  asm volatile("rdtsc" : "=A"(tsc));
  return tsc;
}

}  // namespace

VMI_EXT(RDMSR) {
  const vcpu_t& cpu = get_cpu();
  uint64_t value;
  switch (frame->ecx) {
    case MSR_IA32_TSC:
      value = processor_tsc() + cpu.tsc_offset;
      break;
    case MSR_IA32_APIC_BASE:
      value = cpu.apic_base;
      break;
    case MSR_IA32_SYSENTER_CS:
      value = cpu.sysenter_cs;
      break;
    case MSR_IA32_SYSENTER_ESP:
      value = cpu.sysenter_esp;
      break;
    case MSR_IA32_SYSENTER_EIP:
      value = cpu.sysenter_eip;
      break;
    case MSR_EFER:
      value = cpu.efer;
      break;
    default:
      return raise(X86_TRAP_GP, 0);
  }
  frame->eax = uint32_t(value);
  frame->edx = uint32_t(value >> 32);
}

VMI_EXT(WRMSR) {
  vcpu_t& cpu = get_cpu();
  const uint32_t low = frame->eax, high = frame->edx;
  const uint64_t value = uint64_t(high) << 32 | low;
  switch (frame->ecx) {
    case MSR_IA32_TSC:
      cpu.tsc_offset = value - processor_tsc();
      return;
    case MSR_IA32_APIC_BASE:
      if ((low & MSR_APIC_BASE_RESERVED_LOW) || (high & MSR_APIC_BASE_RESERVED_HIGH)) break;
      // Which processor bootstraps is not the guest's to choose.
      cpu.apic_base = (value & ~uint64_t(MSR_APIC_BASE_BSP)) | (cpu.apic_base & MSR_APIC_BASE_BSP);
      return;
    // The registers are 32 bits wide; what is written above them is dropped.
    case MSR_IA32_SYSENTER_CS:
      cpu.sysenter_cs = low;
      return;
    case MSR_IA32_SYSENTER_ESP:
      cpu.sysenter_esp = low;
      return;
    case MSR_IA32_SYSENTER_EIP:
      cpu.sysenter_eip = low;
      return;
    case MSR_EFER:
      if ((low & ~uint32_t(MSR_EFER_VALID)) || high) break;
      cpu.efer = low;
      return;
  }
  raise(X86_TRAP_GP, 0);
}
