// Descriptor tables. The guest's GDT and LDT stay its own memory; the processor uses copies that the hypervisor guards.
#include "rom/backend/hypervisor.h"
#include "rom/frontend/boundary.h"
#include "rom/frontend/events.h"
#include "rom/frontend/guest_memory.h"
#include "rom/frontend/idt.h"
#include "rom/frontend/loop.h"
#include "rom/frontend/segments.h"

namespace {

// One entry of a guest table. An entry the guest has not mapped is empty: loading a table register reads no entries.
bool load_descriptor(uint32_t address, descriptor_t& d) {
  return guest_memory::load32(address, d.low) && guest_memory::load32(address + 4, d.high);
}

// Entries [0, entries) of the processor's table follow the guest's at base, entries [entries, end) become empty. One
// request for each entry that changes.
void follow_guest_table(const hypervisor::DescriptorTable& table, uint32_t base, uint32_t entries, uint32_t end) {
  for (uint32_t i = 0;; ++i) {
    VMI_LOOP_HEAD("follow_guest_table", i);
    if (i >= end) return;
    descriptor_t guest, wanted = {0, 0};
    if (i < entries && load_descriptor(base + i * X86_DESCRIPTOR_BYTES, guest)) wanted = copy_for_hypervisor(guest);
    const volatile descriptor_t& entry = table.entries[i];
    if (entry.low != wanted.low || entry.high != wanted.high) hypervisor::update_descriptor(table, i, wanted);
  }
}

// The descriptor that LLDT or LTR would load from the guest's own GDT. Raises and returns false when there is none of the
// type, or it is not present.
bool load_system_descriptor(uint32_t selector, uint32_t type, uint32_t other_type, descriptor_t& d) {
  const vcpu_t& cpu = get_cpu();
  const uint32_t error = selector & kSelectorNoRpl;
  const uint32_t offset = selector & kSelectorIndex;
  if ((selector & kLocalTable) || offset + 7 > cpu.gdtr.limit) {
    raise(X86_TRAP_GP, error);
    return false;
  }
  if (!load_descriptor(cpu.gdtr.base + offset, d)) {
    raise_guest_fault();
    return false;
  }
  const uint32_t found = d.high & kSystemType;
  if (found != type && found != other_type) {
    raise(X86_TRAP_GP, error);
    return false;
  }
  if (!(d.high & kPresent)) {
    raise(X86_TRAP_NP, error);
    return false;
  }
  return true;
}

uint32_t entries_within(uint32_t limit, uint32_t most) {
  const uint32_t entries = (limit >> 3) + ((limit & 7) == 7);
  return entries < most ? entries : most;
}

}  // namespace

VMI_EXT(SetGDT) {
  vcpu_t& cpu = get_cpu();
  table_register_t gdtr;
  if (!guest_memory::load_table_register(frame->eax, gdtr)) return raise_guest_fault();
  cpu.gdtr = gdtr;
  const uint32_t entries = entries_within(gdtr.limit, XEN_GDT_ENTRIES);
  const uint32_t end = entries > cpu.gdt_entries ? entries : cpu.gdt_entries;
  FlatSegments flat;
  follow_guest_table(hypervisor::gdt, gdtr.base, entries, end);
  cpu.gdt_entries = entries;
}

VMI_EXT(SetLDT) {
  vcpu_t& cpu = get_cpu();
  const uint32_t selector = frame->eax & 0xffff;
  table_register_t ldt = {0, 0};
  uint32_t entries = 0;
  if (!is_null(selector)) {
    descriptor_t d;
    if (!load_system_descriptor(selector, kTypeLdt, kTypeLdt, d)) return;
    ldt = {descriptor_base(d), descriptor_limit(d)};
    entries = entries_within(ldt.limit, X86_LDT_ENTRIES);
  }
  cpu.ldtr = selector;
  cpu.ldt = ldt;
  FlatSegments flat;
  follow_guest_table(hypervisor::ldt, ldt.base, entries, entries);
  cpu.ldt_entries = entries;
  hypervisor::install_ldt(entries);
}

VMI_EXT(SetTR) {
  vcpu_t& cpu = get_cpu();
  const uint32_t selector = frame->eax & 0xffff;
  descriptor_t d;
  if (is_null(selector)) return raise(X86_TRAP_GP, 0);
  if (!load_system_descriptor(selector, kTypeTss, kTypeTss, d)) return;
  const uint32_t tss = descriptor_base(d);
  uint32_t esp0, ss0;
  const uint32_t access_byte = cpu.gdtr.base + (selector & kSelectorIndex) + 5;
  if (!guest_memory::load32(tss + 4, esp0) || !guest_memory::load16(tss + 8, ss0) ||
      !guest_memory::or8(access_byte, kTssBusy >> kTypeShift)) {
    return raise_guest_fault();
  }
  cpu.tr = selector;
  cpu.esp0 = esp0;
  cpu.ss0 = ss0;
  hypervisor::set_kernel_stack(ss0, esp0);
}

VMI_EXT(SetIDT) {
  table_register_t idtr;
  if (!guest_memory::load_table_register(frame->eax, idtr)) return raise_guest_fault();
  get_cpu().idtr = idtr;
  follow_guest_idt();
}

VMI_EXT(GetGDT) {
  if (!guest_memory::store_table_register(frame->eax, get_cpu().gdtr)) raise_guest_fault();
}

VMI_EXT(GetIDT) {
  if (!guest_memory::store_table_register(frame->eax, get_cpu().idtr)) raise_guest_fault();
}
