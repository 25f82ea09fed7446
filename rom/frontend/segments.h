// Segment descriptors: what Xen's copy of a guest descriptor must look like, and which selectors load.
//
// Sources: Intel SDM volume 3, sections 3.4.5 (descriptors) and 5.5 to 5.8 (privilege checks).
#ifndef VMIROM_ROM_FRONTEND_SEGMENTS_H_
#define VMIROM_ROM_FRONTEND_SEGMENTS_H_

#include <stdint.h>

#include "rom/backend/hypervisor.h"
#include "rom/frontend/vcpu.h"

// Bits of a descriptor's high dword.
inline constexpr uint32_t kAccessed = 1u << 8;
inline constexpr uint32_t kWritable = 1u << 9;     // data
inline constexpr uint32_t kReadable = 1u << 9;     // code
inline constexpr uint32_t kConforming = 1u << 10;  // code
inline constexpr uint32_t kExpandDown = 1u << 10;  // data
inline constexpr uint32_t kCode = 1u << 11;
inline constexpr uint32_t kNotSystem = 1u << 12;
inline constexpr uint32_t kDplShift = 13;
inline constexpr uint32_t kDpl = 3u << kDplShift;
inline constexpr uint32_t kPresent = 1u << 15;
inline constexpr uint32_t kLongMode = 1u << 21;
inline constexpr uint32_t kTypeShift = 8;
inline constexpr uint32_t kSystemType = 0x1f << kTypeShift;  // S and type

inline constexpr uint32_t kTypeLdt = 2 << kTypeShift;
inline constexpr uint32_t kTypeTss16 = 1 << kTypeShift;
inline constexpr uint32_t kTypeTss = 9 << kTypeShift;
inline constexpr uint32_t kTypeCallGate = 12 << kTypeShift;
inline constexpr uint32_t kTypeInterruptGate = 14 << kTypeShift;
inline constexpr uint32_t kTypeTrapGate = 15 << kTypeShift;
inline constexpr uint32_t kTssBusy = 2 << kTypeShift;

// Bits of a selector.
inline constexpr uint32_t kRpl = 3;
inline constexpr uint32_t kLocalTable = 4;
inline constexpr uint32_t kSelectorIndex = 0xfff8;
inline constexpr uint32_t kSelectorNoRpl = 0xfffc;

inline bool is_null(uint32_t selector) { return !(selector & kSelectorNoRpl); }

inline uint32_t descriptor_base(descriptor_t d) {
  return (d.high & 0xff000000) | (d.high & 0xff) << 16 | d.low >> 16;
}

// The last byte's offset, granularity applied.
inline uint32_t descriptor_limit(descriptor_t d) {
  const uint32_t limit = (d.high & 0xf0000) | (d.low & 0xffff);
  return d.high & (1u << 23) ? limit << 12 | 0xfff : limit;
}

// The descriptor for Xen's copy of a guest table: a kernel segment at ring 1, marked accessed so that the processor need
// not write to it; nothing where Xen would refuse the guest's.
descriptor_t copy_for_hypervisor(descriptor_t guest);

// The descriptor that the processor finds for a selector now; zero where the selector lies beyond its table.
descriptor_t find_descriptor(uint32_t selector);

// True when DS, ES, FS or GS can be loaded with the selector at privilege level cpl. Null loads.
bool data_selector_loads(uint32_t selector, uint32_t cpl);

// True when the descriptor is code that runs at privilege level cpl; present or not.
bool is_code_for(descriptor_t d, uint32_t cpl);

inline uint32_t code_selector() {
  uint32_t selector;
  asm("mov %%cs, %0" : "=r"(selector));
  return selector;
}

inline uint32_t current_privilege_level() { return code_selector() & kRpl; }

// The guest's selectors while a descriptor table changes. The hypervisor reloads CS and SS from the table on the way back
// from each request, and a fault at a guarded access reloads DS, so the ROM holds flat segments of the hypervisor's own
// meanwhile.
class FlatSegments {
 public:
  FlatSegments();

  // Back to the guest's selectors, loaded from the tables as they are now. A selector that does not load, or whose segment
  // is not flat where this ROM needs it flat, is replaced by the hypervisor's flat one, or by null in FS and GS.
  ~FlatSegments();

 private:
  uint32_t cs_;
  uint32_t ss_;
  uint32_t ds_;
};

#endif  // VMIROM_ROM_FRONTEND_SEGMENTS_H_
