// The memory that a ROM image runs in: the image where it is linked, pages of guest memory below it, and the harness's own
// page above it. Both engines run on the same bytes.
#ifndef VMIROM_CONFORMANCE_ENGINE_MEMORY_H_
#define VMIROM_CONFORMANCE_ENGINE_MEMORY_H_

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "rom/image/image.h"

namespace vmirom::conformance {

// The machine that the tests run on lacks something they need. One line.
struct EngineError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum Rights : uint8_t { kRead = 1, kWrite = 2, kExecute = 4 };

inline constexpr uint32_t kPageBytes = 4096;

// Above the image and the hypervisor's hole: a page of gates, a page of data, one of stack, one of descriptors.
inline constexpr uint32_t kGatePage = 0xfff00000;
inline constexpr uint32_t kGateData = kGatePage + kPageBytes;
inline constexpr uint32_t kGateStack = kGatePage + 2 * kPageBytes;  // its end
inline constexpr uint32_t kGateDescriptors = kGatePage + 3 * kPageBytes;
// A return address that ends the run without a detour.
inline constexpr uint32_t kReturnGate = kGatePage + 0x800;

// Consecutive pages with the same rights.
struct Region {
  uint32_t begin;
  uint32_t size;
  uint8_t rights;
  uint8_t* bytes;  // the harness's view: writable whatever the rights

  bool contains(uint32_t address) const { return address - begin < size; }
};

// Pages of guest memory, by page number, and what the guest may do with each.
using GuestPages = std::map<uint32_t, uint8_t>;

class Memory {
 public:
  // Maps everything at its own address, below 4 GiB of this process. There can be one at a time. Throws EngineError when an
  // address is taken, BadImage when the image does not fit between wedge and gates.
  Memory(const Image& image, const GuestPages& guest);
  ~Memory();
  Memory(const Memory&) = delete;

  const std::vector<Region>& regions() const { return regions_; }
  const Region* region_at(uint32_t address) const;
  uint8_t rights(uint32_t address) const {
    const Region* r = region_at(address);
    return r ? r->rights : 0;
  }

  // The harness's view of what lies at an address; nothing crosses a region. Null where nothing is mapped.
  uint8_t* at(uint32_t address) const {
    const Region* r = region_at(address);
    return r ? r->bytes + (address - r->begin) : nullptr;
  }
  uint32_t load(uint32_t address, uint32_t bytes) const;
  void store(uint32_t address, uint32_t value, uint32_t bytes);

 private:
  void map(uint32_t begin, uint32_t size, uint8_t rights);

  std::vector<Region> regions_;  // by address
};

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_ENGINE_MEMORY_H_
