// What an entry leaves behind for the common way out: an exception to raise, an interrupt to deliver.
#ifndef VMIROM_ROM_FRONTEND_EVENTS_H_
#define VMIROM_ROM_FRONTEND_EVENTS_H_

#include <stdint.h>

#include "rom/frontend/vcpu.h"

// One instruction each: an event that arrives between a load and a store would be lost.
inline void set_work(uint8_t bits) { asm volatile("orb %1, %0" : "+m"(get_cpu().work) : "iq"(bits)); }
inline void clear_work(uint8_t bits) { asm volatile("andb %1, %0" : "+m"(get_cpu().work) : "iq"(uint8_t(~bits))); }

// The call in progress ends with this exception at the guest's call site. The caller has changed nothing and returns.
inline void raise(uint32_t vector, uint32_t error_code) {
  get_cpu().exception = {vector, error_code};
  set_work(VMI_WORK_EXCEPTION);
}

// The same for the fault that a guarded access to guest memory has just reported.
inline void raise_guest_fault() {
  vcpu_t& cpu = get_cpu();
  if (cpu.guest_fault.vector == X86_TRAP_PF) cpu.cr2 = cpu.guest_fault.address;
  raise(cpu.guest_fault.vector, cpu.guest_fault.error_code);
}

#endif  // VMIROM_ROM_FRONTEND_EVENTS_H_
