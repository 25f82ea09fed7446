// Segment descriptors, gates and selectors as the processor reads them.
//
// Sources: Intel SDM volume 3, sections 3.4.2 (selectors), 3.4.5 (segment descriptors), 5.5 to 5.8 (privilege), 6.11 (gates).
#ifndef VMIROM_MODEL_DESCRIPTOR_H_
#define VMIROM_MODEL_DESCRIPTOR_H_

#include "model/state.h"

namespace vmirom::model {

inline constexpr uint32_t kNullMask = 0xfffc;  // a selector without its RPL

template <class D>
struct Descriptor {
  using Word = typename D::Word;
  using Bool = typename D::Bool;

  Word low{}, high{};

  Word bits(uint32_t at, uint32_t count) const { return (high >> at) & ((1u << count) - 1); }
  Bool bit(uint32_t at) const { return bits(at, 1) == Word(1); }

  Bool present() const { return bit(15); }
  Word dpl() const { return bits(13, 2); }
  // Code or data; otherwise a system segment or gate of type().
  Bool is_segment() const { return bit(12); }
  Word type() const { return bits(8, 4); }
  Bool is_code() const { return is_segment() & bit(11); }
  Bool is_data() const { return is_segment() & !bit(11); }
  Bool conforming() const { return bit(10); }  // code
  Bool readable() const { return bit(9); }     // code
  Bool writable() const { return bit(9); }     // data
  Bool is_system(uint32_t wanted) const { return (!is_segment()) & (type() == Word(wanted)); }

  Word base() const { return (high & 0xff000000) | ((high & 0xff) << 16) | (low >> 16); }
  Word limit() const {
    const Word raw = (high & 0x000f0000) | (low & 0xffff);
    return D::select(bit(23), (raw << 12) | 0xfff, raw);
  }
  Bool expand_down() const { return bit(10); }  // data: offsets up to the limit are the ones that it does not have
  // Base 0, limit 4 GiB, 32-bit: every offset is there; whatever its other access rights.
  Bool is_flat() const {
    return (low == Word(0x0000ffff)) & ((high & 0xffcf00ff) == Word(0x00cf0000)) & !(is_data() & expand_down());
  }
  // For reading and writing.
  Bool is_flat_data() const { return is_flat() & is_data() & writable(); }

  // As a gate.
  Word gate_selector() const { return low >> 16; }
  Word gate_offset() const { return (high & 0xffff0000) | (low & 0xffff); }
};

inline constexpr uint32_t kTypeTss16Available = 1;
inline constexpr uint32_t kTypeLdt = 2;
inline constexpr uint32_t kTypeTssAvailable = 9;
inline constexpr uint32_t kTypeCallGate = 12;
inline constexpr uint32_t kTypeInterruptGate = 14;
inline constexpr uint32_t kTypeTrapGate = 15;

template <class D>
typename D::Bool is_null(typename D::Word selector) {
  return (selector & kNullMask) == typename D::Word(0);
}

// The descriptor behind a selector, all zero where it lies beyond its table. Two selectors reach flat segments that the
// hypervisor provides whatever the guest's tables hold.
template <class D>
Descriptor<D> descriptor_of(State<D>& s, typename D::Word selector) {
  using Word = typename D::Word;
  const auto flat = [&](Word own, uint32_t type) {
    return Descriptor<D>{0x0000ffff, Word(0x00cf9100 | type << 8) | ((own & 3) << 13)};
  };
  const auto names = [&](Word own) { return ((selector ^ own) & kNullMask) == Word(0); };
  const Word index = (selector >> 3) & 0x1fff;
  const auto local = (selector & 4) != Word(0);
  const auto within = index < D::select(local, s.vcpu.ldt_entries, s.vcpu.gdt_entries);
  const auto entry = [&](uint32_t half) {
    return D::select(within, D::select(local, s.ldt.get(index * 2 + half), s.gdt.get(index * 2 + half)), 0);
  };
  const Descriptor<D> code = flat(s.vcpu.flat_cs, 10), data = flat(s.vcpu.flat_ds, 2);
  const auto pick = [&](Word a, Word b, Word c) {
    return D::select(names(s.vcpu.flat_cs), a, D::select(names(s.vcpu.flat_ds), b, c));
  };
  return {pick(code.low, data.low, entry(0)), pick(code.high, data.high, entry(1))};
}

// Whether DS, ES, FS or GS loads the selector at privilege level cpl.
template <class D>
typename D::Bool data_selector_loads(State<D>& s, typename D::Word selector, typename D::Word cpl) {
  const Descriptor<D> d = descriptor_of<D>(s, selector);
  const auto privileged = (d.dpl() >= cpl) & (d.dpl() >= (selector & 3));
  const auto loads =
      d.present() & ((d.is_data() & privileged) | (d.is_code() & d.readable() & (d.conforming() | privileged)));
  return is_null<D>(selector) | loads;
}

// Whether code behind the descriptor runs at cpl without a change of level; present or not.
template <class D>
typename D::Bool is_code_for(const Descriptor<D>& d, typename D::Word cpl) {
  return d.is_code() & ((d.conforming() & (d.dpl() <= cpl)) | ((!d.conforming()) & (d.dpl() == cpl)));
}

// Whether SS loads the selector at cpl.
template <class D>
typename D::Bool stack_selector_loads(State<D>& s, typename D::Word selector, typename D::Word cpl) {
  const Descriptor<D> d = descriptor_of<D>(s, selector);
  return ((selector & 3) == cpl) & d.present() & d.is_data() & d.writable() & (d.dpl() == cpl);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_DESCRIPTOR_H_
