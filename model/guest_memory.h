// Guest memory as a call may use it: below the wedge, where the guest itself has access.
//
// D::Memory offers
//   Word load(Word address, uint32_t bytes)          1, 2 or 4 bytes, zero-extended; no checks
//   void store(Word address, Word value, uint32_t bytes)
//   Word access(Word page)                           rights of page number: kPresent, kWritable
//   void touch(Word address, uint32_t bytes)         the ROM may read these bytes, and write back what it read
//   void granted(Word address, uint32_t bytes, bool write)   the guest has been found to have access to all of them
// Source: Intel SDM volume 3, section 4.7 (page-fault error code); linear addresses of a fault that crosses a page as
// measured on processors: the first byte that has no access.
#ifndef VMIROM_MODEL_GUEST_MEMORY_H_
#define VMIROM_MODEL_GUEST_MEMORY_H_

#include "model/state.h"

namespace vmirom::model {

inline constexpr uint32_t kPagePresent = 1;
inline constexpr uint32_t kPageWritable = 2;  // only with kPagePresent
inline constexpr uint32_t kPageShift = 12;

template <class D>
typename D::Bool page_allows(State<D>& s, typename D::Word page, bool write) {
  const uint32_t needed = write ? kPagePresent | kPageWritable : kPagePresent;
  return (s.memory.access(page) & needed) == needed;
}

// True when the guest may read, or write, all of bytes [address, address + size), size at most a page. The fault that the
// access meets otherwise goes to fault.
template <class D>
bool may_access(State<D>& s, typename D::Word address, uint32_t size, bool write, GuestFault<D>& fault) {
  using Word = typename D::Word;
  if (address > Word(VMI_WEDGE - size)) {
    fault = {X86_TRAP_GP, 0, 0};
    return false;
  }
  // In parts and in any order; a store may be tried first, so that it is done whole or not at all.
  s.memory.touch(address, size);
  const Word first = address >> kPageShift;
  const Word last_byte = address + (size - 1);
  const Word last = last_byte >> kPageShift;
  const auto first_allows = page_allows<D>(s, first, write);
  if (first_allows & ((first == last) | page_allows<D>(s, last, write))) {
    s.memory.granted(address, size, write);
    return true;
  }
  const Word page = D::select(first_allows, last, first);
  const Word present = s.memory.access(page) & kPagePresent;
  fault = {X86_TRAP_PF, (present * X86_PF_PRESENT) | (write ? X86_PF_WRITE : 0),
           D::select(first_allows, last << kPageShift, address)};
  return false;
}

// One access of 1, 2 or 4 bytes.
template <class D>
bool load(State<D>& s, typename D::Word address, uint32_t bytes, typename D::Word& value, GuestFault<D>& fault) {
  if (!may_access<D>(s, address, bytes, false, fault)) return false;
  value = s.memory.load(address, bytes);
  return true;
}

// An 8-byte descriptor, lower dword first.
template <class D>
bool load_descriptor(State<D>& s, typename D::Word address, typename D::Word& low, typename D::Word& high,
                     GuestFault<D>& fault) {
  return load<D>(s, address, 4, low, fault) && load<D>(s, address + 4, 4, high, fault);
}

// The 6-byte limit and base of LGDT and LIDT.
template <class D>
bool load_table_register(State<D>& s, typename D::Word address, TableRegister<D>& table, GuestFault<D>& fault) {
  if (!may_access<D>(s, address, 6, false, fault)) return false;
  table = {s.memory.load(address + 2, 4), s.memory.load(address, 2)};
  return true;
}

template <class D>
bool store_table_register(State<D>& s, typename D::Word address, const TableRegister<D>& table, GuestFault<D>& fault) {
  if (!may_access<D>(s, address, 6, true, fault)) return false;
  s.memory.store(address, table.limit, 2);
  s.memory.store(address + 2, table.base, 4);
  return true;
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_GUEST_MEMORY_H_
