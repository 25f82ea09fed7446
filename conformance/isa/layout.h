/* Where the parts of the experiment lie, below 4 GiB in the test's own process. Shared with assembly. */
#ifndef VMIROM_CONFORMANCE_ISA_LAYOUT_H_
#define VMIROM_CONFORMANCE_ISA_LAYOUT_H_

/* Linux's selectors for user code and data. */
#define ISA_CODE_32 0x23
#define ISA_CODE_64 0x33
#define ISA_DATA 0x2b

/* The way into 32-bit code and back. */
#define ISA_GATE 0x10000000
#define ISA_GATE_BYTES 0x1000

/* What the gate loads and saves. */
#define ISA_CONTEXT 0x10001000
#define ISA_CONTEXT_BYTES 0x1000
#define ISA_RSP (ISA_CONTEXT + 0x00)   /* of the 64-bit side */
#define ISA_ENTRY (ISA_CONTEXT + 0x08) /* far pointer to the 32-bit entry */
#define ISA_CODE_POINTER (ISA_CONTEXT + 0x10)
#define ISA_IN_ESP (ISA_CONTEXT + 0x14)
#define ISA_OUT_ESP (ISA_CONTEXT + 0x18)
#define ISA_OUT_EIP (ISA_CONTEXT + 0x1c)
#define ISA_OUT_SELECTORS (ISA_CONTEXT + 0x20) /* a dword each, numbered as the processor does */
#define ISA_FS_BASE (ISA_CONTEXT + 0x38)       /* of the 64-bit side */
#define ISA_IN (ISA_CONTEXT + 0x40)            /* as POPA and POPF take them: EDI ... EAX, EFLAGS */
#define ISA_OUT (ISA_CONTEXT + 0x80)           /* the same, as PUSHF and PUSHA leave them */
#define ISA_SAVED_BYTES 36

/* Code around the instruction, wide enough for the displacements of the image's branches. */
#define ISA_CODE_REGION 0x10100000
#define ISA_CODE_REGION_BYTES 0x20000
#define ISA_CODE 0x10110000

/* Data and stack of the instruction; the pages around are not mapped. */
#define ISA_ARENA 0x10200000
#define ISA_ARENA_BYTES 0x2000

#endif /* VMIROM_CONFORMANCE_ISA_LAYOUT_H_ */
