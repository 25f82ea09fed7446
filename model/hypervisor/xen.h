// Xen's side of the requests: what it answers and what it changes.
//
// Source: Xen 4.17, arch/x86/pv/descriptor-tables.c (check_descriptor, do_update_descriptor), pv/callback.c, mm.c
// (MMUEXT_SET_LDT). docs/trust.md says what rests on this file.
#ifndef VMIROM_MODEL_HYPERVISOR_XEN_H_
#define VMIROM_MODEL_HYPERVISOR_XEN_H_

#include "model/descriptor.h"
#include "model/hypervisor/request.h"

namespace vmirom::xen {

inline constexpr uint32_t kEinval = uint32_t(-22);
inline constexpr uint32_t kHypervisorStart = 0xf5800000;  // with no HV_START_LOW note
inline constexpr uint32_t kShutdownCrash = 3;

// What becomes of a descriptor that the guest kernel hands over.
template <class D>
struct CheckedDescriptor {
  typename D::Bool accepted;
  typename D::Word low, high;  // as stored
};

template <class D>
CheckedDescriptor<D> check_descriptor(typename D::Word low, typename D::Word high) {
  using Word = typename D::Word;
  const model::Descriptor<D> d{low, high};
  const Word dpl = D::select(d.dpl() == Word(0), 1, d.dpl());
  const Word fixed = (high & ~0x6000u) | (dpl << 13);

  // Code and data: no long mode; a limit that reaches into the hypervisor's hole is extended to the whole space.
  const auto segment_accepted = !d.bit(21);
  const Word limit = (high & 0x000f0000) | (low & 0xffff);
  const auto extended = (d.base() == Word(0)) & d.bit(23) & (limit >= Word(kHypervisorStart >> 12));
  const Word segment_low = D::select(extended, low | 0xffff, low);
  const Word segment_high = D::select(extended, fixed | 0x000f0000, fixed);

  // Type 0 is stored as it is. A 32-bit call gate is kept with DPL 0 and its own DPL in the selector's RPL.
  const auto call_gate = d.type() == Word(model::kTypeCallGate);
  const Word selector = d.gate_selector();
  const auto selector_okay =
      ((selector >> 3) < Word(XEN_GDT_ENTRIES)) | (selector == Word(0xe019)) | ((selector & 4) != Word(0));
  const auto gate_accepted = selector_okay & ((high & 0xe0) == Word(0));
  const Word gate_low = (low & 0xffff) | (((selector & 0xfffc) | dpl) << 16);
  const Word gate_high = high & ~0x6000u;

  const auto unchanged = (!d.present()) | ((!d.is_segment()) & (d.type() == Word(0)));
  const typename D::Bool accepted =
      unchanged | (d.is_segment() & segment_accepted) | ((!d.is_segment()) & call_gate & gate_accepted);
  return {accepted, D::select(unchanged, low, D::select(d.is_segment(), segment_low, gate_low)),
          D::select(unchanged, high, D::select(d.is_segment(), segment_high, gate_high))};
}

// Whether the hypervisor may answer a request with a result. Everything else about the choice is its own affair.
template <class D>
typename D::Bool may_answer(const Request<D>& request, typename D::Word result) {
  using Word = typename D::Word;
  switch (request.kind) {
    case RequestKind::kUpdateDescriptor: {
      // A page in use for something else can be refused at any time; a bad descriptor always is.
      const auto checked = check_descriptor<D>(request.words[2], request.words[3]);
      return (result == Word(kEinval)) | ((result == Word(0)) & checked.accepted);
    }
    case RequestKind::kSetGdt:
    case RequestKind::kSetTrapTable:
    case RequestKind::kSetLdt: return (result == Word(0)) | (result >= Word(0xfffff001));
    default: return result == Word(0);
  }
}

// What a request changes in the tables the processor uses, once answered.
template <class D>
void apply(const Request<D>& request, typename D::Word result, typename D::Table& gdt, typename D::Table& ldt) {
  using Word = typename D::Word;
  if (request.kind != RequestKind::kUpdateDescriptor) return;
  typename D::Table& table = request.which == WhichTable::kGdt ? gdt : ldt;
  const auto checked = check_descriptor<D>(request.words[2], request.words[3]);
  const auto stored = (result == Word(0)) & checked.accepted;
  const Word at = request.index * 2;
  table.set(at, D::select(stored, checked.low, table.get(at)));
  table.set(at + 1, D::select(stored, checked.high, table.get(at + 1)));
}

}  // namespace vmirom::xen

#endif  // VMIROM_MODEL_HYPERVISOR_XEN_H_
