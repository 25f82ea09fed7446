// The harness's data page below 4 GiB, as the processor engine's assembly and its C++ share it.
#ifndef VMIROM_CONFORMANCE_ENGINE_GATE_H_
#define VMIROM_CONFORMANCE_ENGINE_GATE_H_

#define GATE_PAGE 0xfff00000
#define GATE_DATA 0xfff01000
#define GATE_STACK 0xfff02000
#define GATE_RETURN 0x800

#define GATE_EAX 0
#define GATE_ECX 4
#define GATE_EDX 8
#define GATE_EBX 12
#define GATE_ESP 16
#define GATE_EBP 20
#define GATE_ESI 24
#define GATE_EDI 28
#define GATE_EIP 32
#define GATE_CS 36
#define GATE_EFLAGS 40
#define GATE_ES 44
#define GATE_SS 48
#define GATE_DS 52
#define GATE_FS 56
#define GATE_GS 60
#define GATE_REASON 64
#define GATE_NUMBER 68
#define GATE_ENTRY 72 /* far pointer to the 32-bit entry */
#define GATE_RUNNING 80
#define GATE_RSP 88
#define GATE_FS_BASE 96
#define GATE_GS_BASE 104
#define GATE_EXIT 112 /* address of the 32-bit exit */
/* What a signal found in the segment registers that the kernel does not save. */
#define GATE_SIGNAL_ES 120
#define GATE_SIGNAL_DS 124
#define GATE_SIGNAL_FS 128
#define GATE_SIGNAL_GS 132
#define GATE_SIGNAL_FS_BASE 136
#define GATE_SIGNAL_GS_BASE 144

#define GATE_REASON_RETURN 1
#define GATE_REASON_HYPERCALL 2
#define GATE_REASON_SIGNAL 3

#endif  // VMIROM_CONFORMANCE_ENGINE_GATE_H_
