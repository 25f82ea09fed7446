// A fast source of choices, the same on every machine.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_RANDOM_H_
#define VMIROM_CONFORMANCE_PROPERTIES_RANDOM_H_

#include <cstdint>
#include <initializer_list>

#include "conformance/properties/case.h"

namespace vmirom::conformance {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint32_t below(uint32_t n) { return uint32_t((next() >> 32) * n >> 32); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  uint32_t pick(std::initializer_list<uint32_t> values) { return values.begin()[below(uint32_t(values.size()))]; }

  // Any word, the ends and single bits more often.
  uint32_t word() {
    const uint32_t w = uint32_t(next());
    switch (below(8)) {
      case 0: return w & 0xff;
      case 1: return pick({0, 1, 0x7fffffff, 0x80000000, 0xffffffff});
      case 2: return 1u << (w & 31);
      default: return w;
    }
  }

  // An address that a guest may pass: most often in the arena, before or across the end of a page, or near the wedge.
  uint32_t pointer() {
    if (one_in(16))
      return pick(
          {VMI_WEDGE - 1, VMI_WEDGE - 4, VMI_WEDGE - 6, VMI_WEDGE - 8, VMI_WEDGE, VMI_WEDGE + 0x6000, 0xfffffffc, 0});
    if (one_in(16)) return word();
    const uint32_t page = kArena + below(kArenaPages) * kPageBytes;
    return page + (one_in(2) ? below(kPageBytes) : kPageBytes - 1 - below(9));
  }

  // An address in memory that the guest can read, well within it.
  uint32_t readable(uint32_t bytes) {
    const uint32_t page = kArena + pick({1, 2, 3, 5, 6, 8, 9, 10, 11, 12}) * kPageBytes;
    return page + below(kPageBytes - bytes);
  }
  uint32_t writable(uint32_t bytes) {
    const uint32_t page = kArena + pick({1, 2, 6, 8, 9, 11, 12}) * kPageBytes;
    return page + below(kPageBytes - bytes);
  }

 private:
  uint64_t state_;
};

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_RANDOM_H_
