// Hypercalls through the hypercall page.
//
// Source: Xen public headers, arch-x86/xen-x86_32.h: number by page offset, arguments in EBX, ECX, EDX, ESI, EDI, result in
// EAX. The header reserves the right to clobber argument registers, so none is expected to survive.
#ifndef VMIROM_ROM_BACKEND_XEN_HYPERCALL_H_
#define VMIROM_ROM_BACKEND_XEN_HYPERCALL_H_

#include <stdint.h>

#include "rom/backend/xen/interface.h"

// Filled by the hypervisor, or left as rom/backend/xen/hypercall_page.S has it.
extern "C" const char hypercall_page[];

template <uint32_t kNumber>
inline int32_t hypercall1(uint32_t a) {
  int32_t result;
  asm volatile("call hypercall_page + %c2" : "=a"(result), "+b"(a) : "i"(kNumber * 32) : "memory");
  return result;
}

template <uint32_t kNumber>
inline int32_t hypercall2(uint32_t a, uint32_t b) {
  int32_t result;
  asm volatile("call hypercall_page + %c3" : "=a"(result), "+b"(a), "+c"(b) : "i"(kNumber * 32) : "memory");
  return result;
}

template <uint32_t kNumber>
inline int32_t hypercall3(uint32_t a, uint32_t b, uint32_t c) {
  int32_t result;
  asm volatile("call hypercall_page + %c4"
               : "=a"(result), "+b"(a), "+c"(b), "+d"(c)
               : "i"(kNumber * 32)
               : "memory");
  return result;
}

template <uint32_t kNumber>
inline int32_t hypercall4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  int32_t result;
  asm volatile("call hypercall_page + %c5"
               : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d)
               : "i"(kNumber * 32)
               : "memory");
  return result;
}

#endif  // VMIROM_ROM_BACKEND_XEN_HYPERCALL_H_
