#include "rom/image/image.h"

#include <elf.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "rom/image/hex.h"

namespace vmirom {
namespace {

// Symbols the rest of the tool relies on.
constexpr const char* kNeededSymbols[] = {
    "vmi_rom",        "vmi_rom_end",   "vmi_rom_image_end", "deliver",          "trap_common",  "trap_wrappers",
    "hypercall_page", "vcpu",          "trap_table",        "gdt_copy",         "ldt_copy",     "gdt_frames",
    "ldt_frames",     "vmi_image_end", "init_return_point", "shared_info_page", "vmi_text_end", "vmi_relocation_types",
    "vmi_pure_begin", "vmi_pure_end"};

}  // namespace

void Image::fail(const std::string& place, const std::string& next_step) const {
  throw BadImage(path_ + ": " + place + "; " + next_step);
}

Image Image::load(const std::string& path) {
  Image image;
  image.path_ = path;
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    image.fail("is not a regular file", "name an existing ROM image with --rom");
  std::ifstream in(path, std::ios::binary);
  if (!in) image.fail("cannot be read", "name an existing ROM image with --rom");
  image.file_.assign(std::istreambuf_iterator<char>(in), {});
  image.read_elf();
  for (const char* name : kNeededSymbols) image.symbol(name);
  const std::vector<uint32_t> table = image.dwords(".vmi_exceptions");
  for (size_t i = 0; i + 1 < table.size(); i += 2) image.exceptions_.push_back({table[i], table[i + 1]});
  image.patchups_ = image.dwords(".vmi_patchups");
  image.read_loops();
  image.read_debug_information();
  return image;
}

void Image::read_elf() {
  const std::string rebuild = "give the unstripped ELF that the build made";
  if (file_.size() < sizeof(Elf32_Ehdr) || std::memcmp(file_.data(), ELFMAG, SELFMAG) != 0)
    fail("not an ELF file (no 7f 45 4c 46 at offset 0)", rebuild);
  Elf32_Ehdr header;
  std::memcpy(&header, file_.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    fail("ELF class or byte order at offset 4 is not 32-bit little-endian", "a VMI ROM is an i386 image");
  if (header.e_machine != EM_386)
    fail("ELF machine " + std::to_string(header.e_machine) + " at offset 18 is not 3 (i386)", "a VMI ROM is an i386 image");
  const uint64_t table_end = uint64_t(header.e_shoff) + uint64_t(header.e_shnum) * sizeof(Elf32_Shdr);
  if (header.e_shentsize != sizeof(Elf32_Shdr) || header.e_shnum == 0 || header.e_shstrndx >= header.e_shnum ||
      table_end > file_.size())
    fail("section table at offset " + hex(header.e_shoff) + " lies beyond the file's end at " + hex(file_.size()),
         "the file is truncated: copy it again");

  std::vector<Elf32_Shdr> headers(header.e_shnum);
  std::memcpy(headers.data(), file_.data() + header.e_shoff, headers.size() * sizeof(Elf32_Shdr));
  for (const Elf32_Shdr& s : headers) {
    if (s.sh_type != SHT_NOBITS && uint64_t(s.sh_offset) + s.sh_size > file_.size())
      fail("section data at offset " + hex(s.sh_offset) + " lies beyond the file's end at " + hex(file_.size()),
           "the file is truncated: copy it again");
  }
  const auto text = [&](const Elf32_Shdr& strings, uint32_t index) -> std::string {
    if (strings.sh_type != SHT_STRTAB || index >= strings.sh_size) fail("a name lies beyond its string table", rebuild);
    const char* begin = reinterpret_cast<const char*>(file_.data() + strings.sh_offset);
    return std::string(begin + index, strnlen(begin + index, strings.sh_size - index));
  };
  for (const Elf32_Shdr& s : headers) {
    if (s.sh_type == SHT_NOBITS && s.sh_size)
      fail("section " + text(headers[header.e_shstrndx], s.sh_name) + " has no bytes in the file", rebuild);
    sections_.push_back({text(headers[header.e_shstrndx], s.sh_name), s.sh_addr, s.sh_size, s.sh_offset,
                         (s.sh_flags & SHF_ALLOC) != 0, (s.sh_flags & SHF_WRITE) != 0, (s.sh_flags & SHF_EXECINSTR) != 0});
  }
  for (const Elf32_Shdr& s : headers) {
    if (s.sh_type != SHT_SYMTAB || s.sh_link >= headers.size()) continue;
    for (uint32_t at = 0; at + sizeof(Elf32_Sym) <= s.sh_size; at += sizeof(Elf32_Sym)) {
      Elf32_Sym symbol;
      std::memcpy(&symbol, file_.data() + s.sh_offset + at, sizeof symbol);
      const int type = ELF32_ST_TYPE(symbol.st_info);
      if (symbol.st_shndx == SHN_UNDEF || type == STT_SECTION || type == STT_FILE) continue;
      const std::string name = text(headers[s.sh_link], symbol.st_name);
      const bool absolute = symbol.st_shndx == SHN_ABS;
      symbols_[name] = {name, symbol.st_value, symbol.st_size, absolute};
      if (!absolute) names_by_address_[symbol.st_value] = name;
    }
  }
  for (const char* name : {".vmi_rom", ".text", ".rodata", ".vmi_patchups", ".vmi_exceptions", ".vmi_relocation_types",
                           ".vcpu", ".vcpu_descriptors", ".vmi_loops", ".debug_info"})
    section(name);
}

void Image::read_loops() {
  const Section& s = section(".vmi_loops");
  const uint8_t* at = file_.data() + s.offset;
  const uint8_t* end = at + s.size;
  while (end - at > 4) {
    LoopHead head;
    std::memcpy(&head.address, at, 4);
    const char* text = reinterpret_cast<const char*>(at + 4);
    const size_t length = strnlen(text, end - at - 4);
    if (at + 4 + length == end) fail("section .vmi_loops ends inside a record", "rebuild the image");
    std::string words(text, length);
    for (size_t from = 0; from < words.size();) {
      size_t to = words.find(' ', from);
      if (to == std::string::npos) to = words.size();
      const std::string word = words.substr(from, to - from);
      if (head.name.empty()) {
        head.name = word;
      } else {
        if (word.empty() || word[0] != '%')
          fail("loop " + head.name + " keeps a variable outside registers", "rebuild the image");
        head.registers.push_back(word.substr(1));
      }
      from = to + 1;
    }
    loops_.push_back(head);
    at += 4 + length + 1;
  }
}

std::vector<uint32_t> Image::dwords(std::string_view section_name) const {
  const Section& s = section(section_name);
  std::vector<uint32_t> values(s.size / 4);
  std::memcpy(values.data(), file_.data() + s.offset, values.size() * 4);
  return values;
}

const Section& Image::section(std::string_view name) const {
  for (const Section& s : sections_)
    if (s.name == name) return s;
  fail("section " + std::string(name) + " is missing", "give the unstripped ELF that the build made");
}

const Section* Image::section_at(uint32_t address) const {
  for (const Section& s : sections_)
    if (s.allocated && s.contains(address)) return &s;
  return nullptr;
}

const Symbol* Image::find_symbol(std::string_view name) const {
  const auto found = symbols_.find(name);
  return found == symbols_.end() ? nullptr : &found->second;
}

const Symbol& Image::symbol(std::string_view name) const {
  if (const Symbol* s = find_symbol(name)) return *s;
  fail("symbol " + std::string(name) + " is missing", "give the unstripped ELF that the build made");
}

std::string Image::describe(uint32_t address) const {
  auto above = names_by_address_.upper_bound(address);
  if (!section_at(address) || above == names_by_address_.begin()) return hex(address);
  --above;
  if (section_at(above->first) != section_at(address)) return hex(address);
  return address == above->first ? above->second : above->second + "+" + hex(address - above->first);
}

uint8_t Image::byte(uint32_t address) const {
  const Section* s = section_at(address);
  if (!s) fail("address " + hex(address) + " lies outside the image", "rebuild the image");
  return file_[s->offset + (address - s->address)];
}

uint32_t Image::dword(uint32_t address) const {
  return byte(address) | byte(address + 1) << 8 | byte(address + 2) << 16 | uint32_t(byte(address + 3)) << 24;
}

}  // namespace vmirom
