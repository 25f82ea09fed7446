"""The faults that the proofs must find: each breaks the ROM in one place and names the obligation that is refuted.

A fault that changes a source names the text it replaces, which must be there exactly `times` times: a source that moves on
takes its faults along or stops the build. Faults that no source can have, since the assembler or the finaliser would stop
them, are bytes of the finished image.

`entries` are those that are proved against the broken image, as the manifest names them; one of them must refute the
obligation. Obligations named `image:...` are about the image as a whole.

Faults that no obligation notices yet are listed too, with obligation `none` and the reason: each of their entries must be
proved, so that the day something refutes one it has to move up.
"""

def fault(name, file, find, replacement, obligation, entries = [], times = 1):
    return struct(
        kind = "source",
        name = name,
        file = file,
        find = find,
        replacement = replacement,
        times = times,
        entries = entries,
        obligation = obligation,
    )

def byte_fault(name, symbol, offset, old, new, obligation, entries = [], keep_sum = False):
    return struct(
        kind = "bytes",
        name = name,
        symbol = symbol,
        offset = offset,
        old = old,
        new = new,
        keep_sum = keep_sum,
        entries = entries,
        obligation = obligation,
    )

_MACROS = "rom/entry/macros.inc"
_CONTROL = "rom/entry/control.inc"
_INTERRUPTS = "rom/entry/interrupts.inc"
_TRAPS_S = "rom/entry/traps.S"
_DELIVER_S = "rom/entry/deliver.S"
_GUEST_MEMORY_S = "rom/entry/guest_memory.S"
_GUEST_MEMORY = "rom/frontend/guest_memory.cc"
_DELIVER = "rom/frontend/deliver.cc"
_VCPU = "rom/frontend/vcpu.cc"
_DESCRIPTORS = "rom/frontend/descriptors.cc"
_IDENTITY = "rom/frontend/identity.cc"
_PIC = "rom/frontend/pic.cc"
_XEN = "rom/backend/xen/xen.cc"

# vcpu.cr4 at cr3's offset.
_OTHER_FIELD = "asm(\".globl vcpu.cr4\\n.set vcpu.cr4, vcpu + %c0\" : : \"i\"(offsetof(vcpu_t, cr3)));"

_STUBS = [
    fault(
        name = "boundary-pops-swapped",
        file = _MACROS,
        find = "    pop %ecx\n    pop %eax\n",
        replacement = "    pop %eax\n    pop %ecx\n",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "boundary-frame-pointer-not-popped",
        file = _MACROS,
        find = "    pop %edx\n    pop %edx\n",
        replacement = "    pop %edx\n",
        entries = ["RDMSR"],
        obligation = "stack",
    ),
    fault(
        name = "boundary-frame-off-by-four",
        file = _MACROS,
        find = "subl $8, (%esp)",
        replacement = "subl $4, (%esp)",
        entries = ["RDMSR"],
        obligation = "refinement",
    ),
    fault(
        name = "fast-stub-clobbers-ebx",
        file = _CONTROL,
        find = "    mov vcpu.cr0, %eax\n",
        replacement = "    mov vcpu.cr0, %ebx\n    mov %ebx, %eax\n",
        entries = ["GetCR0"],
        obligation = "refinement",
    ),
    fault(
        name = "fast-stub-reads-the-next-field",
        file = _CONTROL,
        find = "mov vcpu.cr3, %eax",
        replacement = "mov vcpu.cr3 + 4, %eax",
        entries = ["GetCR3"],
        obligation = "refinement",
    ),
    fault(
        name = "field-symbol-names-another-field",
        file = _VCPU,
        find = "VCPU_FIELD(cr4);",
        replacement = _OTHER_FIELD,
        entries = ["GetCR4"],
        obligation = "refinement",
    ),
    fault(
        name = "fast-stub-writes-the-field-before",
        file = _CONTROL,
        find = "mov %eax, vcpu.cr2",
        replacement = "mov %eax, vcpu.cr2 - 4",
        entries = ["SetCR2"],
        obligation = "refinement",
    ),
    fault(
        name = "write-into-padding-behind-the-virtual-cpu",
        file = _CONTROL,
        find = "    mov %eax, vcpu.cr2\n",
        replacement = "    mov %eax, vcpu.cr2\n    movb %al, ldt_frames - 1\n",
        entries = ["SetCR2"],
        obligation = "write-footprint",
    ),
    fault(
        name = "write-to-what-lies-behind-the-virtual-cpu",
        file = _CONTROL,
        find = "    mov %eax, vcpu.cr2\n",
        replacement = "    mov %eax, vcpu.cr2\n    mov %eax, gdt_frames\n",
        entries = ["SetCR2"],
        obligation = "write-footprint",
    ),
    fault(
        name = "write-to-the-trap-table-of-a-call-that-does-not-build-it",
        file = _CONTROL,
        find = "    mov %eax, vcpu.cr2\n",
        replacement = "    mov %eax, vcpu.cr2\n    mov %eax, trap_table\n",
        entries = ["SetCR2"],
        obligation = "refinement",
    ),
    fault(
        name = "read-beyond-the-pushed-arguments",
        file = "rom/entry/descriptors.inc",
        find = "    movzwl vcpu.tr, %eax\n",
        replacement = "    movzwl vcpu.tr, %eax\n    cmpl $0, 4(%esp)\n",
        entries = ["GetTR"],
        obligation = "read-footprint",
    ),
    fault(
        name = "read-of-what-the-hypervisor-shares",
        file = _CONTROL,
        find = ".macro fast.GetCR0\n",
        replacement = ".macro fast.GetCR0\n    cmpl $0, shared_info_page + 100\n",
        entries = ["GetCR0"],
        obligation = "read-footprint",
    ),
    fault(
        name = "stack-that-grows-the-wrong-way-kept",
        file = "rom/frontend/segments.cc",
        find = "kCode | kExpandDown | kWritable",
        replacement = "kCode | kWritable",
        entries = ["SetLDT"],
        obligation = "read-footprint",
    ),
    fault(
        name = "read-beyond-the-call-table",
        file = "rom/entry/init.inc",
        find = "cmp $VMI_LAST_SLOT, %eax",
        replacement = "cmp $VMI_LAST_SLOT + 1, %eax",
        entries = ["GetRelocationInfo"],
        obligation = "read-footprint",
    ),
    byte_fault(
        name = "absent-call-announced",
        symbol = "vmi_relocation_types",
        # Halt.
        offset = 42,
        old = "00",
        new = "01",
        entries = ["GetRelocationInfo"],
        obligation = "refinement",
    ),
    fault(
        name = "relocation-answer-without-the-slot-size",
        file = "rom/entry/init.inc",
        find = "shl $5, %eax",
        replacement = "shl $4, %eax",
        entries = ["GetRelocationInfo"],
        obligation = "refinement",
    ),
    fault(
        name = "write-through-ds-where-only-ss-is-flat",
        file = _INTERRUPTS,
        find = "movb $0, %ss:vcpu.interrupt_flag",
        replacement = "movb $0, vcpu.interrupt_flag",
        entries = ["DisableInterrupts"],
        obligation = "write-footprint",
    ),
    fault(
        name = "read-through-ds-where-only-ss-is-flat",
        file = _INTERRUPTS,
        find = "movzbl %ss:vcpu.interrupt_flag, %eax",
        replacement = "movzbl vcpu.interrupt_flag, %eax",
        entries = ["GetInterruptMask"],
        obligation = "read-footprint",
    ),
    # Code segments are never writable.
    fault(
        name = "write-through-cs",
        file = _CONTROL,
        find = "mov %eax, vcpu.cr2",
        replacement = "mov %eax, %cs:vcpu.cr2",
        entries = ["SetCR2"],
        obligation = "write-footprint",
    ),
    # Nor need they be readable.
    fault(
        name = "read-through-cs",
        file = _CONTROL,
        find = "mov vcpu.cr0, %eax",
        replacement = "mov %cs:vcpu.cr0, %eax",
        entries = ["GetCR0"],
        obligation = "read-footprint",
    ),
    fault(
        name = "privileged-instruction-in-a-stub",
        file = _INTERRUPTS,
        find = "    movb $0, %ss:vcpu.interrupt_flag\n",
        replacement = "    cli\n",
        entries = ["DisableInterrupts"],
        obligation = "allowed-instructions",
    ),
    fault(
        name = "more-instructions-than-the-budget",
        file = _INTERRUPTS,
        find = "    movb $VMI_INTERRUPT_FLAG, %ss:vcpu.interrupt_flag\n",
        replacement = "    movb $VMI_INTERRUPT_FLAG, %ss:vcpu.interrupt_flag\n    nop\n",
        entries = ["EnableInterrupts"],
        obligation = "instruction-bound",
    ),
    # The assembler stops a stub that is too long; these do what one would do that got past it.
    byte_fault(
        name = "stub-falls-through-into-the-next-slot",
        symbol = "vmi.IODelay",
        offset = 0,
        old = "c3" + " cc" * 31,
        new = "90" + " 90" * 31,
        entries = ["IODelay"],
        obligation = "slot",
    ),
    byte_fault(
        name = "instruction-runs-over-the-end-of-its-slot",
        symbol = "vmi.IODelay",
        offset = 0,
        old = "c3" + " cc" * 31,
        # 31 bytes of NOP, then the first byte of a MOV.
        new = "90" + " 90" * 30 + " b8",
        entries = ["IODelay"],
        obligation = "slot",
    ),
    byte_fault(
        name = "stub-jumps-to-another-slot",
        symbol = "vmi.IODelay",
        offset = 0,
        old = "c3 cc",
        new = "eb 1e",
        entries = ["IODelay"],
        obligation = "slot",
    ),
]

_INTERRUPT_FLAG = [
    fault(
        name = "pending-interrupt-not-delivered-on-enabling",
        file = _INTERRUPTS,
        find = "    movb $VMI_INTERRUPT_FLAG, %ss:vcpu.interrupt_flag\n    return_to_guest\n",
        replacement = "    movb $VMI_INTERRUPT_FLAG, %ss:vcpu.interrupt_flag\n    ret\n",
        entries = ["EnableInterrupts"],
        obligation = "refinement",
    ),
    fault(
        name = "slow-way-out-taken-without-work",
        file = _MACROS,
        find = "patched jne, deliver",
        replacement = "patched jmp, deliver",
        entries = ["EnableInterrupts"],
        obligation = "instruction-bound",
    ),
    fault(
        name = "way-out-looks-for-work-when-there-is-none",
        file = _MACROS,
        find = "patched jne, deliver",
        replacement = "patched je, deliver",
        entries = ["SetInterruptMask"],
        obligation = "refinement",
    ),
    fault(
        name = "interrupt-delivered-while-masked",
        file = _DELIVER,
        find = "if (cpu.interrupt_flag & VMI_INTERRUPT_FLAG) {",
        replacement = "if (true) {",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "later-interrupt-forgotten",
        file = _DELIVER,
        find = "if (pic_interrupts(cpu)) set_work(VMI_WORK_INTERRUPT);",
        replacement = "",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "interrupt-mask-leaks-other-flags",
        file = _INTERRUPTS,
        find = "    and $VMI_INTERRUPT_FLAG, %eax\n",
        replacement = "",
        entries = ["GetInterruptMask"],
        obligation = "refinement",
    ),
    fault(
        name = "interrupt-mask-taken-from-the-wrong-bits",
        file = _INTERRUPTS,
        find = "mov %ah, %ss:vcpu.interrupt_flag",
        replacement = "mov %al, %ss:vcpu.interrupt_flag",
        entries = ["SetInterruptMask"],
        obligation = "refinement",
    ),
    fault(
        name = "pic-ranks-off-by-one",
        file = _PIC,
        find = "(pic.lowest_priority + 1) & 7;",
        replacement = "pic.lowest_priority & 7;",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "pic-grants-what-is-in-service",
        file = _PIC,
        find = "if (request >= first(",
        replacement = "if (request > first(",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "automatic-end-of-interrupt-ignored",
        file = _PIC,
        find = "if (!pic.auto_eoi) pic.isr |= bit;",
        replacement = "pic.isr |= bit;",
        entries = ["deliver"],
        obligation = "refinement",
    ),
]

_DELIVERY = [
    fault(
        name = "interrupt-gate-leaves-the-flag-set",
        file = _DELIVER,
        find = "  if (handler.masks) cpu.interrupt_flag = 0;\n",
        replacement = "",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "trap-gate-clears-the-flag",
        file = _DELIVER,
        find = "type == kTypeInterruptGate};",
        replacement = "true};",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "virtual-flag-missing-from-the-pushed-eflags",
        file = _DELIVER,
        find = "(flags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL)) | interrupt_flag |",
        replacement = "(flags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL)) | (interrupt_flag & 0) |",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "stack-imbalance-only-with-an-error-code",
        file = _DELIVER,
        find = "if (has_error) *--top = error_code;",
        replacement = "if (has_error) *--top = error_code, --top;",
        entries = ["enter_handler"],
        obligation = "stack",
    ),
    fault(
        name = "page-fault-within-a-page-fault-not-escalated",
        file = _DELIVER,
        find = "return event == (kException | X86_TRAP_PF) || (contributory",
        replacement = "return (contributory",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "idt-limit-off-by-one",
        file = _DELIVER,
        find = "if (offset + 7 > cpu.idtr.limit) return false;",
        replacement = "if (offset + 6 > cpu.idtr.limit) return false;",
        entries = ["enter_handler"],
        obligation = "read-footprint",
    ),
    fault(
        name = "triple-fault-stops-without-a-message",
        file = _XEN,
        find = "  hypercall3<__HYPERVISOR_console_io>(CONSOLEIO_write, length, reinterpret_cast<uint32_t>(message));\n",
        replacement = "  (void)message, (void)length;\n",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "guest-fault-reported-behind-the-call",
        file = _DELIVER,
        find = "    frame->guest_return_address = call_site(frame->guest_return_address);\n",
        replacement = "    call_site(frame->guest_return_address);\n",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "call-through-a-register-taken-for-three-bytes",
        file = _DELIVER,
        find = "(at_1 & 6) != 4))) return 2;",
        replacement = "(at_1 & 6) != 4))) return 3;",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "room-for-the-frame-one-dword-short",
        file = _DELIVER_S,
        find = "sub $20, %esp",
        replacement = "sub $16, %esp",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "selector-load-missing-from-the-exception-table",
        file = _DELIVER_S,
        find = "    .long deliver.ds, deliver.null_ds\n",
        replacement = "",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "direction-flag-not-cleared-for-the-compiler",
        file = _DELIVER_S,
        find = "    push $X86_EFLAGS_FIXED\n    popf\n",
        replacement = "",
        entries = ["deliver"],
        obligation = "refinement",
    ),
]

# The end of a guarded access in guest_memory.S, by the register of its result.
_FIXUP_END = "2:  mov $1, %s\n    ret\n    .size \\name, . - \\name\n    .pushsection .vmi_exceptions, \"a\"\n%s"

_GUEST_ACCESS = [
    fault(
        name = "gdtr-limit-and-base-swapped",
        file = _GUEST_MEMORY,
        find = "!guest_store16(address, table.limit) && !guest_store32(address + 2, table.base)",
        replacement = "!guest_store16(address, table.base) && !guest_store32(address + 2, table.limit)",
        entries = ["GetGDT"],
        obligation = "refinement",
    ),
    fault(
        name = "store-torn-by-a-fault-on-its-second-page",
        file = _GUEST_MEMORY,
        find = "if (guest_or8(address, 0) || (last_page > address && guest_or8(last_page, 0))) return false;",
        replacement = "if (guest_or8(address, 0) || last_page == 0) return false;",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "guest-pointer-not-checked-against-the-wedge",
        file = _GUEST_MEMORY,
        find = "  if (!in_reach(address, 6)) return false;\n  //",
        replacement = "  //",
        entries = ["GetIDT"],
        obligation = "write-footprint",
    ),
    fault(
        name = "guarded-loads-missing-from-the-exception-table",
        file = _GUEST_MEMORY_S,
        find = _FIXUP_END % ("%edx", "    .long 1b, 2b\n"),
        replacement = _FIXUP_END % ("%edx", ""),
        entries = ["SetTR"],
        obligation = "read-footprint",
    ),
    fault(
        name = "guarded-stores-missing-from-the-exception-table",
        file = _GUEST_MEMORY_S,
        find = _FIXUP_END % ("%eax", "    .long 1b, 2b\n"),
        replacement = _FIXUP_END % ("%eax", ""),
        entries = ["GetGDT"],
        obligation = "write-footprint",
    ),
    fault(
        name = "fixup-reports-success",
        file = _GUEST_MEMORY_S,
        find = "2:  mov $1, %eax\n",
        replacement = "2:  xor %eax, %eax\n",
        entries = ["GetGDT"],
        obligation = "refinement",
    ),
    fault(
        name = "fault-address-off-by-four",
        file = "rom/frontend/traps.cc",
        find = "hypervisor::fault_address()",
        replacement = "hypervisor::fault_address() + 4",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "cr2-not-set-by-a-guest-fault",
        file = "rom/frontend/events.h",
        find = "  if (cpu.guest_fault.vector == X86_TRAP_PF) cpu.cr2 = cpu.guest_fault.address;\n",
        replacement = "",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "segment-not-present-is-no-guarded-fault",
        file = "rom/frontend/traps.cc",
        find = "if (e->instruction != frame->eip) continue;",
        replacement = "if (e->instruction != frame->eip || (frame->frame_id & 0xff) == X86_TRAP_NP) continue;",
        entries = ["deliver"],
        obligation = "refinement",
    ),
    fault(
        name = "trap-wrapper-claims-another-vector",
        file = _TRAPS_S,
        find = "push $(VMI_FRAME_HAS_ERROR | \\vector)",
        replacement = "push $(VMI_FRAME_HAS_ERROR | (\\vector ^ 1))",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "trap-loses-the-interrupted-ds",
        file = _TRAPS_S,
        find = "trap_common.ds:\n    mov %ebx, %ds\n",
        replacement = "trap_common.ds:\n    mov %ecx, %ds\n",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "trap-frame-dropped-one-dword-short",
        file = _TRAPS_S,
        find = "add $24, %esp",
        replacement = "add $20, %esp",
        entries = ["GetIDT"],
        obligation = "refinement",
    ),
]

_CALLS = [
    fault(
        name = "rdmsr-halves-swapped",
        file = _IDENTITY,
        find = "  frame->eax = uint32_t(value);\n  frame->edx = uint32_t(value >> 32);\n",
        replacement = "  frame->edx = uint32_t(value);\n  frame->eax = uint32_t(value >> 32);\n",
        entries = ["RDMSR"],
        obligation = "refinement",
    ),
    fault(
        name = "rdmsr-does-not-know-an-msr",
        file = _IDENTITY,
        find = "    case MSR_IA32_SYSENTER_EIP:\n      value = cpu.sysenter_eip;\n      break;\n",
        replacement = "",
        entries = ["RDMSR"],
        obligation = "refinement",
    ),
    fault(
        name = "wrmsr-accepted-where-gp-is-due",
        file = _IDENTITY,
        find = "if ((low & ~uint32_t(MSR_EFER_VALID)) || high) break;",
        replacement = "if (low & ~uint32_t(MSR_EFER_VALID)) break;",
        entries = ["WRMSR"],
        obligation = "refinement",
    ),
    fault(
        name = "wrmsr-lets-the-guest-choose-the-boot-processor",
        file = _IDENTITY,
        find = "(value & ~uint64_t(MSR_APIC_BASE_BSP)) | (cpu.apic_base & MSR_APIC_BASE_BSP)",
        replacement = "value",
        entries = ["WRMSR"],
        obligation = "refinement",
    ),
    fault(
        name = "kernel-stack-arguments-in-the-wrong-registers",
        file = _XEN,
        find = "hypercall2<__HYPERVISOR_stack_switch>(ss, esp)",
        replacement = "hypercall2<__HYPERVISOR_stack_switch>(esp, ss)",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "kernel-stack-not-told-to-the-hypervisor",
        file = _DESCRIPTORS,
        find = "  hypervisor::set_kernel_stack(ss0, esp0);\n",
        replacement = "",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "kernel-stack-told-before-it-is-known-to-be-readable",
        file = _DESCRIPTORS,
        find = "  uint32_t esp0, ss0;\n",
        replacement = "  uint32_t esp0 = 0, ss0 = 0;\n  hypervisor::set_kernel_stack(cpu.ss0, cpu.esp0);\n",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "ldt-installed-before-its-entries",
        file = _DESCRIPTORS,
        find = "  follow_guest_table(hypervisor::ldt, ldt.base, entries, entries);\n  cpu.ldt_entries = entries;\n" +
               "  hypervisor::install_ldt(entries);\n",
        replacement = "  hypervisor::install_ldt(entries);\n" +
                      "  follow_guest_table(hypervisor::ldt, ldt.base, entries, entries);\n  cpu.ldt_entries = entries;\n",
        entries = ["SetLDT"],
        obligation = "refinement",
    ),
    fault(
        name = "rom-runs-on-guest-segments-while-they-change",
        file = _DESCRIPTORS,
        find = "  FlatSegments flat;\n  follow_guest_table(hypervisor::ldt",
        replacement = "  follow_guest_table(hypervisor::ldt",
        entries = ["SetLDT"],
        obligation = "refinement",
    ),
    fault(
        name = "busy-task-accepted",
        file = _DESCRIPTORS,
        find = "load_system_descriptor(selector, kTypeTss, kTypeTss, d)",
        replacement = "load_system_descriptor(selector, kTypeTss, kTypeTss | kTssBusy, d)",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "task-not-marked-busy",
        file = _DESCRIPTORS,
        find = "guest_memory::or8(access_byte, kTssBusy >> kTypeShift)",
        replacement = "guest_memory::or8(access_byte, 0)",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "state-changed-before-a-fault",
        file = _DESCRIPTORS,
        find = "  const uint32_t tss = descriptor_base(d);\n",
        replacement = "  const uint32_t tss = descriptor_base(d);\n  cpu.tr = selector;\n",
        entries = ["SetTR"],
        obligation = "refinement",
    ),
    fault(
        name = "more-stack-than-there-is",
        file = _GUEST_MEMORY,
        find = "  // The second page first asked",
        replacement = "  [[maybe_unused]] volatile uint32_t room[256];\n  room[0] = 0;\n  // The second page first asked",
        entries = ["GetIDT"],
        obligation = "stack",
    ),
    fault(
        name = "idt-loop-stops-at-255-gates",
        file = "rom/frontend/idt.cc",
        find = "if (vector >= X86_GATES) break;",
        replacement = "if (vector >= X86_GATES - 1) break;",
        entries = ["SetIDT"],
        obligation = "refinement",
    ),
    fault(
        name = "idt-loop-writes-one-gate-too-many",
        file = "rom/frontend/idt.cc",
        find = "if (vector >= X86_GATES) break;",
        replacement = "if (vector > X86_GATES) break;",
        entries = ["SetIDT"],
        obligation = "write-footprint",
    ),
    fault(
        name = "table-copy-patched-by-the-wrong-delta",
        file = "rom/frontend/init.cc",
        find = "linked + address_of(vmi_rom) - base",
        replacement = "linked + base - address_of(vmi_rom)",
        entries = ["Init"],
        obligation = "refinement",
    ),
]

# What the ROM's sources promise the proof: a wrong promise must not make one pass.
_MARKS = [
    fault(
        name = "effect-in-a-function-marked-pure",
        file = _PIC,
        find = "void take_into_service(",
        replacement = "VMI_PURE void take_into_service(",
        entries = ["deliver"],
        obligation = "write-footprint",
    ),
    fault(
        name = "direction-flag-changed-in-a-function-marked-pure",
        file = _PIC,
        find = "VMI_PURE uint32_t granted_by_master(const vcpu_t& cpu) {\n",
        replacement = "VMI_PURE uint32_t granted_by_master(const vcpu_t& cpu) {\n" +
                      "  asm volatile(\"pushf\\n xorl $0x400, (%%esp)\\n popf\" : : : \"memory\", \"cc\");\n",
        entries = ["deliver"],
        obligation = "write-footprint",
    ),
    fault(
        name = "loop-variable-not-marked",
        file = _DELIVER,
        find = "VMI_LOOP_HEAD2(\"enter_handler\", event, error_code);",
        replacement = "VMI_LOOP_HEAD(\"enter_handler\", event);",
        entries = ["enter_handler"],
        obligation = "refinement",
    ),
    fault(
        name = "jump-out-of-the-table-not-in-the-patch-ups",
        file = _MACROS,
        find = "patched jne, deliver",
        replacement = "jne deliver",
        entries = ["EnableInterrupts"],
        obligation = "refinement",
    ),
]

_UNNOTICED = [
    # The proof has one processor and nothing happens between its instructions: what an instruction does at once and what it
    # does in two steps are the same to it. Events between instructions need obligations of their own.
    fault(
        name = "lock-prefix-dropped",
        file = _GUEST_MEMORY_S,
        find = "lock orb %dl",
        replacement = "orb %dl",
        entries = ["GetIDT", "SetTR"],
        obligation = "none",
    ),
    fault(
        name = "interrupt-request-cleared-in-two-steps",
        file = _PIC,
        find = "  asm volatile(\"andb %1, %0\" : \"+m\"(pic.irr) : \"iq\"(uint8_t(~bit)));\n",
        replacement = "  pic.irr = uint8_t(pic.irr & ~bit);\n",
        entries = ["deliver"],
        obligation = "none",
    ),
]

# Obligations of the image as a whole.
_IMAGE = [
    byte_fault(
        name = "checksum-stale",
        # Padding of the slot.
        symbol = "vmi.IODelay",
        offset = 31,
        old = "cc",
        new = "cd",
        keep_sum = True,
        obligation = "image:header",
    ),
    byte_fault(
        name = "header-length-one-unit-short",
        symbol = "vmi_rom",
        offset = 2,
        old = "06",
        new = "05",
        obligation = "image:header",
    ),
    byte_fault(
        name = "header-claims-another-version",
        symbol = "vmi_rom",
        offset = 12,
        old = "03 0d",
        new = "00 0d",
        obligation = "image:header",
    ),
    fault(
        name = "slots-four-bytes-late",
        file = _MACROS,
        find = ".org VMI_SLOT_BYTES * \\number, 0xcc",
        replacement = ".org VMI_SLOT_BYTES * \\number + 4, 0xcc",
        obligation = "image:slots",
    ),
    fault(
        name = "field-symbol-off-by-four",
        file = _VCPU,
        find = "VCPU_FIELD(cr4);",
        replacement = _OTHER_FIELD,
        obligation = "image:virtual-cpu-symbols",
    ),
    fault(
        name = "field-that-the-relation-does-not-know",
        file = "rom/frontend/vcpu.h",
        find = "  guest_fault_t guest_fault;\n",
        replacement = "  guest_fault_t guest_fault;\n  uint32_t unrelated = 0;\n",
        obligation = "image:virtual-cpu-relation",
    ),
    fault(
        name = "something-to-do-before-the-first-call",
        file = _VCPU,
        find = ".work = 0,",
        replacement = ".work = VMI_WORK_EXCEPTION,",
        obligation = "image:initial-state",
    ),
    fault(
        name = "boundary-frame-declared-in-another-order",
        file = "model/abi/frames.h",
        find = "  uint32_t frame_pointer;\n  uint32_t edx;\n  uint32_t ecx;\n",
        replacement = "  uint32_t frame_pointer;\n  uint32_t ecx;\n  uint32_t edx;\n",
        obligation = "image:boundary-frame",
    ),
    fault(
        name = "exit-frame-pushed-in-another-order",
        file = _DELIVER_S,
        find = "    push %ds\n    push %es\n",
        replacement = "    push %es\n    push %ds\n",
        obligation = "image:exit-frame",
    ),
    fault(
        name = "trap-frame-pushed-in-another-order",
        file = _TRAPS_S,
        find = "    push %ecx\n    push %eax\n",
        replacement = "    push %eax\n    push %ecx\n",
        obligation = "image:trap-frame",
    ),
    fault(
        name = "patch-up-not-listed",
        file = _MACROS,
        find = "patched jne, deliver",
        replacement = "jne deliver",
        obligation = "image:patchups-complete",
    ),
    fault(
        name = "patch-up-of-the-signature",
        file = _MACROS,
        find = ".long 9f - 4 - vmi_rom",
        replacement = ".long 9f - 4 - vmi_rom, VMI_HEADER_SIGNATURE",
        obligation = "image:patchups-right",
    ),
    fault(
        name = "trap-wrapper-pushes-another-vector",
        file = _TRAPS_S,
        find = "push $\\vector",
        replacement = "push $(\\vector ^ 1)",
        obligation = "image:trap-wrappers",
    ),
    byte_fault(
        name = "trap-wrapper-of-one-vector-wrong",
        symbol = "trap_wrappers",
        # Of vector 0x80, from behind the SUB: its PUSH imm32.
        offset = 16 * 0x80 + 3,
        old = "68 80 00 00 00",
        new = "68 81 00 00 00",
        obligation = "image:trap-wrappers",
    ),
    fault(
        name = "exception-table-names-the-middle-of-an-instruction",
        file = _GUEST_MEMORY_S,
        find = ".long 1b, 2b",
        replacement = ".long 1b + 1, 2b",
        times = 2,
        obligation = "image:exception-table",
    ),
    fault(
        name = "writable-code",
        file = "rom/backend/xen/hypercall_page.S",
        find = ".section .hypercall_page, \"ax\"",
        replacement = ".section .hypercall_page, \"awx\"",
        obligation = "image:sections",
    ),
]

FAULTS = _STUBS + _INTERRUPT_FLAG + _DELIVERY + _GUEST_ACCESS + _CALLS + _MARKS + _UNNOTICED + _IMAGE
