// A ROM image read from disk: its bytes by address, its symbols, and the layout of its data by the names in its own debug
// information. Nothing here knows how the image was built.
//
// Sources: System V ABI, i386 supplement (ELF); DWARF 4, sections 2.17, 4.1, 5.5.
#ifndef VMIROM_ROM_IMAGE_IMAGE_H_
#define VMIROM_ROM_IMAGE_IMAGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vmirom {

// The file cannot be used as a ROM image. The text is one line: file, place, next step.
struct BadImage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Section {
  std::string name;
  uint32_t address = 0;
  uint32_t size = 0;
  uint32_t offset = 0;  // in the file
  bool allocated = false;
  bool writable = false;
  bool executable = false;

  bool contains(uint32_t a) const { return a - address < size; }
};

struct Symbol {
  std::string name;
  uint32_t address = 0;
  uint32_t size = 0;
  bool absolute = false;
};

// Where a piece of data lies: address and size in bytes.
struct Place {
  uint32_t address = 0;
  uint32_t size = 0;
};

// The head of a loop over data, as rom/frontend/loop.h marks it.
struct LoopHead {
  uint32_t address = 0;
  std::string name;
  std::vector<std::string> registers;  // "ebx": where each loop variable is at the head
};

// Machine code, as addresses [begin, end).
struct CodeRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// An entry of the exception table: where to go on when the instruction faults.
struct ExceptionEntry {
  uint32_t instruction = 0;
  uint32_t fixup = 0;
};

class Image {
 public:
  // Reads and checks an image; throws BadImage.
  static Image load(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<uint8_t>& file() const { return file_; }
  const std::vector<Section>& sections() const { return sections_; }
  const std::map<std::string, Symbol, std::less<>>& symbols() const { return symbols_; }

  const Section& section(std::string_view name) const;     // throws BadImage
  const Section* section_at(uint32_t address) const;       // allocated sections; null outside the image
  const Symbol& symbol(std::string_view name) const;       // throws BadImage
  const Symbol* find_symbol(std::string_view name) const;  // null when absent
  uint32_t address_of(std::string_view symbol_name) const { return symbol(symbol_name).address; }

  // The symbol that covers an address, or the nearest below it in the same section: "name+0x12".
  std::string describe(uint32_t address) const;

  // Initial contents. The address must lie in the image.
  uint8_t byte(uint32_t address) const;
  uint32_t dword(uint32_t address) const;

  // Where a variable's field lies: "vcpu.pic[1].irr". Names are the debug information's; throws BadImage.
  Place place(std::string_view path) const;
  // A member of a structure type, as offset and size.
  Place member(std::string_view type, std::string_view path) const;
  bool has_type(std::string_view type) const;
  // Every scalar of a variable or of a structure type, as paths below it in the order of their offsets: "cr0", "pic[1].irr".
  // An array without elements counts as one. Throws BadImage when there is neither a variable nor a type of the name.
  std::vector<std::string> leaves(std::string_view variable_or_type) const;
  // The code that the assembler made, in the order of its compilation units.
  const std::vector<CodeRange>& assembly() const { return assembly_; }

  const std::vector<LoopHead>& loops() const { return loops_; }
  const std::vector<ExceptionEntry>& exceptions() const { return exceptions_; }
  // Offsets from the ROM's start of the displacements that Init corrects.
  const std::vector<uint32_t>& patchups() const { return patchups_; }

  // What is wrong with header, length, checksum, or the PCI and PnP headers; empty when nothing is. Texts name the field.
  // Sources: rom/entry/table.S.
  std::vector<std::string> header_faults() const;

 private:
  struct Member {
    uint32_t offset;
    std::string type;
  };
  struct Layout {
    uint32_t size = 0;
    uint32_t element_count = 0;  // arrays
    std::string element;         // arrays
    std::map<std::string, Member, std::less<>> members;
  };

  void read_elf();
  void read_debug_information();
  void read_loops();
  Place walk(const std::string& type, std::string_view path, std::string_view whole) const;
  std::vector<uint32_t> dwords(std::string_view section_name) const;
  [[noreturn]] void fail(const std::string& place, const std::string& next_step) const;

  std::string path_;
  std::vector<uint8_t> file_;
  std::vector<Section> sections_;
  std::map<std::string, Symbol, std::less<>> symbols_;
  std::map<uint32_t, std::string> names_by_address_;
  std::map<std::string, Layout, std::less<>> layouts_;          // by type key
  std::map<std::string, std::string, std::less<>> type_names_;  // struct name to type key
  std::map<std::string, std::string, std::less<>> variables_;   // variable to type key
  std::vector<LoopHead> loops_;
  std::vector<ExceptionEntry> exceptions_;
  std::vector<CodeRange> assembly_;
  std::vector<uint32_t> patchups_;
};

}  // namespace vmirom

#endif  // VMIROM_ROM_IMAGE_IMAGE_H_
