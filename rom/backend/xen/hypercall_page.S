// The hypercall page as it is before, or without, the hypervisor writing its own: entry n at 32 * n.
//
// Source: Xen public headers, arch-x86/xen-x86_32.h. The iret hypercall takes its frame at ESP and EAX on top of it.
#include "rom/backend/xen/interface.h"

    .section .hypercall_page, "ax"
    .balign 4096
    .globl hypercall_page
    .type hypercall_page, @object
hypercall_page:
    .set number, 0
    .rept 128
    .org 32 * number, 0xcc
    .if number == __HYPERVISOR_iret
    push %eax
    mov $number, %eax
    int $0x82
    .else
    mov $number, %eax
    int $0x82
    ret
    .endif
    .set number, number + 1
    .endr
    .org 4096, 0xcc
    .size hypercall_page, . - hypercall_page
