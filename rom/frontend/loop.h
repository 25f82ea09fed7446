// Marks the head of a loop over data for the proof, at no cost in the code.
#ifndef VMIROM_ROM_FRONTEND_LOOP_H_
#define VMIROM_ROM_FRONTEND_LOOP_H_

// Records in .vmi_loops (not loaded): the head's address, the loop's name, and where the compiler keeps each variable that
// changes from one iteration to the next. The proof cuts the loop there. A compiler may duplicate the head, and then
// records both. A wrong mark makes the proof fail, it cannot make one pass.
#define VMI_LOOP_HEAD(name, a)                                            \
  asm volatile(                                                           \
      "1:\n.pushsection .vmi_loops,\"\",@progbits\n.long 1b\n"            \
      ".asciz \"" name " %0\"\n.popsection"                               \
      : "+r"(a))

#define VMI_LOOP_HEAD2(name, a, b)                                        \
  asm volatile(                                                           \
      "1:\n.pushsection .vmi_loops,\"\",@progbits\n.long 1b\n"            \
      ".asciz \"" name " %0 %1\"\n.popsection"                            \
      : "+r"(a), "+r"(b))

#endif  // VMIROM_ROM_FRONTEND_LOOP_H_
