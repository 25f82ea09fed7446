// The common way out of an entry that has something for the guest.
#include "model/abi/constants.h"

// ESP points at the return address; every register is the guest's. Leaves through IRET: into the guest's handler with the
// interrupt frame on its stack, or back to the caller when there is nothing to deliver after all.
    .text
    .globl deliver
    .type deliver, @function
deliver:
    pushf
    // exit_frame_t: room for EIP and error code, and for the handler's EIP, CS and EFLAGS.
    sub $20, %esp
    push %eax
    push %ecx
    push %edx
    push %ds
    push %es
    // C++ needs DF clear, and the IRET below must not find NT set.
    push $X86_EFLAGS_FIXED
    popf
    mov %ss:vcpu.flat_ds, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %esp, %eax
    call deliver_to_guest
    .globl deliver.return
deliver.return:
    mov %eax, %esp
deliver.es:
    pop %es
deliver.ds:
    pop %ds
    pop %edx
    pop %ecx
    pop %eax
    iret

// The guest's selector no longer loads: its table changed under it. The processor would keep the old segment; null is the
// nearest that can be had.
deliver.null_es:
    movl $0, (%esp)
    jmp deliver.es
deliver.null_ds:
    movl $0, (%esp)
    jmp deliver.ds
    .size deliver, . - deliver

    .section .vmi_exceptions, "a"
    .long deliver.es, deliver.null_es
    .long deliver.ds, deliver.null_ds
