// The guest's IDT as the ROM reads it, and the trap table that the hypervisor reads instead.
#ifndef VMIROM_ROM_FRONTEND_IDT_H_
#define VMIROM_ROM_FRONTEND_IDT_H_

#include <stdint.h>

// Brings the hypervisor's trap table in step with the whole of the guest's IDT: one request, whose result it returns.
int32_t follow_guest_idt();

#endif  // VMIROM_ROM_FRONTEND_IDT_H_
