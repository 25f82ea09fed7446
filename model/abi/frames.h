// The stack frames that cross the boundary between the ROM's assembly and its C++, lowest address first.
//
// Source: "[RFC, PATCH 5/24] i386 Vmi code patching", Joshua LeVasseur's replies of 17 and 18 March 2006, for the
// boundary and the trap frame. Every offset is held against the image's debug information by proofs/layout.
#ifndef VMIROM_MODEL_ABI_FRAMES_H_
#define VMIROM_MODEL_ABI_FRAMES_H_

#include <stdint.h>

// What a boundary stub leaves for its C++ function. The second word is the function's only argument and holds the
// frame's own address; a function returns values by writing the saved registers.
struct burn_clobbers_frame_t {
  uint32_t stub_return_address;
  uint32_t frame_pointer;
  uint32_t edx;
  uint32_t ecx;
  uint32_t eax;
  uint32_t guest_return_address;
  uint32_t stack_arguments[];
};

// What a trap wrapper leaves for trap(). The last two words exist only when the trap came from ring 3.
struct xen_frame_t {
  uint32_t eax;
  uint32_t ecx;
  uint32_t edx;
  uint32_t ebx;
  uint32_t ebp;
  uint32_t esi;
  uint32_t edi;
  uint32_t frame_id;  // vector; bit 31 when the processor supplied an error code
  uint32_t fault_address;
  uint32_t error_code;
  uint32_t eip;
  uint32_t cs;
  uint32_t eflags;
  uint32_t esp;
  uint32_t ss;
};

// What the common way out of a call leaves for deliver_to_guest(): the guest's registers and, above them, room for what
// the processor would push for an interrupt or exception and for the IRET that enters the guest's handler.
struct exit_frame_t {
  uint32_t es;
  uint32_t ds;
  uint32_t edx;
  uint32_t ecx;
  uint32_t eax;
  uint32_t room[5];
  uint32_t eflags;
  uint32_t guest_return_address;
};

#endif  // VMIROM_MODEL_ABI_FRAMES_H_
