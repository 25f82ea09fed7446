// Fills in what only the linked image knows: the ROM's length, the PCI header's length, and the checksums.
//
//   finalise LINKED.elf OUT.elf OUT.rom
//
// OUT.rom is the ROM as it lies in option-ROM memory: section .vmi_rom. Exit status 0, or 2 with a line on stderr.
#include <cstdio>
#include <fstream>
#include <numeric>

#include "model/abi/constants.h"
#include "rom/image/image.h"

namespace {

bool write(const char* path, const uint8_t* begin, size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(begin), size);
  return bool(out.flush());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: finalise LINKED.elf OUT.elf OUT.rom\n");
    return 2;
  }
  const vmirom::Image image = vmirom::Image::load(argv[1]);
  std::vector<uint8_t> file = image.file();
  const vmirom::Section& section = image.section(".vmi_rom");
  uint8_t* rom = file.data() + section.offset;
  const auto offset_of = [&](const char* symbol) { return image.address_of(symbol) - section.address; };

  const uint32_t units = section.size / VMI_ROM_UNIT;
  if (section.size % VMI_ROM_UNIT || units > 255) {
    std::fprintf(stderr, "%s: section .vmi_rom has %u bytes; it must have at most 255 units of 512\n", argv[1],
                 section.size);
    return 2;
  }
  rom[VMI_HEADER_LENGTH] = units;
  rom[offset_of("pci_header_units")] = units;
  const uint32_t pnp = offset_of("pnp_header");
  uint8_t& pnp_sum = rom[offset_of("pnp_header_checksum")];
  pnp_sum = 0;
  pnp_sum = -std::accumulate(rom + pnp, rom + pnp + 32, uint8_t{0});
  uint8_t& sum = rom[offset_of("vmi_rom_checksum")];
  sum = 0;
  sum = -std::accumulate(rom, rom + section.size, uint8_t{0});

  if (!write(argv[2], file.data(), file.size()) || !write(argv[3], rom, section.size)) {
    std::fprintf(stderr, "%s: cannot be written; check the output folder\n", argv[2]);
    return 2;
  }
  return 0;
} catch (const vmirom::BadImage& bad) {
  std::fprintf(stderr, "%s\n", bad.what());
  return 2;
}
