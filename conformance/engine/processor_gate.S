// Between the 64-bit harness and 32-bit ROM code on the same processor.
//
// Source: Intel SDM volume 3, section 5.8.1 (far transfers between compatibility and 64-bit mode). The code between
// gate_code and gate_code_end is copied to GATE_PAGE: the far jump back to 64-bit mode has a 32-bit target.
#include "conformance/engine/gate.h"

    .text
    .code64

// void enter_rom(): runs with the registers in GATE_DATA until something ends it, and leaves the registers there.
    .globl enter_rom
    .type enter_rom, @function
enter_rom:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov $GATE_DATA, %ebp
    mov %rsp, GATE_RSP(%rbp)
    rdfsbase %rax
    mov %rax, GATE_FS_BASE(%rbp)
    rdgsbase %rax
    mov %rax, GATE_GS_BASE(%rbp)
    movl $1, GATE_RUNNING(%rbp)
    // From here on there is no thread-local storage. Loading a null selector costs as much as any: the harness's are null.
    mov GATE_FS(%rbp), %eax
    or GATE_GS(%rbp), %eax
    je 1f
    mov GATE_FS(%rbp), %fs
    mov GATE_GS(%rbp), %gs
1:  ljmp *GATE_ENTRY(%rbp)
    .size enter_rom, . - enter_rom

// The handler that the kernel enters in 64-bit mode with whatever segments the ROM had loaded. handle_signal says whether
// the ROM goes on.
    .globl signal_gate
    .type signal_gate, @function
signal_gate:
    mov $GATE_DATA, %eax
    cmpl $0, GATE_RUNNING(%rax)
    je handle_signal
    mov %es, GATE_SIGNAL_ES(%rax)
    mov %ds, GATE_SIGNAL_DS(%rax)
    mov %fs, GATE_SIGNAL_FS(%rax)
    mov %gs, GATE_SIGNAL_GS(%rax)
    rdfsbase %rcx
    mov %rcx, GATE_SIGNAL_FS_BASE(%rax)
    rdgsbase %rcx
    mov %rcx, GATE_SIGNAL_GS_BASE(%rax)
    xor %ecx, %ecx
    mov %ecx, %fs
    mov %ecx, %gs
    mov GATE_FS_BASE(%rax), %rcx
    wrfsbase %rcx
    mov GATE_GS_BASE(%rax), %rcx
    wrgsbase %rcx
    sub $8, %rsp
    call handle_signal
    add $8, %rsp
    test %eax, %eax
    je 1f
    mov $GATE_DATA, %eax
    mov GATE_SIGNAL_FS(%rax), %fs
    mov GATE_SIGNAL_GS(%rax), %gs
    mov GATE_SIGNAL_FS_BASE(%rax), %rcx
    wrfsbase %rcx
    mov GATE_SIGNAL_GS_BASE(%rax), %rcx
    wrgsbase %rcx
1:  ret
    .size signal_gate, . - signal_gate

    .globl gate_code, gate_code_end, gate_in, gate_exit, gate_back
gate_code:
    .code32
gate_in:
    mov GATE_ES(%ebp), %es
    mov GATE_DS(%ebp), %ds
    mov $GATE_STACK, %esp
    pushl GATE_EFLAGS(%ebp)
    popf
    mov GATE_EAX(%ebp), %eax
    mov GATE_ECX(%ebp), %ecx
    mov GATE_EDX(%ebp), %edx
    mov GATE_EBX(%ebp), %ebx
    mov GATE_ESI(%ebp), %esi
    mov GATE_EDI(%ebp), %edi
    mov GATE_ESP(%ebp), %esp
    mov GATE_EBP(%ebp), %ebp
    jmp *%ss:GATE_DATA + GATE_EIP

// Out of 32-bit code: the reason is known, everything else is as the ROM left it.
gate_exit:
    mov %eax, %ss:GATE_DATA + GATE_EAX
    mov %ecx, %ss:GATE_DATA + GATE_ECX
    mov %edx, %ss:GATE_DATA + GATE_EDX
    mov %ebx, %ss:GATE_DATA + GATE_EBX
    mov %esp, %ss:GATE_DATA + GATE_ESP
    mov %ebp, %ss:GATE_DATA + GATE_EBP
    mov %esi, %ss:GATE_DATA + GATE_ESI
    mov %edi, %ss:GATE_DATA + GATE_EDI
    mov $GATE_STACK, %esp
    pushf
    popl %ss:GATE_DATA + GATE_EFLAGS
    mov %es, %ss:GATE_DATA + GATE_ES
    mov %cs, %ss:GATE_DATA + GATE_CS
    mov %ss, %ss:GATE_DATA + GATE_SS
    mov %ds, %ss:GATE_DATA + GATE_DS
    mov %fs, %ss:GATE_DATA + GATE_FS
    mov %gs, %ss:GATE_DATA + GATE_GS
    ljmp $0x33, $(GATE_PAGE + gate_back - gate_code)

    .code64
gate_back:
    mov $GATE_DATA, %eax
    mov GATE_RSP(%rax), %rsp
    // 64-bit code does not look at DS and ES.
    mov GATE_FS(%rax), %ecx
    or GATE_GS(%rax), %ecx
    je 2f
    xor %ecx, %ecx
    mov %ecx, %fs
    mov %ecx, %gs
2:  mov GATE_FS_BASE(%rax), %rcx
    wrfsbase %rcx
    mov GATE_GS_BASE(%rax), %rcx
    wrgsbase %rcx
    movl $0, GATE_RUNNING(%rax)
    pushq $0x202
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .org gate_code + GATE_RETURN
    .code32
    movl $GATE_REASON_RETURN, %ss:GATE_DATA + GATE_REASON
    jmp gate_exit
gate_code_end:

// An entry of the hypercall page; the number is filled in.
    .globl gate_hypercall, gate_hypercall_end
gate_hypercall:
    movl $0x12345678, %ss:GATE_DATA + GATE_NUMBER
    movl $GATE_REASON_HYPERCALL, %ss:GATE_DATA + GATE_REASON
    jmp *%ss:GATE_DATA + GATE_EXIT
gate_hypercall_end:

    .section .note.GNU-stack, "", @progbits
