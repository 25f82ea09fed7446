// Entering the virtual machine's mode, and telling the guest where to call.
//
// Source: the VMI 2.0 text ("Core interface calls") and what clients of API 13.x do (GetRelocationInfo).
#ifndef VMIROM_MODEL_INIT_H_
#define VMIROM_MODEL_INIT_H_

#include "model/descriptors.h"

namespace vmirom::model {

// True where guest memory holds the ROM's header, at the address by which the guest reaches it.
template <class D>
bool rom_lies_at(State<D>& s, typename D::Word base) {
  using Word = typename D::Word;
  Word signature, version;
  GuestFault<D> ignored;
  if (!load<D>(s, base + VMI_HEADER_SIGNATURE, 4, signature, ignored) || signature != Word(VMI_SIGNATURE)) return false;
  return load<D>(s, base + VMI_HEADER_MINOR, 2, version, ignored) && version == Word(VMI_API_MAJOR << 8 | VMI_API_MINOR);
}

// Displacements of the table at base reach the same targets as in the table as linked. False, and nothing is written, when
// the guest cannot write all of the table.
template <class D>
bool fix_patchups(State<D>& s, typename D::Word base) {
  using Word = typename D::Word;
  GuestFault<D> ignored;
  if (!may_access<D>(s, base, s.rom.table_bytes, true, ignored)) return false;
  for (size_t i = 0; i < s.rom.patchups.size(); ++i)
    s.memory.store(base + s.rom.patchups[i], Word(s.rom.linked_displacements[i]) + (Word(VMI_WEDGE) - base), 4);
  return true;
}

// EAX: where the guest has the ROM; where there is no header, the address it was called at counts.
template <class D>
void Init(State<D>& s) {
  using Word = typename D::Word;
  const Word called_at = s.cpu.eip - VMI_SLOT_BYTES * VMI_FIRST_SLOT;
  bool ready = true;
  if (s.vcpu.initialised == Word(0)) {
    s.vcpu.flat_cs = s.cpu.cs;
    s.vcpu.flat_ds = s.cpu.ss;
    ready = !bool(follow_guest_idt<D>(s) >= Word(0x80000000));
    if (ready) {
      Request<D> install{RequestKind::kSetGdt, {}};
      for (uint32_t i = 0; i < XEN_GDT_FRAMES; ++i) install.words.push_back(s.gdt_frames.get(i));
      install.words.push_back(XEN_GDT_ENTRIES);
      ready = !bool(s.world.request(s, install) >= Word(0x80000000));
    }
    if (ready) s.vcpu.initialised = 1;
  }
  if (ready) {
    Word base = s.cpu.eax;
    if (!rom_lies_at<D>(s, base)) base = called_at;
    ready = base == Word(VMI_WEDGE) || fix_patchups<D>(s, base);
  }
  s.cpu.eax = ready ? 0 : -1;
  return_to_caller<D>(s);
}

// The address is that of the table as linked, whatever copy was asked.
template <class D>
void GetRelocationInfo(State<D>& s) {
  using Word = typename D::Word;
  const Word number = s.cpu.eax;
  Word address = 0, type = VMI_RELOCATION_NONE;
  for (uint32_t slot = VMI_FIRST_SLOT; slot <= VMI_LAST_SLOT; ++slot) {
    if (!s.rom.provided[slot]) continue;
    address = D::select(number == Word(slot), VMI_WEDGE + slot * VMI_SLOT_BYTES, address);
    type = D::select(number == Word(slot), VMI_RELOCATION_CALL, type);
  }
  s.cpu.eax = address;
  s.cpu.edx = type;
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_INIT_H_
