// Descriptor tables. The guest's stay its own memory and are read when a call says so; the processor uses the
// hypervisor's, which follow them.
//
// Sources: the VMI 2.0 text, "Descriptor related calls"; Intel SDM volume 2 (LGDT, LIDT, LLDT, LTR) for checks and errors.
#ifndef VMIROM_MODEL_DESCRIPTORS_H_
#define VMIROM_MODEL_DESCRIPTORS_H_

#include "model/descriptor.h"
#include "model/exceptions.h"
#include "model/guest_memory.h"
#include "model/hypervisor/request.h"
#include "model/transitions.h"

namespace vmirom::model {

// A guest descriptor as the hypervisor is to hold it. Kernel segments run at ring 1; the accessed bit is set at once, so
// that the processor need not write; what Xen has no use for (TSS, LDT, other gates) is left out.
template <class D>
Descriptor<D> for_hypervisor(const Descriptor<D>& guest) {
  using Word = typename D::Word;
  const Word raised = D::select(guest.dpl() == Word(0), guest.high | 1u << 13, guest.high);
  const Word segment = (raised | 1u << 8) & ~(1u << 21);
  const auto keep = (!guest.present()) | guest.is_system(kTypeCallGate);
  const auto use = keep | guest.is_segment();
  return {D::select(use, guest.low, 0), D::select(keep, guest.high, D::select(guest.is_segment(), segment, 0))};
}

// Entries [0, entries) of a table of the processor's follow the guest's at base; entries [entries, end) become empty.
template <class D>
void follow_guest_table(State<D>& s, WhichTable which, typename D::Word base, typename D::Word entries,
                        typename D::Word end) {
  using Word = typename D::Word;
  Word i = 0;
  const uint32_t most = which == WhichTable::kGdt ? XEN_GDT_ENTRIES : X86_LDT_ENTRIES;
  s.world.loop(
      s, "follow_guest_table", most, {&i}, [&] { return i <= end; }, [&] { return end - i; },
      [&] {
        if (i >= end) return false;
        Descriptor<D> wanted{0, 0};
        if (i < entries) {
          Descriptor<D> guest;
          GuestFault<D> ignored;
          // An entry the guest has not mapped is empty: loading a table register reads no entries.
          if (load_descriptor<D>(s, base + (i << 3), guest.low, guest.high, ignored)) wanted = for_hypervisor<D>(guest);
        }
        typename D::Table& table = which == WhichTable::kGdt ? s.gdt : s.ldt;
        if ((table.get(i * 2) != wanted.low) | (table.get(i * 2 + 1) != wanted.high)) {
          const Word frame = (which == WhichTable::kGdt ? s.gdt_frames : s.ldt_frames).get(i >> 9);
          const Word offset = (i & 511) << 3;
          s.world.request(s, Request<D>{RequestKind::kUpdateDescriptor,
                                        {(frame << 12) | offset, frame >> 20, wanted.low, wanted.high},
                                        {},
                                        which,
                                        i});
        }
        i = i + 1;
        return true;
      });
}

template <class D>
typename D::Word entries_within(typename D::Word limit, uint32_t most) {
  using Word = typename D::Word;
  const Word whole = (limit >> 3) + D::select((limit & 7) == Word(7), 1, 0);
  return D::select(whole < Word(most), whole, most);
}

// All segment registers are loaded again from the tables as they are now. One whose selector no longer loads gets the
// hypervisor's flat segment, FS and GS null; CS and SS also where the new segment would not be flat.
template <class D>
void reload_segments(State<D>& s) {
  using Word = typename D::Word;
  const Word cpl = s.vcpu.flat_cs & 3;
  const auto data = [&](Word selector, Word otherwise) {
    return D::select(data_selector_loads<D>(s, selector, cpl), selector, otherwise);
  };
  s.cpu.ds = data(s.cpu.ds, s.vcpu.flat_ds);
  s.cpu.es = data(s.cpu.es, s.vcpu.flat_ds);
  s.cpu.fs = data(s.cpu.fs, 0);
  s.cpu.gs = data(s.cpu.gs, 0);
  const Descriptor<D> code = descriptor_of<D>(s, s.cpu.cs), stack = descriptor_of<D>(s, s.cpu.ss);
  const auto code_loads =
      code.present() & code.is_code() & !code.conforming() & (code.dpl() == cpl) & code.is_flat() & ((s.cpu.cs & 3) == cpl);
  s.cpu.cs = D::select(code_loads, s.cpu.cs, s.vcpu.flat_cs);
  s.cpu.ss = D::select(stack_selector_loads<D>(s, s.cpu.ss, cpl) & stack.is_flat(), s.cpu.ss, s.vcpu.flat_ds);
}

// The descriptor that LLDT or LTR loads: from the guest's own GDT, of a type, present. Raises and returns false otherwise.
template <class D>
bool load_system_descriptor(State<D>& s, typename D::Word selector, uint32_t type, Descriptor<D>& d) {
  using Word = typename D::Word;
  const Word error = selector & kNullMask;
  const Word offset = selector & 0xfff8;
  if (((selector & 4) != Word(0)) | (offset + 7 > s.vcpu.gdtr.limit)) return raise<D>(s, X86_TRAP_GP, error), false;
  GuestFault<D> fault;
  if (!load_descriptor<D>(s, s.vcpu.gdtr.base + offset, d.low, d.high, fault)) return raise<D>(s, fault), false;
  if (!d.is_system(type)) return raise<D>(s, X86_TRAP_GP, error), false;
  if (!d.present()) return raise<D>(s, X86_TRAP_NP, error), false;
  return true;
}

template <class D>
void SetGDT(State<D>& s) {
  using Word = typename D::Word;
  TableRegister<D> gdtr;
  GuestFault<D> fault;
  if (!load_table_register<D>(s, s.cpu.eax, gdtr, fault)) return raise<D>(s, fault), leave<D>(s);
  s.vcpu.gdtr = gdtr;
  const Word entries = entries_within<D>(gdtr.limit, XEN_GDT_ENTRIES);
  const Word old = s.vcpu.gdt_entries;
  follow_guest_table<D>(s, WhichTable::kGdt, gdtr.base, entries, D::select(entries > old, entries, old));
  s.vcpu.gdt_entries = entries;
  reload_segments<D>(s);
  leave<D>(s);
}

template <class D>
void SetLDT(State<D>& s) {
  using Word = typename D::Word;
  const Word selector = s.cpu.eax & 0xffff;
  TableRegister<D> ldt{0, 0};
  Word entries = 0;
  if (!is_null<D>(selector)) {
    Descriptor<D> d;
    if (!load_system_descriptor<D>(s, selector, kTypeLdt, d)) return leave<D>(s);
    ldt = {d.base(), d.limit()};
    entries = entries_within<D>(ldt.limit, X86_LDT_ENTRIES);
  }
  s.vcpu.ldtr = selector;
  s.vcpu.ldt = ldt;
  follow_guest_table<D>(s, WhichTable::kLdt, ldt.base, entries, entries);
  s.vcpu.ldt_entries = entries;
  s.world.request(s, Request<D>{RequestKind::kSetLdt, {s.rom.ldt_copy, entries}});
  reload_segments<D>(s);
  leave<D>(s);
}

template <class D>
void SetTR(State<D>& s) {
  using Word = typename D::Word;
  const Word selector = s.cpu.eax & 0xffff;
  Descriptor<D> d;
  if (is_null<D>(selector)) return raise<D>(s, X86_TRAP_GP, 0), leave<D>(s);
  if (!load_system_descriptor<D>(s, selector, kTypeTssAvailable, d)) return leave<D>(s);
  const Word tss = d.base();
  const Word access_byte = s.vcpu.gdtr.base + (selector & 0xfff8) + 5;
  Word esp0, ss0;
  GuestFault<D> fault;
  // Offsets in a 32-bit TSS: ESP0 at 4, SS0 at 8. The descriptor becomes busy.
  if (!load<D>(s, tss + 4, 4, esp0, fault) || !load<D>(s, tss + 8, 2, ss0, fault) ||
      !may_access<D>(s, access_byte, 1, true, fault))
    return raise<D>(s, fault), leave<D>(s);
  s.memory.store(access_byte, s.memory.load(access_byte, 1) | 2, 1);
  s.vcpu.tr = selector;
  s.vcpu.esp0 = esp0;
  s.vcpu.ss0 = ss0;
  s.world.request(s, Request<D>{RequestKind::kStackSwitch, {ss0, esp0}});
  leave<D>(s);
}

// The trap-table entry for a vector of the guest's IDT. Only a trap gate for user mode is the guest's handler itself; at
// every other vector the hypervisor enters the ROM's wrapper.
template <class D>
Descriptor<D> trap_table_entry(State<D>& s, typename D::Word vector) {
  using Word = typename D::Word;
  const Word wrapper = Word(s.rom.trap_wrappers) + (vector * VMI_TRAP_WRAPPER_BYTES);
  const Word offset = vector << 3;
  const auto entry = [&](Word dpl, Word selector, Word handler) {
    return Descriptor<D>{vector | (dpl << 8) | ((selector & 0xffff) << 16), handler};
  };
  Descriptor<D> gate;
  GuestFault<D> ignored;
  if (offset + 7 > s.vcpu.idtr.limit || !load_descriptor<D>(s, s.vcpu.idtr.base + offset, gate.low, gate.high, ignored))
    return entry(0, s.vcpu.flat_cs, wrapper);
  const auto trap_gate = gate.is_system(kTypeTrapGate);
  const auto usable = gate.present() & (trap_gate | gate.is_system(kTypeInterruptGate));
  const Descriptor<D> code = descriptor_of<D>(s, gate.gate_selector());
  const auto direct = usable & trap_gate & (gate.dpl() == Word(3)) & (vector >= Word(X86_FIRST_SOFTWARE_VECTOR)) &
                      (gate.gate_offset() != Word(0)) & code.present() & is_code_for<D>(code, s.vcpu.flat_cs & 3);
  return entry(D::select(usable, gate.dpl(), 0), D::select(direct, gate.gate_selector(), s.vcpu.flat_cs),
               D::select(direct, gate.gate_offset(), wrapper));
}

// The hypervisor's trap table follows the whole of the guest's IDT. Returns the hypervisor's answer.
template <class D>
typename D::Word follow_guest_idt(State<D>& s) {
  using Word = typename D::Word;
  Word vector = 0;
  s.world.loop(
      s, "follow_guest_idt", X86_GATES, {&vector}, [&] { return vector <= Word(X86_GATES); },
      [&] { return Word(X86_GATES) - vector; },
      [&] {
        if (vector >= Word(X86_GATES)) return false;
        const Descriptor<D> entry = trap_table_entry<D>(s, vector);
        s.trap_table.set(vector * 2, entry.low);
        s.trap_table.set(vector * 2 + 1, entry.high);
        vector = vector + 1;
        return true;
      });
  return s.world.request(s, Request<D>{RequestKind::kSetTrapTable, {}, s.trap_table});
}

template <class D>
void SetIDT(State<D>& s) {
  TableRegister<D> idtr;
  GuestFault<D> fault;
  if (!load_table_register<D>(s, s.cpu.eax, idtr, fault)) return raise<D>(s, fault), leave<D>(s);
  s.vcpu.idtr = idtr;
  follow_guest_idt<D>(s);
  leave<D>(s);
}

template <class D>
void GetGDT(State<D>& s) {
  GuestFault<D> fault;
  if (!store_table_register<D>(s, s.cpu.eax, s.vcpu.gdtr, fault)) raise<D>(s, fault);
  leave<D>(s);
}

template <class D>
void GetIDT(State<D>& s) {
  GuestFault<D> fault;
  if (!store_table_register<D>(s, s.cpu.eax, s.vcpu.idtr, fault)) raise<D>(s, fault);
  leave<D>(s);
}

template <class D>
void GetLDT(State<D>& s) {
  s.cpu.eax = s.vcpu.ldtr;
  return_to_caller<D>(s);
}

template <class D>
void GetTR(State<D>& s) {
  s.cpu.eax = s.vcpu.tr;
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_DESCRIPTORS_H_
