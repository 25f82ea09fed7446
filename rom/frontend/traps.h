// What the ROM does with the hypervisor's traps.
#ifndef VMIROM_ROM_FRONTEND_TRAPS_H_
#define VMIROM_ROM_FRONTEND_TRAPS_H_

#include <stdint.h>

#include "model/abi/constants.h"

// The wrappers of rom/entry/traps.S, VMI_TRAP_WRAPPER_BYTES each, one for every vector.
extern "C" const char trap_wrappers[];

// Address of the wrapper that takes a vector.
inline uint32_t trap_wrapper(uint32_t vector) {
  return reinterpret_cast<uint32_t>(trap_wrappers) + vector * VMI_TRAP_WRAPPER_BYTES;
}

#endif  // VMIROM_ROM_FRONTEND_TRAPS_H_
