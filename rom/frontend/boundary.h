// The C++ side of a boundary stub.
#ifndef VMIROM_ROM_FRONTEND_BOUNDARY_H_
#define VMIROM_ROM_FRONTEND_BOUNDARY_H_

#include "model/abi/frames.h"

// Begins the function that the stub of a call enters. The frame's second word is its argument, on the stack.
#define VMI_EXT(name) extern "C" [[gnu::regparm(0)]] void name##_ext(burn_clobbers_frame_t* frame)

#endif  // VMIROM_ROM_FRONTEND_BOUNDARY_H_
