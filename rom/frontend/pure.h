// Functions that only compute.
#ifndef VMIROM_ROM_FRONTEND_PURE_H_
#define VMIROM_ROM_FRONTEND_PURE_H_

// Marks a function whose result is all its effect: it stores nothing but its own stack and does not touch guest memory. The
// proof then takes all ways through it as one, so that its branches do not multiply with its callers'. A wrong mark makes
// the proof fail, it cannot make one pass.
#define VMI_PURE [[gnu::noinline, gnu::section(".text.pure")]]

#endif  // VMIROM_ROM_FRONTEND_PURE_H_
