// The shipped image meets every obligation, and for each there are changes to the image's bytes that it refuses.
#include "proofs/layout/layout.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "model/abi/constants.h"

namespace vmirom {
namespace {

constexpr const char* kShipped = "rom/vmi-xen.elf";

const Image& shipped() {
  static const Image image = Image::load(kShipped);
  return image;
}

// A copy of the shipped image's file, to be changed. Addresses and symbols are those of the shipped image.
class Copy {
 public:
  uint8_t& at(uint32_t address) {
    const Section* section = shipped().section_at(address);
    return file_.at(section->offset + (address - section->address));
  }
  uint8_t& at(const char* symbol, uint32_t offset) { return at(shipped().address_of(symbol) + offset); }

  void put(uint32_t address, std::initializer_list<uint8_t> bytes) {
    for (uint8_t byte : bytes) at(address++) = byte;
  }
  void put(const char* symbol, uint32_t offset, std::initializer_list<uint8_t> bytes) {
    put(shipped().address_of(symbol) + offset, bytes);
  }
  void put_dword(uint32_t address, uint32_t value) {
    put(address, {uint8_t(value), uint8_t(value >> 8), uint8_t(value >> 16), uint8_t(value >> 24)});
  }
  // The i-th dword of a section.
  void put_dword(const char* section, uint32_t i, uint32_t value) {
    put_dword(shipped().section(section).address + 4 * i, value);
  }

  // Makes the branch whose displacement lies at an address go elsewhere.
  void redirect(uint32_t displacement, uint32_t target) { put_dword(displacement, target - (displacement + 4)); }

  // Adds to a symbol's value.
  void move_symbol(const char* name, uint32_t by) {
    for_each<Elf32_Sym>(*section(".symtab"), [&](Elf32_Sym& symbol) {
      const Section& names = shipped().section(".strtab");
      if (std::strcmp(reinterpret_cast<const char*>(file_.data()) + names.offset + symbol.st_name, name) == 0)
        symbol.st_value += by;
    });
  }

  void set_section_flags(const char* name, uint32_t flags) { section(name)->sh_flags |= flags; }

  void set_segment_flags(uint32_t address, uint32_t flags) {
    auto* header = reinterpret_cast<Elf32_Ehdr*>(file_.data());
    auto* segments = reinterpret_cast<Elf32_Phdr*>(file_.data() + header->e_phoff);
    for (uint32_t i = 0; i < header->e_phnum; ++i)
      if (segments[i].p_vaddr == address) segments[i].p_flags |= flags;
  }

  // Replaces bytes of a section that is not loaded, wherever they occur, by as many others.
  void rename(const char* section, const std::string& from, const std::string& to) {
    const Section& s = shipped().section(section);
    const auto begin = file_.begin() + s.offset, end = begin + s.size;
    const auto same = [](uint8_t a, char b) { return a == uint8_t(b); };
    for (auto found = begin; (found = std::search(found, end, from.begin(), from.end(), same)) != end; ++found)
      std::copy(to.begin(), to.end(), found);
  }

  void fix_checksum() {
    const Section& rom = shipped().section(".vmi_rom");
    uint8_t& sum = at("vmi_rom_checksum", 0);
    sum = 0;
    uint8_t total = 0;
    for (uint32_t i = 0; i < rom.size; ++i) total += at(rom.address + i);
    sum = -total;
  }

  // Throws BadImage.
  Image load() const {
    EXPECT_NE(file_, shipped().file()) << "nothing was planted";
    const std::string path = testing::TempDir() + "/planted.elf";
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(file_.data()), file_.size());
    return Image::load(path);
  }

 private:
  template <class Record, class Function>
  void for_each(const Elf32_Shdr& s, const Function& function) {
    for (uint32_t at = 0; at + sizeof(Record) <= s.sh_size; at += sizeof(Record))
      function(*reinterpret_cast<Record*>(file_.data() + s.sh_offset + at));
  }

  // Image lists sections in the file's order.
  Elf32_Shdr* section(const char* name) {
    auto* header = reinterpret_cast<Elf32_Ehdr*>(file_.data());
    auto* headers = reinterpret_cast<Elf32_Shdr*>(file_.data() + header->e_shoff);
    const auto& sections = shipped().sections();
    for (uint32_t i = 0; i < sections.size(); ++i)
      if (sections[i].name == name) return &headers[i];
    return nullptr;
  }

  std::vector<uint8_t> file_ = shipped().file();
};

struct Planted {
  const char* obligation;
  const char* name;  // what is wrong with the image
  void (*plant)(Copy& copy);
  bool fix_checksum = true;
};

// Where things lie in code of a known form: a boundary stub, its CALL's and its JNE's displacements.
constexpr uint32_t kPushEcx = 1, kFrameSize = 7, kCallField = 9, kJneField = 0x1b;
constexpr uint8_t kNop = 0x90, kRet = 0xc3, kPushEdxOpcode = 0x52;

uint32_t slot(const char* call) { return shipped().address_of(std::string("vmi.") + call); }
uint32_t wrapper(uint32_t vector) { return shipped().address_of("trap_wrappers") + vector * VMI_TRAP_WRAPPER_BYTES; }

const Planted kPlanted[] = {
    {"header", "checksum_off_by_one", [](Copy& c) { ++c.at("vmi_rom_checksum", 0); }, false},
    {"header", "no_option_rom_signature", [](Copy& c) { c.at("vmi_rom", 0) = 0; }},
    {"header", "another_signature", [](Copy& c) { c.at("vmi_rom", VMI_HEADER_SIGNATURE) = 'x'; }},
    {"header", "another_version", [](Copy& c) { c.at("vmi_rom", VMI_HEADER_MAJOR) = 3; }},
    {"header", "length_one_unit_short", [](Copy& c) { --c.at("vmi_rom", VMI_HEADER_LENGTH); }},
    {"header", "no_far_return_for_the_bios", [](Copy& c) { c.at("vmi_rom", VMI_HEADER_ENTRY) = kRet; }},
    {"header", "more_code_for_the_bios", [](Copy& c) { c.at("vmi_rom", VMI_HEADER_ENTRY + 1) = kNop; }},
    {"header", "a_reserved_byte_is_set", [](Copy& c) { c.at("vmi_rom", 0x40) = 1; }},
    {"header", "another_licence", [](Copy& c) { c.at("vmi_licence", 5) = '3'; }},
    {"header", "another_pci_device", [](Copy& c) { c.at("pci_header", 6) = 2; }},
    {"header", "pci_header_elsewhere", [](Copy& c) { c.at("vmi_rom", VMI_HEADER_PCI) += 4; }},
    {"header", "pci_image_length_off", [](Copy& c) { ++c.at("pci_header_units", 0); }},
    {"header", "pnp_checksum_off", [](Copy& c) { ++c.at("pnp_header_checksum", 0); }},
    {"header", "no_product", [](Copy& c) { c.at("product", 0) = 0; }},

    {"slots", "something_in_the_padding", [](Copy& c) { c.at(slot("CPUID") + 20) = kNop; }},
    {"slots", "control_falls_into_padding", [](Copy& c) { c.at(slot("IODelay")) = kNop; }},
    {"slots", "control_runs_into_the_next_slot", [](Copy& c) { c.at(slot("WRMSR") + 31) = kNop; }},
    {"slots", "a_branch_into_another_slot", [](Copy& c) { c.at(slot("GetRelocationInfo") + 6) = 0x20; }},
    {"slots", "a_call_that_traps_is_advertised", [](Copy& c) { c.at("vmi_relocation_types", 5) = VMI_RELOCATION_CALL; }},
    {"slots", "a_provided_call_is_not_advertised", [](Copy& c) { c.at("vmi_relocation_types", 78) = VMI_RELOCATION_NONE; }},
    {"slots", "a_number_without_call_is_advertised", [](Copy& c) { c.at("vmi_relocation_types", 3) = VMI_RELOCATION_CALL; }},
    {"slots", "a_provided_call_traps",
     [](Copy& c) {
       c.put(slot("Pause"), {0x0f, 0x0b, 0xcc});
     }},
    {"slots", "a_symbol_at_another_slot", [](Copy& c) { c.move_symbol("vmi.GetCR0", VMI_SLOT_BYTES); }},

    {"virtual-cpu-symbols", "a_symbol_off_by_a_field", [](Copy& c) { c.move_symbol("vcpu.cr0", 4); }},
    {"virtual-cpu-symbols", "a_symbol_without_field", [](Copy& c) { c.rename(".strtab", "vcpu.cr3", "vcpu.cr9"); }},
    {"virtual-cpu-symbols", "an_operand_off_by_one", [](Copy& c) { ++c.at(slot("GetCR0") + 1); }},
    {"virtual-cpu-symbols", "an_operand_without_symbol",
     [](Copy& c) { c.put_dword(slot("GetCR0") + 1, shipped().place("vcpu.esp0").address); }},
    {"virtual-cpu-symbols", "an_operand_beyond_the_virtual_cpu", [](Copy& c) { ++c.at(slot("GetCR0") + 2); }},
    {"virtual-cpu-symbols", "an_operand_beyond_the_image", [](Copy& c) { c.at(slot("GetCR0") + 4) = 0xc0; }},
    {"virtual-cpu-symbols", "an_index_into_nothing", [](Copy& c) { ++c.at(slot("GetRelocationInfo") + 9); }},
    {"virtual-cpu-symbols", "a_load_wider_than_its_field",
     [](Copy& c) {
       c.put(slot("GetLDT"), {kNop, 0x8b, 0x05});
     }},

    {"virtual-cpu-relation", "a_field_of_another_name",
     [](Copy& c) { c.rename(".debug_str", "sysenter_eip", "sysenter_eiq"); }},

    {"initial-state", "a_pic_base_between_vectors",
     [](Copy& c) { c.at(shipped().place("vcpu.pic[1].vector_base").address) = 1; }},
    {"boundary-frame", "a_register_saved_twice", [](Copy& c) { c.at(slot("WRMSR") + kPushEcx) = kPushEdxOpcode; }},
    {"boundary-frame", "the_frame_one_word_off", [](Copy& c) { c.at(slot("SetGDT") + kFrameSize) = 4; }},
    {"boundary-frame", "the_function_of_another_call",
     [](Copy& c) { c.redirect(slot("WRMSR") + kCallField, shipped().address_of("RDMSR_ext")); }},
    {"boundary-frame", "init_saves_a_register_twice", [](Copy& c) { c.at(slot("Init") + kPushEcx) = kPushEdxOpcode; }},
    {"boundary-frame", "no_call_at_all",
     [](Copy& c) {
       c.put(slot("SetTR") + kCallField - 1, {kNop, kNop, kNop, kNop, kNop});
     }},

    {"initial-state", "work_is_waiting", [](Copy& c) { c.at(shipped().place("vcpu.work").address) = VMI_WORK_EXCEPTION; }},
    {"initial-state", "init_has_succeeded", [](Copy& c) { c.at(shipped().place("vcpu.initialised").address) = 1; }},
    {"initial-state", "more_descriptors_than_the_table_has",
     [](Copy& c) { c.at(shipped().place("vcpu.gdt_entries").address + 3) = 1; }},
    {"initial-state", "the_trap_table_does_not_end", [](Copy& c) { c.at("trap_table", 8 * X86_GATES + 4) = 1; }},

    // pushf; sub $20, %esp; push %eax; push %ecx
    {"exit-frame", "a_register_saved_twice", [](Copy& c) { c.at("deliver", 5) = kPushEdxOpcode; }},
    {"exit-frame", "less_room", [](Copy& c) { c.at("deliver", 3) = 16; }},
    {"exit-frame", "another_function",
     [](Copy& c) { c.redirect(shipped().address_of("deliver.return") - 4, shipped().address_of("enter_handler")); }},
    {"exit-frame", "ds_from_another_register", [](Copy& c) { c.at("deliver", 0x13) = 0xd9; }},  // mov %ecx, %ds
    // push %ebx; popf
    {"exit-frame", "df_may_be_set",
     [](Copy& c) {
       c.put("deliver", 9, {0x53, 0x9d, kNop});
     }},
    {"exit-frame", "it_returns_at_once", [](Copy& c) { c.at("deliver", 0) = kRet; }},

    // push %edi; push %esi
    {"trap-frame", "a_register_saved_twice", [](Copy& c) { c.at("trap_common", 1) = kPushEdxOpcode; }},
    {"trap-frame", "the_frame_in_another_register", [](Copy& c) { c.at("trap_common", 0x13) = 0xe2; }},  // mov %esp, %edx
    {"trap-frame", "ds_from_another_register", [](Copy& c) { c.at("trap_common", 0x11) = 0xd8; }},       // mov %eax, %ds
    {"trap-frame", "another_function",
     [](Copy& c) { c.redirect(shipped().address_of("trap_common.ds") - 4, shipped().address_of("deliver_to_guest")); }},

    {"patchups-complete", "a_branch_that_is_missing",
     [](Copy& c) { c.put_dword(".vmi_patchups", 0, shipped().patchups()[1]); }},
    {"patchups-complete", "an_offset_that_is_no_displacement",
     [](Copy& c) { c.put_dword(".vmi_patchups", 2, shipped().patchups()[2] + 1); }},
    {"patchups-complete", "a_branch_that_leaves_the_table_unlisted",
     [](Copy& c) {
       c.put(slot("IODelay"), {0xe9});
       c.redirect(slot("IODelay") + 1, shipped().address_of("deliver"));
     }},
    {"patchups-complete", "the_list_ends_early", [](Copy& c) { c.move_symbol("vmi_patchups_end", -4); }},

    {"patchups-right", "a_branch_into_a_function", [](Copy& c) { ++c.at(slot("RDMSR") + kJneField); }},
    {"patchups-right", "a_branch_to_a_label_within_a_function",
     [](Copy& c) { c.redirect(slot("RDMSR") + kJneField, shipped().address_of("deliver.es")); }},
    {"patchups-right", "a_displacement_corrected_twice",
     [](Copy& c) { c.put_dword(".vmi_patchups", 0, shipped().patchups()[1]); }},
    {"patchups-right", "a_correction_of_something_else",
     [](Copy& c) { c.put_dword(".vmi_patchups", 0, slot("GetCR0") + 1 - shipped().address_of("vmi_rom")); }},

    // sub $8, %esp; push $vector; jmp trap_common
    {"trap-wrappers", "another_vector", [](Copy& c) { ++c.at(wrapper(3) + 4); }},
    {"trap-wrappers", "no_room_for_the_error_code", [](Copy& c) { c.at(wrapper(6) + 2) = 4; }},
    {"trap-wrappers", "an_error_code_not_marked", [](Copy& c) { c.at(wrapper(X86_TRAP_PF) + 7) = 0; }},
    {"trap-wrappers", "another_destination", [](Copy& c) { ++c.at(wrapper(255) + 9); }},
    {"trap-wrappers", "nothing_reserved",
     [](Copy& c) {
       c.put(wrapper(9), {kNop, kNop, kNop});
     }},
    {"trap-wrappers", "a_register_changes",
     [](Copy& c) {
       c.put(wrapper(9), {0x31, 0xc0, 0x83, 0xec, 0x08, 0x6a, 9, 0xe9});  // xor %eax, %eax before the rest
       c.redirect(wrapper(9) + 8, shipped().address_of("trap_common"));
     }},

    {"exception-table", "an_entry_inside_an_instruction",
     [](Copy& c) { c.put_dword(".vmi_exceptions", 4, shipped().exceptions()[2].instruction + 1); }},
    {"exception-table", "an_entry_for_a_return",
     [](Copy& c) { c.put_dword(".vmi_exceptions", 4, shipped().exceptions()[2].instruction + 3); }},
    {"exception-table", "a_fix_up_inside_an_instruction",
     [](Copy& c) { c.put_dword(".vmi_exceptions", 5, shipped().exceptions()[2].fixup + 1); }},
    {"exception-table", "a_fix_up_in_another_function",
     [](Copy& c) { c.put_dword(".vmi_exceptions", 5, shipped().exceptions()[3].fixup); }},
    {"exception-table", "a_fix_up_at_the_instruction_itself",
     [](Copy& c) { c.put_dword(".vmi_exceptions", 5, shipped().exceptions()[2].instruction); }},
    {"exception-table", "two_entries_for_an_instruction",
     [](Copy& c) {
       c.put_dword(".vmi_exceptions", 4, shipped().exceptions()[3].instruction);
       c.put_dword(".vmi_exceptions", 5, shipped().exceptions()[3].fixup);
     }},
    {"exception-table", "the_list_begins_late", [](Copy& c) { c.move_symbol("vmi_exceptions", 8); }},

    {"sections", "text_is_writable", [](Copy& c) { c.set_section_flags(".text", SHF_WRITE); }},
    {"sections", "data_is_executable", [](Copy& c) { c.set_section_flags(".vcpu", SHF_EXECINSTR); }},
    {"sections", "code_is_mapped_writable", [](Copy& c) { c.set_segment_flags(shipped().section(".text").address, PF_W); }},
    {"sections", "guarded_tables_are_mapped_writable",
     [](Copy& c) { c.set_segment_flags(shipped().address_of("ldt_copy"), PF_W); }},
    // In the place of movzwl (%eax), %eax.
    {"sections", "x87_in_the_text",
     [](Copy& c) {
       c.put("guest_load16", 2, {0xd9, 0xc0, kNop});
     }},
    {"sections", "sse_in_the_text",
     [](Copy& c) {
       c.put("guest_load16", 2, {0x0f, 0x57, 0xc0});
     }},
    {"sections", "a_control_register_in_the_text",
     [](Copy& c) {
       c.put("guest_load16", 2, {0x0f, 0x20, 0xc0});
     }},
    {"sections", "cpuid_in_the_text",
     [](Copy& c) {
       c.put("guest_load16", 2, {0x0f, 0xa2, kNop});
     }},
    {"sections", "an_interrupt_in_the_text",
     [](Copy& c) {
       c.put("guest_load16", 2, {0xcd, 0x82, kNop});
     }},
    {"sections", "cli_in_a_slot",
     [](Copy& c) {
       c.put(slot("Pause"), {0xfa, kNop});
     }},
    {"sections", "a_function_inside_an_instruction", [](Copy& c) { c.move_symbol("guest_load32", 1); }},
    {"sections", "a_loop_head_inside_an_instruction",
     [](Copy& c) { c.rename(".vmi_loops", std::string("\xf5") + "enter", std::string("\xf6") + "enter"); }},
    {"sections", "a_loop_in_no_register", [](Copy& c) { c.rename(".vmi_loops", "%eax", "%xax"); }},
};

engine::Verdict verdict_of(const Image& image, const std::string& obligation, std::string* detail) {
  for (const ImageObligation& o : prove_image(image)) {
    if (o.name != obligation) continue;
    *detail = o.detail;
    return o.verdict;
  }
  return engine::Verdict::kMissing;
}

class PlantedFault : public testing::TestWithParam<Planted> {};

TEST_P(PlantedFault, is_refuted) {
  Copy copy;
  GetParam().plant(copy);
  if (GetParam().fix_checksum) copy.fix_checksum();
  std::string detail;
  EXPECT_EQ(verdict_of(copy.load(), GetParam().obligation, &detail), engine::Verdict::kRefuted) << detail;
  EXPECT_FALSE(detail.empty());
  RecordProperty("detail", detail);
}

std::string test_name(const testing::TestParamInfo<Planted>& info) {
  std::string name = std::string(info.param.obligation) + "__" + info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Layout, PlantedFault, testing::ValuesIn(kPlanted), test_name);

TEST(Layout, shipped_image_meets_every_obligation) {
  for (const ImageObligation& o : prove_image(shipped())) {
    EXPECT_EQ(o.verdict, engine::Verdict::kProved) << o.name << ": " << o.detail;
    EXPECT_EQ(o.detail, "");
  }
}

TEST(Layout, results_are_the_manifest) {
  std::vector<std::string> names;
  for (const ImageObligation& o : prove_image(shipped())) names.push_back(o.name);
  EXPECT_EQ(names, image_obligations());
}

TEST(Layout, every_obligation_has_a_planted_fault) {
  for (const std::string& name : image_obligations()) {
    EXPECT_TRUE(std::any_of(std::begin(kPlanted), std::end(kPlanted), [&](const Planted& p) {
      return name == p.obligation;
    })) << name;
  }
}

TEST(Layout, every_patch_up_is_a_script_over_the_load_address) {
  uint32_t scripts = 0;
  prove_image(shipped(), [&](const std::string& obligation, uint32_t number, const std::string& script) {
    if (obligation != "patchups-right") return;
    EXPECT_EQ(number, scripts++);
    EXPECT_NE(script.find("Expected: unsat"), std::string::npos);
    EXPECT_NE(script.find("displacement"), std::string::npos) << script;
    EXPECT_NE(script.find("L"), std::string::npos);
  });
  EXPECT_EQ(scripts, shipped().patchups().size());
}

TEST(Layout, an_obligation_that_cannot_be_decided_is_an_error_and_the_others_are_decided) {
  Copy copy;
  copy.rename(".debug_str", "exit_frame_t", "exit_frame_u");
  for (const ImageObligation& o : prove_image(copy.load())) {
    EXPECT_EQ(o.verdict, o.name == "exit-frame" ? engine::Verdict::kError : engine::Verdict::kProved) << o.name;
    EXPECT_EQ(o.detail.find("exit_frame_t") != std::string::npos, o.name == "exit-frame") << o.detail;
  }
}

}  // namespace
}  // namespace vmirom
