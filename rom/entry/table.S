// The ROM as a guest finds it: header, call table, PCI and PnP headers. Position-independent but for .vmi_patchups.
//
// Sources: the VMI texts for the header; PCI Firmware Specification 3.0, section 5.1 (PCIR); Plug and Play BIOS
// Specification 1.0A, section 3.2 ($PnP). Length and checksums are filled in by rom/image/finalise.
#include "rom/entry/macros.inc"

#include "rom/entry/control.inc"
#include "rom/entry/descriptors.inc"
#include "rom/entry/init.inc"
#include "rom/entry/interrupts.inc"
#include "rom/entry/port_io.inc"
#include "rom/entry/power.inc"

    .section .vmi_relocation_types, "a"
vmi_relocation_types_begin:

    .section .vmi_rom, "ax"
    .globl vmi_rom
vmi_rom:
    .word 0xaa55
    .byte 0
    // The BIOS calls offset 3 in real mode: a far return.
    .byte 0xcb, 0, 0, 0
    .byte 0
    .long VMI_SIGNATURE
    .byte VMI_API_MINOR, VMI_API_MAJOR
    .org VMI_HEADER_PCI
    .word pci_header - vmi_rom
    .word pnp_header - vmi_rom
    .org VMI_SLOT_BYTES * VMI_FIRST_SLOT

#define CALL(name, number, number_3, family, stub, ...) slot name, number, stub
#include "model/abi/calls.def"
#undef CALL

    .org VMI_SLOT_BYTES * (VMI_LAST_SLOT + 1), 0xcc
    .globl vmi_rom_end
vmi_rom_end:

    .balign 4
pci_header:
    .ascii "PCIR"
    // The identity that 3.0 clients look for.
    .word 0x15ad, 0x0801
    .word 0
    .word 24
    .byte 0
    .byte 0, 0, 0xff
    .globl pci_header_units
pci_header_units:
    .word 0
    .word 1
    .byte 0
    .byte 0x80
    .word 0

    .balign 16
    .globl pnp_header
pnp_header:
    .ascii "$PnP"
    .byte 1
    .byte 2
    .word 0
    .byte 0
    .globl pnp_header_checksum
pnp_header_checksum:
    .byte 0
    .long 0
    .word manufacturer - vmi_rom
    .word product - vmi_rom
    .byte 0xff, 0, 0
    .byte 0
    .word 0, 0, 0, 0, 0
    .org pnp_header - vmi_rom + 32

manufacturer:
    .asciz "vmirom"
product:
    .asciz "vmi-xen"
    .globl vmi_licence
vmi_licence:
    .asciz "GPL v2"

    .globl vmi_rom_checksum
vmi_rom_checksum:
    .byte 0
    .balign VMI_ROM_UNIT, 0
    .globl vmi_rom_image_end
vmi_rom_image_end:

    // GetRelocationInfo's answer for each slot.
    .section .vmi_relocation_types, "a"
    .globl vmi_relocation_types
    .type vmi_relocation_types, @object
    .set vmi_relocation_types, vmi_relocation_types_begin
    .org VMI_LAST_SLOT + 1
    .size vmi_relocation_types, VMI_LAST_SLOT + 1

#ifdef VMI_COUNT_CALLS
    .data
    .balign 4
    .globl vmi_call_counters
vmi_call_counters:
    .skip 4 * (VMI_LAST_SLOT + 1)
#endif
