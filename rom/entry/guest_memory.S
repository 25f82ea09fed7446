// The only instructions that touch guest memory. Each is listed in the exception table with the place to go on at when it
// faults. Addresses come in EAX, values in EDX; see rom/frontend/guest_memory.h for results.

    .text

// A load of the given width: the value in EAX, 0 or 1 in EDX.
.macro guest_load name:req, insn:req
    .globl \name
    .type \name, @function
\name:
    xor %edx, %edx
1:  \insn (%eax), %eax
    ret
2:  mov $1, %edx
    ret
    .size \name, . - \name
    .pushsection .vmi_exceptions, "a"
    .long 1b, 2b
    .popsection
.endm

// A store: 0 or 1 in EAX.
.macro guest_store name:req, insn:req
    .globl \name
    .type \name, @function
\name:
1:  \insn, (%eax)
    xor %eax, %eax
    ret
2:  mov $1, %eax
    ret
    .size \name, . - \name
    .pushsection .vmi_exceptions, "a"
    .long 1b, 2b
    .popsection
.endm

    guest_load guest_load16, movzwl
    guest_load guest_load32, mov
    guest_store guest_store16, "mov %dx"
    guest_store guest_store32, "mov %edx"
    guest_store guest_or8, "lock orb %dl"
