// What a guest and a BIOS find at the ROM's start, held against the ABI.
#include <cstdio>

#include "model/abi/constants.h"
#include "rom/image/hex.h"
#include "rom/image/image.h"

namespace vmirom {
namespace {

// Before the slots: what is left of the BIOS's entry point, and what API 13.x reserves.
constexpr struct {
  uint32_t begin, end;
} kReserved[] = {{VMI_HEADER_ENTRY + 1, VMI_HEADER_SIGNATURE}, {0x0e, 0x18}, {0x1c, VMI_SLOT_BYTES* VMI_FIRST_SLOT}};

constexpr uint8_t kFarReturn = 0xcb;

// PCI Firmware Specification 3.0, section 5.1.2; the identity is the one that clients of API 3.0 look for.
constexpr uint32_t kPciSignature = 0x52494350;  // "PCIR"
constexpr uint32_t kPciIdentity = 0x080115ad;
constexpr uint32_t kPciBytes = 24;

// Plug and Play BIOS Specification 1.0A, section 3.2.
constexpr uint32_t kPnpSignature = 0x506e5024;  // "$PnP"
constexpr uint32_t kPnpBytes = 32;

// The ROM's bytes by offset, and what is wrong with them.
class Header {
 public:
  Header(const Image& image, const Section& rom) : image_(image), rom_(rom) {}

  void check() {
    expect(byte(0) == 0x55 && byte(1) == 0xaa, "option-ROM signature at offset 0x0 is not 55 aa");
    expect(byte(VMI_HEADER_ENTRY) == kFarReturn, "entry point at offset 0x3 is not a far return");
    expect(dword(VMI_HEADER_SIGNATURE) == VMI_SIGNATURE, "signature at offset 0x8 is not \"cVmi\"");
    expect(byte(VMI_HEADER_MAJOR) == VMI_API_MAJOR && byte(VMI_HEADER_MINOR) == VMI_API_MINOR,
           "API version at offset 0xc is not 13.3");
    expect(uint32_t(byte(VMI_HEADER_LENGTH)) * VMI_ROM_UNIT == rom_.size,
           "length byte at offset 0x2 is not " + std::to_string(rom_.size / VMI_ROM_UNIT) + " units of 512");
    for (const auto& [begin, end] : kReserved)
      for (uint32_t at = begin; at < end; ++at) expect(!byte(at), "reserved byte at offset " + hex(at) + " is not 0");
    expect(!sum(0, rom_.size), "checksum: the ROM's bytes add up to " + hex(sum(0, rom_.size)) + ", not 0, modulo 256");
    check_pci(word(VMI_HEADER_PCI));
    check_pnp(word(VMI_HEADER_PNP));
    const Symbol* licence = image_.find_symbol("vmi_licence");
    expect(licence && text(licence->address - rom_.address) == "GPL v2", "licence string vmi_licence is not \"GPL v2\"");
  }

  std::vector<std::string> faults;

 private:
  void expect(bool holds, const std::string& what) {
    if (!holds) faults.push_back(what);
  }

  uint8_t byte(uint32_t at) const { return image_.byte(rom_.address + at); }
  uint32_t word(uint32_t at) const { return byte(at) | byte(at + 1) << 8; }
  uint32_t dword(uint32_t at) const { return image_.dword(rom_.address + at); }

  uint8_t sum(uint32_t at, uint32_t size) const {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; ++i) sum += byte(at + i);
    return sum;
  }

  // The zero-terminated string at an offset; empty when it does not end within the ROM.
  std::string text(uint32_t at) const {
    std::string found;
    for (; at < rom_.size; ++at) {
      if (!byte(at)) return found;
      found += char(byte(at));
    }
    return "";
  }

  // Whether a structure of so many bytes lies behind the table.
  bool lies_behind_table(uint32_t at, uint32_t size) const {
    return at >= VMI_SLOT_BYTES * (VMI_LAST_SLOT + 1) && at + size <= rom_.size;
  }

  void check_pci(uint32_t at) {
    if (at % 4 || !lies_behind_table(at, kPciBytes) || dword(at) != kPciSignature)
      return expect(false, "PCI header: the word at offset 0x18 leads to no \"PCIR\"");
    expect(dword(at + 4) == kPciIdentity, "PCI header: vendor and device are not 15ad:0801");
    expect(word(at + 0xa) == kPciBytes, "PCI header: its length is not 24");
    expect(word(at + 0x10) * VMI_ROM_UNIT == rom_.size, "PCI header: its image length is not the ROM's");
    expect(byte(at + 0x15) & 0x80, "PCI header: it does not say that the image is the last");
  }

  void check_pnp(uint32_t at) {
    if (at % 16 || !lies_behind_table(at, kPnpBytes) || dword(at) != kPnpSignature)
      return expect(false, "PnP header: the word at offset 0x1a leads to no \"$PnP\"");
    expect(uint32_t(byte(at + 5)) * 16 == kPnpBytes, "PnP header: its length is not 2 units of 16");
    expect(!sum(at, kPnpBytes), "PnP header: its bytes add up to " + hex(sum(at, kPnpBytes)) + ", not 0, modulo 256");
    expect(!text(word(at + 0xe)).empty(), "PnP header: there is no manufacturer's name");
    expect(!text(word(at + 0x10)).empty(), "PnP header: there is no product's name");
  }

  const Image& image_;
  const Section& rom_;
};

}  // namespace

std::vector<std::string> Image::header_faults() const {
  const Section& rom = section(".vmi_rom");
  const uint32_t table = VMI_SLOT_BYTES * (VMI_LAST_SLOT + 1);
  const uint32_t start = address_of("vmi_rom");
  if (rom.address != start || rom.size < table || address_of("vmi_rom_end") - start != table ||
      address_of("vmi_rom_image_end") - start != rom.size)
    return {"table: section .vmi_rom does not hold slots up to " + std::to_string(VMI_LAST_SLOT) + " between its symbols"};
  if (start != VMI_WEDGE) return {"table: it is linked at " + hex(start) + ", not at " + hex(VMI_WEDGE)};
  Header header(*this, rom);
  header.check();
  return header.faults;
}

}  // namespace vmirom
