#include "conformance/engine/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "model/abi/constants.h"

namespace vmirom::conformance {
namespace {

uint32_t page_of(uint32_t address) { return address / kPageBytes; }

int protection(uint8_t rights) {
  return (rights & kRead ? PROT_READ : 0) | (rights & kWrite ? PROT_WRITE : 0) | (rights & kExecute ? PROT_EXEC : 0);
}

}  // namespace

Memory::Memory(const Image& image, const GuestPages& guest) {
  std::map<uint32_t, uint8_t> pages = guest;
  for (const Section& s : image.sections()) {
    if (!s.allocated || !s.size) continue;
    if (s.address < VMI_WEDGE || s.size > kGatePage - s.address)
      throw BadImage(image.path() + ": section " + s.name +
                     ": not between the wedge and the end of the address space; link it with rom/image/vmi.lds");
    const uint8_t rights = kRead | (s.writable ? kWrite : 0) | (s.executable ? kExecute : 0);
    for (uint32_t page = page_of(s.address); page <= page_of(s.address + s.size - 1); ++page) pages[page] |= rights;
  }
  pages[page_of(kGatePage)] = kRead | kExecute;
  pages[page_of(kGateData)] = pages[page_of(kGateStack) - 1] = kRead | kWrite;
  pages[page_of(kGateDescriptors)] = kRead | kWrite;

  // The image is one region for each run of equal rights; guest memory likewise.
  for (auto it = pages.begin(); it != pages.end();) {
    auto end = std::next(it);
    while (end != pages.end() && end->first == std::prev(end)->first + 1 && end->second == it->second) ++end;
    map(it->first * kPageBytes, (std::prev(end)->first - it->first + 1) * kPageBytes, it->second);
    it = end;
  }
  for (const Section& s : image.sections()) {
    if (!s.allocated) continue;
    for (uint32_t i = 0; i < s.size; ++i) *at(s.address + i) = image.byte(s.address + i);
  }
}

Memory::~Memory() {
  for (const Region& r : regions_) {
    munmap(reinterpret_cast<void*>(uintptr_t{r.begin}), r.size);
    munmap(r.bytes, r.size);
  }
}

void Memory::map(uint32_t begin, uint32_t size, uint8_t rights) {
  const auto fail = [&](const char* what) {
    char text[160];
    std::snprintf(text, sizeof text, "memory at 0x%x: %s: %s; free the address (is another run in this process?)", begin,
                  what, std::strerror(errno));
    throw EngineError(text);
  };
  const int file = memfd_create("vmirom", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, size) != 0) fail("memfd_create");
  void* const wanted = reinterpret_cast<void*>(uintptr_t{begin});
  void* const placed = mmap(wanted, size, protection(rights), MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
  void* const view = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  close(file);
  if (placed != wanted || view == MAP_FAILED) {
    if (placed == wanted) munmap(placed, size);
    fail("mmap");
  }
  regions_.push_back({begin, size, rights, static_cast<uint8_t*>(view)});
}

const Region* Memory::region_at(uint32_t address) const {
  const auto after =
      std::upper_bound(regions_.begin(), regions_.end(), address, [](uint32_t a, const Region& r) { return a < r.begin; });
  if (after == regions_.begin()) return nullptr;
  const Region& r = *std::prev(after);
  return r.contains(address) ? &r : nullptr;
}

uint32_t Memory::load(uint32_t address, uint32_t bytes) const {
  uint32_t value = 0;
  for (uint32_t i = bytes; i-- > 0;) {
    const uint8_t* byte = at(address + i);
    value = value << 8 | (byte ? *byte : 0);
  }
  return value;
}

void Memory::store(uint32_t address, uint32_t value, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i, value >>= 8) {
    if (uint8_t* byte = at(address + i)) *byte = uint8_t(value);
  }
}

}  // namespace vmirom::conformance
