// What calls about descriptor tables are given: tables, good and bad, in guest memory.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_DESCRIPTORS_H_
#define VMIROM_CONFORMANCE_PROPERTIES_DESCRIPTORS_H_

#include "conformance/properties/random.h"
#include "model/descriptor.h"

namespace vmirom::conformance {

struct RawDescriptor {
  uint32_t low, high;
};

inline RawDescriptor any_descriptor(Random& r) {
  const uint32_t dpl = r.pick({0, 1, 3, 3}) << 13;
  const uint32_t present = r.one_in(6) ? 0 : 1u << 15;
  switch (r.below(10)) {
    case 0: return {0, 0};
    case 1: return {uint32_t(r.next()), uint32_t(r.next())};
    case 2: return {0x0000ffff, 0x00cf1a00 | dpl | present};                               // flat code
    case 3: return {0x0000ffff, 0x00cf1200 | dpl | present};                               // flat data
    case 4: return {uint32_t(r.next()), 0x00401000 | (r.below(16) << 8) | dpl | present};  // any segment
    case 5: return {r.readable(64) << 16 | r.below(256), (kArena & 0x00ff0000) >> 16 | r.pick({2, 9, 11, 1}) << 8 | present};
    case 6: return {r.below(0x10000) | r.below(0x10000) << 16, 0x0c00 | dpl | present | r.below(32)};  // call gate
    case 7: return {kOtherDataLow, kOtherDataHigh};
    default: return {0x0000ffff, 0x00cf1200 | 3u << 13 | 1u << 15};
  }
}

inline void put_descriptor(Case& c, uint32_t address, RawDescriptor d) {
  c.put(address, d.low, 4);
  c.put(address + 4, d.high, 4);
}

inline RawDescriptor any_gate(Random& r) {
  const uint32_t selector =
      r.one_in(6) ? r.pick({0, 3, 0x10, 0x13, kFlatData, 0x60, 0x07, r.below(0x10000)}) : (kFlatCode & ~3u) | r.below(4);
  const uint32_t offset = (uint32_t(r.next()) & 0x7fffffff) | 0x01000000;
  const uint32_t type = r.one_in(10) ? r.below(32) : r.pick({14, 15});
  const uint32_t access = (r.one_in(10) ? 0 : 1u << 15) | r.below(4) << 13 | type << 8;
  return {(selector << 16) | (offset & 0xffff), (offset & 0xffff0000) | access};
}

// An IDT at a base, with the gates that may be needed.
inline void put_idt(Random& r, Case& c, uint32_t base, std::initializer_list<uint32_t> vectors) {
  for (uint32_t v : vectors) put_descriptor(c, base + 8 * v, any_gate(r));
}

// A 6-byte limit and base.
inline void put_table_register(Case& c, uint32_t address, uint32_t base, uint32_t limit) {
  c.put(address, limit, 2);
  c.put(address + 2, base, 4);
}

inline uint32_t any_limit(Random& r) {
  return r.one_in(40) ? r.below(0x10000) : r.one_in(4) ? r.below(256) : 8 * (1 + r.below(24)) - 1;
}

namespace arrange {

inline void SetGDT(Random& r, Case& c) {
  c.cpu.eax = r.pointer();
  const uint32_t base = r.pointer();
  put_table_register(c, c.cpu.eax, base, any_limit(r));
  for (uint32_t i = r.below(16); i-- > 0;) put_descriptor(c, base + 8 * r.below(20), any_descriptor(r));
}

inline void SetLDT(Random& r, Case& c) {
  const uint32_t index = r.below(16);
  c.cpu.eax = index << 3 | r.below(4) | (r.one_in(10) ? 4 : 0) | (r.one_in(3) ? r.word() & 0xffff0000 : 0);
  if (c.vcpu) {
    c.vcpu->gdtr = {r.one_in(8) ? r.pointer() : r.readable(256), any_limit(r)};
    const uint32_t table = r.pointer(), limit = r.below(128);
    RawDescriptor d{(table << 16) | limit, (table & 0xff000000) | (table >> 16 & 0xff) | 0x8200};
    if (r.one_in(4)) d = any_descriptor(r);
    put_descriptor(c, c.vcpu->gdtr.base + 8 * index, d);
    for (uint32_t i = r.below(8); i-- > 0;) put_descriptor(c, table + 8 * r.below(16), any_descriptor(r));
  }
}

inline void SetIDT(Random& r, Case& c) {
  c.cpu.eax = r.pointer();
  const uint32_t base = r.one_in(4) ? r.pointer() : r.readable(2048);
  put_table_register(c, c.cpu.eax, base, r.one_in(3) ? r.below(0x900) : 0x7ff);
  put_idt(r, c, base, {0, 3, 8, 13, 14, 20, 21, 0x80, r.below(256), r.below(256), 255});
}

inline void SetTR(Random& r, Case& c) {
  const uint32_t index = r.below(16);
  c.cpu.eax = index << 3 | r.below(4) | (r.one_in(10) ? 4 : 0) | (r.one_in(3) ? r.word() & 0xffff0000 : 0);
  if (!c.vcpu) return;
  c.vcpu->gdtr = {r.one_in(8) ? r.pointer() : r.writable(256), any_limit(r)};
  const uint32_t tss = r.pointer();
  RawDescriptor d{(tss << 16) | 0x67, (tss & 0xff000000) | (tss >> 16 & 0xff) | 0x8900};
  if (r.one_in(4)) d = any_descriptor(r);
  put_descriptor(c, c.vcpu->gdtr.base + 8 * index, d);
}

inline void GetGDT(Random& r, Case& c) { c.cpu.eax = r.pointer(); }
inline void GetIDT(Random& r, Case& c) { c.cpu.eax = r.pointer(); }
inline void GetLDT(Random&, Case&) {}
inline void GetTR(Random&, Case&) {}

}  // namespace arrange
}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_DESCRIPTORS_H_
