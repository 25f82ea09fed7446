// Numbers of the VMI ABI and of the i386 that the ROM's assembly, its C++ and the model share.
//
// Plain macros, because the assembler reads this file too. Sources: "VMI Interface Proposal Documentation for I386"
// (13 March 2006); Intel SDM volume 3 for the processor's; the slots and versions as clients of API 13.x use them.
#ifndef VMIROM_MODEL_ABI_CONSTANTS_H_
#define VMIROM_MODEL_ABI_CONSTANTS_H_

#define VMI_API_MAJOR 13
#define VMI_API_MINOR 3

// The table: slot N at 32 * N from the ROM's start, slots 4 to 87.
#define VMI_SLOT_BYTES 32
#define VMI_FIRST_SLOT 4
#define VMI_LAST_SLOT 87

// Header fields, as offsets from the ROM's start.
#define VMI_HEADER_LENGTH 0x02     // byte, in units of 512
#define VMI_HEADER_ENTRY 0x03      // 4 bytes of 16-bit code
#define VMI_HEADER_SIGNATURE 0x08  // dword
#define VMI_HEADER_MINOR 0x0c      // byte
#define VMI_HEADER_MAJOR 0x0d      // byte
#define VMI_HEADER_PCI 0x18        // word: offset of the PCI header
#define VMI_HEADER_PNP 0x1a        // word: offset of the PnP header
#define VMI_SIGNATURE 0x696d5663   // "cVmi"
#define VMI_ROM_UNIT 512

// Where the ROM is linked and its body lives: below the hypervisor's hole. Guest memory ends here.
#define VMI_WEDGE 0xf5000000

// One trap wrapper for each vector, this far apart.
#define VMI_TRAP_WRAPPER_BYTES 16
// xen_frame_t::frame_id: the processor supplied an error code.
#define VMI_FRAME_HAS_ERROR 0x80000000

// GetRelocationInfo's answers.
#define VMI_RELOCATION_NONE 0
#define VMI_RELOCATION_CALL 1

// vcpu_t::interrupt_flag keeps bits 8 to 15 of an EFLAGS image: the virtual IF is its bit 1.
#define VMI_INTERRUPT_FLAG 0x02
#define VMI_INTERRUPT_FLAG_SHIFT 8

// vcpu_t::work: what an entry has to look at before it returns to the guest.
#define VMI_WORK_INTERRUPT 0x01  // an interrupt controller may have something to deliver
#define VMI_WORK_EXCEPTION 0x02  // the call in progress raises vcpu_t::exception at its call site

// EFLAGS.
#define X86_EFLAGS_CF 0x00000001
#define X86_EFLAGS_FIXED 0x00000002
#define X86_EFLAGS_TF 0x00000100
#define X86_EFLAGS_IF 0x00000200
#define X86_EFLAGS_DF 0x00000400
#define X86_EFLAGS_IOPL 0x00003000
#define X86_EFLAGS_IOPL_SHIFT 12
#define X86_EFLAGS_NT 0x00004000
#define X86_EFLAGS_RF 0x00010000
#define X86_EFLAGS_VM 0x00020000
#define X86_EFLAGS_AC 0x00040000
// CF, PF, AF, ZF, SF, OF: what a call may clobber.
#define X86_EFLAGS_STATUS 0x000008d5

// Exception vectors.
#define X86_TRAP_UD 6
#define X86_TRAP_DF 8
#define X86_TRAP_TS 10
#define X86_TRAP_NP 11
#define X86_TRAP_SS 12
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14

// Vectors for which the processor pushes an error code: 8, 10 to 14, 17.
#define X86_TRAPS_WITH_ERROR 0x00027d00
// Vectors below this are the processor's own exceptions; a trap gate above may be wired straight to the guest.
#define X86_FIRST_SOFTWARE_VECTOR 20

// Error code bits.
#define X86_ERROR_EXTERNAL 1
#define X86_ERROR_IDT 2
#define X86_PF_PRESENT 1
#define X86_PF_WRITE 2

// MSRs.
#define MSR_IA32_TSC 0x10
#define MSR_IA32_APIC_BASE 0x1b
#define MSR_IA32_SYSENTER_CS 0x174
#define MSR_IA32_SYSENTER_ESP 0x175
#define MSR_IA32_SYSENTER_EIP 0x176
#define MSR_EFER 0xc0000080

#define MSR_APIC_BASE_BSP 0x00000100
#define MSR_APIC_BASE_ENABLE 0x00000800
// Reserved in IA32_APIC_BASE for 36 physical address bits and no x2APIC.
#define MSR_APIC_BASE_RESERVED_LOW 0x000006ff
#define MSR_APIC_BASE_RESERVED_HIGH 0xfffffff0
// The bits of EFER that a 32-bit guest has: SCE and NXE.
#define MSR_EFER_VALID 0x00000801

// Tables.
#define X86_GATES 256
#define X86_DESCRIPTOR_BYTES 8
// Xen keeps GDT entries from here on for itself; an LDT may be full size.
#define XEN_GDT_ENTRIES 7168
#define X86_LDT_ENTRIES 8192
#define XEN_GDT_FRAMES 14
#define X86_LDT_FRAMES 16

#define VMI_PAGE_BYTES 4096

#endif  // VMIROM_MODEL_ABI_CONSTANTS_H_
