// The virtual 8259A pair: which request it grants next, and what an acknowledge cycle does.
//
// Source: Intel 8259A data sheet (231468), "Interrupt Sequence", "Fully Nested Mode", "Special Mask Mode".
#ifndef VMIROM_ROM_FRONTEND_PIC_H_
#define VMIROM_ROM_FRONTEND_PIC_H_

#include <stdint.h>

#include "rom/frontend/vcpu.h"

// True while the master's INT output is high.
bool pic_interrupts(const vcpu_t& cpu);

// The acknowledge cycle that a processor answers INT with: the granted request goes into service (unless automatic EOI)
// and its vector is returned. Only while pic_interrupts().
uint32_t pic_acknowledge(vcpu_t& cpu);

#endif  // VMIROM_ROM_FRONTEND_PIC_H_
