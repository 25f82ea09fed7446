// Guest memory as the front end reaches it: guarded, and only below the wedge.
//
// The instructions that touch guest memory are in rom/entry/guest_memory.S and listed in the exception table. When one
// faults, trap() records the fault in vcpu_t::guest_fault and resumes at the access's fix-up, which reports it here.
// An address at or above the wedge is what lies beyond a segment's limit on the virtual machine: #GP(0).
#ifndef VMIROM_ROM_FRONTEND_GUEST_MEMORY_H_
#define VMIROM_ROM_FRONTEND_GUEST_MEMORY_H_

#include <stdint.h>

#include "rom/frontend/vcpu.h"

// In rom/entry/guest_memory.S. Loads return the value in the low half and 1 in the high half after a fault; stores
// return 1 after a fault.
extern "C" uint64_t guest_load16(uint32_t address);
extern "C" uint64_t guest_load32(uint32_t address);
extern "C" uint32_t guest_store16(uint32_t address, uint32_t value);
extern "C" uint32_t guest_store32(uint32_t address, uint32_t value);
extern "C" uint32_t guest_or8(uint32_t address, uint32_t bits);

namespace guest_memory {

// True when bytes [address, address + size) lie below the wedge; records #GP(0) when not.
inline bool in_reach(uint32_t address, uint32_t size) {
  if (address <= VMI_WEDGE - size) return true;
  get_cpu().guest_fault = {X86_TRAP_GP, 0, 0};
  return false;
}

inline bool load16(uint32_t address, uint32_t& value) {
  if (!in_reach(address, 2)) return false;
  const uint64_t result = guest_load16(address);
  value = uint32_t(result);
  return !(result >> 32);
}

inline bool load32(uint32_t address, uint32_t& value) {
  if (!in_reach(address, 4)) return false;
  const uint64_t result = guest_load32(address);
  value = uint32_t(result);
  return !(result >> 32);
}

// Sets bits of one byte with a locked instruction. With no bits it changes nothing and asks only whether the guest may
// write there.
inline bool or8(uint32_t address, uint32_t bits) {
  return in_reach(address, 1) && !guest_or8(address, bits);
}

// Reads the 6-byte limit and base that LGDT and LIDT take.
bool load_table_register(uint32_t address, table_register_t& table);

// Writes the 6 bytes that SGDT and SIDT store; nothing is written when part of them cannot be.
bool store_table_register(uint32_t address, const table_register_t& table);

}  // namespace guest_memory

#endif  // VMIROM_ROM_FRONTEND_GUEST_MEMORY_H_
