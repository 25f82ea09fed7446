// The way into 32-bit code and back; processor.cc copies it to ISA_GATE and calls it there.
//
// Source: AMD64 manual volume 2, section 1.3: a far transfer to a code segment without the L bit enters compatibility mode.
#include "conformance/isa/layout.h"

    .section .rodata
    .globl isa_gate_begin, isa_gate_end, isa_gate_enter_32, isa_gate_leave_32, isa_gate_leave_64

isa_gate_begin:
    .code64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushfq
    mov %rsp, ISA_RSP
    mov $ISA_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    ljmp *ISA_ENTRY

    .code32
isa_gate_enter_32:
    mov $ISA_IN, %esp
    popal
    popfl
    mov ISA_IN_ESP, %esp
    jmp *ISA_CODE_POINTER

// DS may hold a null selector by now; SS never does. Nothing here changes a flag before PUSHF.
isa_gate_leave_32:
    mov %esp, %ss:ISA_OUT_ESP
    mov %es, %ss:ISA_OUT_SELECTORS
    mov %cs, %ss:ISA_OUT_SELECTORS + 4
    mov %ss, %ss:ISA_OUT_SELECTORS + 8
    mov %ds, %ss:ISA_OUT_SELECTORS + 12
    mov %fs, %ss:ISA_OUT_SELECTORS + 16
    mov %gs, %ss:ISA_OUT_SELECTORS + 20
    mov $(ISA_OUT + ISA_SAVED_BYTES), %esp
    pushfl
    pushal
    ljmp $ISA_CODE_64, $(ISA_GATE + (isa_gate_leave_64 - isa_gate_begin))

    .code64
isa_gate_leave_64:
    mov ISA_RSP, %rsp
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %gs
    mov %fs, %eax
    test %eax, %eax
    jz 1f
    // FS was loaded, and the base of the thread's own storage with it is gone: arch_prctl(ARCH_SET_FS).
    mov $158, %eax
    mov $0x1002, %edi
    mov ISA_FS_BASE, %rsi
    syscall
1:
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
isa_gate_end:

    .section .note.GNU-stack, "", @progbits
