#include "rom/frontend/vcpu.h"

#include <stddef.h>

// The state a processor comes out of reset with, protected mode and paging on as a VMI guest starts.
extern "C" {
[[gnu::section(".vcpu.state")]] vcpu_t vcpu = {
    .interrupt_flag = 0,
    .work = 0,
    .initialised = 0,
    .iopl = 0,
    .cr0 = 0x80050033,  // PG, AM, WP, NE, ET, MP, PE
    .cr2 = 0,
    .cr3 = 0,
    .cr4 = 0,
    .gdtr = {0, 0},
    .idtr = {0, 0},
    .ldt = {0, 0},
    .ldtr = 0,
    .tr = 0,
    .gdt_entries = 0,
    .ldt_entries = 0,
    .esp0 = 0,
    .ss0 = 0,
    .tsc_offset = 0,
    .apic_base = 0xfee00000 | MSR_APIC_BASE_ENABLE | MSR_APIC_BASE_BSP,
    .efer = 0,
    .sysenter_cs = 0,
    .sysenter_esp = 0,
    .sysenter_eip = 0,
    .flat_cs = 0,
    .flat_ds = 0,
    .pic = {{0, 0, 0xff, 0x08, 7, 0, 0, 0}, {0, 0, 0xff, 0x70, 7, 0, 0, 0}},
    .exception = {0, 0},
    .guest_fault = {0, 0, 0},
};
}

// The names by which assembly reaches fields. The compiler computes the offsets, so none is typed; proofs/layout holds
// every symbol vcpu.<field> against the image's debug information all the same.
#define VCPU_FIELD(field)                                                  \
  asm(".globl vcpu." #field "\n.set vcpu." #field ", vcpu + %c0" : : "i"(offsetof(vcpu_t, field)))

[[gnu::used]] static void name_fields_for_assembly() {
  VCPU_FIELD(interrupt_flag);
  VCPU_FIELD(work);
  VCPU_FIELD(cr0);
  VCPU_FIELD(cr2);
  VCPU_FIELD(cr3);
  VCPU_FIELD(cr4);
  VCPU_FIELD(ldtr);
  VCPU_FIELD(tr);
  VCPU_FIELD(flat_ds);
}
