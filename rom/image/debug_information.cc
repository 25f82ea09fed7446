// The layout of the image's data, from its DWARF.
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>

#include <algorithm>
#include <memory>

#include "rom/image/image.h"

namespace vmirom {
namespace {

// The type behind typedefs and qualifiers.
bool peeled_type(Dwarf_Die* die, Dwarf_Die* type) {
  Dwarf_Attribute attribute;
  Dwarf_Die named;
  return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), &named) && dwarf_peel_type(&named, type) == 0;
}

std::string key_of(Dwarf_Die* die) { return std::to_string(dwarf_dieoffset(die)); }

uint32_t member_offset(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(die, DW_AT_data_member_location, &attribute)) dwarf_formudata(&attribute, &value);
  return value;
}

uint32_t array_count(Dwarf_Die* die) {
  Dwarf_Die child;
  Dwarf_Attribute attribute;
  Dwarf_Word value;
  if (dwarf_child(die, &child) != 0) return 0;
  if (dwarf_attr(&child, DW_AT_upper_bound, &attribute) && dwarf_formudata(&attribute, &value) == 0) return value + 1;
  if (dwarf_attr(&child, DW_AT_count, &attribute) && dwarf_formudata(&attribute, &value) == 0) return value;
  return 0;
}

}  // namespace

void Image::read_debug_information() {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_memory(reinterpret_cast<char*>(file_.data()), file_.size()), elf_end);
  const std::unique_ptr<Dwarf, int (*)(Dwarf*)> dwarf(elf ? dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr) : nullptr,
                                                      dwarf_end);
  if (!dwarf) fail("its debug information cannot be read", "give the unstripped ELF that the build made");

  // Adds a type with all it consists of.
  const auto add = [&](auto& self, Dwarf_Die type) -> std::string {
    const std::string key = key_of(&type);
    if (layouts_.count(key)) return key;
    Layout& layout = layouts_[key];
    Dwarf_Word size = 0;
    dwarf_aggregate_size(&type, &size);
    layout.size = size;
    Dwarf_Die member, member_type;
    if (dwarf_tag(&type) == DW_TAG_array_type) {
      layout.element_count = array_count(&type);
      if (peeled_type(&type, &member_type)) layout.element = self(self, member_type);
    } else if (dwarf_tag(&type) == DW_TAG_structure_type || dwarf_tag(&type) == DW_TAG_union_type) {
      for (int more = dwarf_child(&type, &member); more == 0; more = dwarf_siblingof(&member, &member)) {
        const char* name = dwarf_diename(&member);
        if (dwarf_tag(&member) != DW_TAG_member || !name || !peeled_type(&member, &member_type)) continue;
        layout.members[name] = {member_offset(&member), self(self, member_type)};
      }
    }
    return key;
  };
  const auto visit = [&](auto& self, Dwarf_Die parent) -> void {
    Dwarf_Die die, type;
    for (int more = dwarf_child(&parent, &die); more == 0; more = dwarf_siblingof(&die, &die)) {
      const int tag = dwarf_tag(&die);
      const char* name = dwarf_diename(&die);
      if (tag == DW_TAG_namespace) {
        self(self, die);
      } else if (tag == DW_TAG_variable && name && peeled_type(&die, &type)) {
        variables_[name] = add(add, type);
      } else if (tag == DW_TAG_structure_type && name && !dwarf_hasattr(&die, DW_AT_declaration)) {
        type_names_[name] = add(add, die);
      }
    }
  };
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf.get(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    visit(visit, die);
    if (dwarf_srclang(&die) != DW_LANG_Mips_Assembler) continue;
    Dwarf_Addr base, begin, end;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &begin, &end)) > 0;)
      assembly_.push_back({uint32_t(begin), uint32_t(end)});
  }
  if (variables_.empty()) fail("its debug information names no variables", "build the image with -g");
}

Place Image::walk(const std::string& type, std::string_view path, std::string_view whole) const {
  const Layout* layout = &layouts_.at(type);
  uint32_t offset = 0;
  const auto unknown = [&]() {
    fail("its debug information has no " + std::string(whole),
         "the image is of another version than this tool: rebuild both");
  };
  while (!path.empty()) {
    if (path[0] == '[') {
      const size_t end = path.find(']');
      const uint32_t index = std::stoul(std::string(path.substr(1, end - 1)));
      if (layout->element.empty() || index >= layout->element_count) unknown();
      layout = &layouts_.at(layout->element);
      offset += index * layout->size;
      path.remove_prefix(end + 1);
      continue;
    }
    if (path[0] == '.') path.remove_prefix(1);
    const size_t end = std::min(path.find_first_of(".["), path.size());
    const auto found = layout->members.find(path.substr(0, end));
    if (found == layout->members.end()) unknown();
    offset += found->second.offset;
    layout = &layouts_.at(found->second.type);
    path.remove_prefix(end);
  }
  return {offset, layout->size};
}

Place Image::place(std::string_view path) const {
  const size_t end = std::min(path.find_first_of(".["), path.size());
  const auto variable = variables_.find(path.substr(0, end));
  if (variable == variables_.end())
    fail("its debug information has no variable " + std::string(path.substr(0, end)),
         "the image is of another version than this tool: rebuild both");
  Place place = walk(variable->second, path.substr(end), path);
  place.address += address_of(path.substr(0, end));
  return place;
}

Place Image::member(std::string_view type, std::string_view path) const {
  const auto found = type_names_.find(type);
  if (found == type_names_.end())
    fail("its debug information has no type " + std::string(type),
         "the image is of another version than this tool: rebuild both");
  return walk(found->second, path, path);
}

std::vector<std::string> Image::leaves(std::string_view name) const {
  auto found = variables_.find(name);
  if (found == variables_.end()) {
    found = type_names_.find(name);
    if (found == type_names_.end())
      fail("its debug information has neither a variable nor a type " + std::string(name),
           "the image is of another version than this tool: rebuild both");
  }
  std::vector<std::string> paths;
  const auto add = [&](auto& self, const Layout& layout, const std::string& path) -> void {
    for (uint32_t i = 0; i < layout.element_count; ++i)
      self(self, layouts_.at(layout.element), path + "[" + std::to_string(i) + "]");
    std::vector<std::pair<uint32_t, std::string>> members;
    for (const auto& [member_name, member] : layout.members) members.push_back({member.offset, member_name});
    std::sort(members.begin(), members.end());
    for (const auto& [offset, member_name] : members)
      self(self, layouts_.at(layout.members.at(member_name).type), path.empty() ? member_name : path + "." + member_name);
    if (!layout.element_count && members.empty()) paths.push_back(path);
  };
  add(add, layouts_.at(found->second), "");
  return paths;
}

bool Image::has_type(std::string_view type) const { return type_names_.count(std::string(type)) != 0; }

}  // namespace vmirom
