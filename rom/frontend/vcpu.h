// The virtual CPU: what the guest believes its processor holds, and what the ROM must remember about it.
//
// It lives at a fixed address in the wedge, in a page that each virtual processor maps for itself, so that get_cpu() is a
// constant also with more than one processor. Assembly reaches fields through the symbols vcpu.<field> that vcpu.cc
// defines with the compiler's own offsets.
#ifndef VMIROM_ROM_FRONTEND_VCPU_H_
#define VMIROM_ROM_FRONTEND_VCPU_H_

#include <stdint.h>

#include "model/abi/constants.h"

// A base and limit as LGDT, LIDT and LLDT load them.
struct table_register_t {
  uint32_t base;
  uint32_t limit;
};

// One 8259A. Names are the data sheet's.
struct pic_t {
  volatile uint8_t irr;     // interrupt request register; the event callback sets bits with one instruction
  uint8_t isr;              // in-service register
  uint8_t imr;              // interrupt mask register
  uint8_t vector_base;      // ICW2: T7 to T3, low three bits 0
  uint8_t lowest_priority;  // the IR level that ranks last; 7 unless rotated
  uint8_t auto_eoi;         // ICW4.AEOI: 0 or 1
  uint8_t special_mask;     // OCW3 special mask mode: 0 or 1
  uint8_t reserved;
};

// An exception on its way to the guest.
struct exception_t {
  uint32_t vector;
  uint32_t error_code;
};

// Where a guarded access to guest memory faulted.
struct guest_fault_t {
  uint32_t vector;
  uint32_t error_code;
  uint32_t address;
};

struct vcpu_t {
  // Each of these is loaded with the width it is stored with, one byte, so that stores forward to loads.
  volatile uint8_t interrupt_flag;  // bits 8 to 15 of EFLAGS as the guest last set them: VMI_INTERRUPT_FLAG is the virtual IF
  volatile uint8_t work;            // VMI_WORK_*
  uint8_t initialised;              // 1 after the first successful Init
  uint8_t iopl;                     // virtual IOPL, 0 to 3

  uint32_t cr0;
  uint32_t cr2;
  uint32_t cr3;
  uint32_t cr4;

  table_register_t gdtr;
  table_register_t idtr;
  table_register_t ldt;
  uint16_t ldtr;
  uint16_t tr;
  uint32_t gdt_entries;  // entries of the guest's GDT that Xen's copy holds
  uint32_t ldt_entries;

  uint32_t esp0;  // the kernel stack for entries from user mode
  uint32_t ss0;

  uint64_t tsc_offset;  // what the guest's TSC is ahead of the processor's
  uint64_t apic_base;
  uint64_t efer;
  uint32_t sysenter_cs;
  uint32_t sysenter_esp;
  uint32_t sysenter_eip;

  // Flat segments that Xen provides whatever the guest's GDT holds, as they were at Init.
  uint32_t flat_cs;
  uint32_t flat_ds;

  pic_t pic[2];  // master, slave on the master's IR2

  exception_t exception;
  guest_fault_t guest_fault;
};

extern "C" vcpu_t vcpu;

inline vcpu_t& get_cpu() { return vcpu; }

#endif  // VMIROM_ROM_FRONTEND_VCPU_H_
