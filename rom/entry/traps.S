// Trap wrappers: what the hypervisor enters, one for every vector.
#include "model/abi/constants.h"

    .text

// Completes the hypervisor's frame to a xen_frame_t up to the saved registers.
.macro trap_wrapper vector
    .org trap_wrappers - trap_section + VMI_TRAP_WRAPPER_BYTES * \vector, 0xcc
    .if (X86_TRAPS_WITH_ERROR >> (\vector & 31)) & (\vector < 32) & 1
    sub $4, %esp
    push $(VMI_FRAME_HAS_ERROR | \vector)
    .else
    sub $8, %esp
    push $\vector
    .endif
    jmp trap_common
.endm

    .section .text.traps, "ax"
trap_section:
    .balign 16
    .globl trap_wrappers
    .type trap_wrappers, @function
trap_wrappers:
    .set vector, 0
    .rept X86_GATES
    trap_wrapper vector
    .set vector, vector + 1
    .endr
    .org trap_wrappers - trap_section + VMI_TRAP_WRAPPER_BYTES * X86_GATES, 0xcc
    .size trap_wrappers, . - trap_wrappers

    .globl trap_common
    .type trap_common, @function
trap_common:
    push %edi
    push %esi
    push %ebp
    push %ebx
    push %edx
    push %ecx
    push %eax
    // The interrupted code's DS may hold anything; trap() keeps EBX.
    mov %ds, %ebx
    mov %ss:vcpu.flat_ds, %ecx
    mov %ecx, %ds
    mov %esp, %eax
    call trap
trap_common.ds:
    mov %ebx, %ds
    pop %eax
    pop %ecx
    pop %edx
    pop %ebx
    // EBP, ESI, EDI are as they were; drop them with the frame id, the fault address and the error code.
    add $24, %esp
    iret

trap_common.null_ds:
    xor %ebx, %ebx
    jmp trap_common.ds
    .size trap_common, . - trap_common

    .section .vmi_exceptions, "a"
    .long trap_common.ds, trap_common.null_ds
