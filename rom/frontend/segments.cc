#include "rom/frontend/segments.h"

#include "rom/frontend/pure.h"

namespace {

// Base 0, limit 4 GiB, 32-bit.
constexpr uint32_t kFlatLow = 0x0000ffff;
constexpr uint32_t kFlatHigh = 0x00cf0000;
constexpr uint32_t kFlatHighMask = 0xffcf00ff;  // all but the access byte, AVL and the long-mode bit

bool is_flat(descriptor_t d) { return d.low == kFlatLow && (d.high & kFlatHighMask) == kFlatHigh; }

descriptor_t flat_descriptor(uint32_t selector, uint32_t type) {
  return {kFlatLow, kFlatHigh | kPresent | kNotSystem | kAccessed | type | (selector & kRpl) << kDplShift};
}

// The whole segment, as CS and SS are loaded from at cpl: flat, present, of that level.
VMI_PURE bool flat_at(uint32_t selector, uint32_t cpl, uint32_t kind_mask, uint32_t kind) {
  const descriptor_t d = find_descriptor(selector);
  return (selector & kRpl) == cpl && is_flat(d) && (d.high & (kPresent | kNotSystem | kDpl | kind_mask)) ==
                                                       (kPresent | kNotSystem | cpl << kDplShift | kind);
}

void load_cs(uint32_t selector) {
  asm volatile("push %0\n push $1f\n lret\n 1:" : : "r"(selector) : "memory");
}

void load_ss(uint32_t selector) { asm volatile("mov %0, %%ss" : : "r"(selector) : "memory"); }

}  // namespace

VMI_PURE descriptor_t copy_for_hypervisor(descriptor_t guest) {
  if (!(guest.high & kPresent)) return guest;
  if (guest.high & kNotSystem) {
    if (!(guest.high & kDpl)) guest.high |= 1u << kDplShift;
    guest.high = (guest.high | kAccessed) & ~kLongMode;
    return guest;
  }
  if ((guest.high & kSystemType) == kTypeCallGate) return guest;
  return {0, 0};
}

VMI_PURE descriptor_t find_descriptor(uint32_t selector) {
  const vcpu_t& cpu = get_cpu();
  if (!((selector ^ cpu.flat_cs) & kSelectorNoRpl)) return flat_descriptor(cpu.flat_cs, kCode | kReadable);
  if (!((selector ^ cpu.flat_ds) & kSelectorNoRpl)) return flat_descriptor(cpu.flat_ds, kWritable);
  const uint32_t index = (selector & 0xffff) >> 3;
  const bool local = selector & kLocalTable;
  if (index >= (local ? cpu.ldt_entries : cpu.gdt_entries)) return {0, 0};
  const volatile descriptor_t& entry = (local ? hypervisor::ldt : hypervisor::gdt).entries[index];
  return {entry.low, entry.high};
}

VMI_PURE bool is_code_for(descriptor_t d, uint32_t cpl) {
  if ((d.high & (kNotSystem | kCode)) != (kNotSystem | kCode)) return false;
  const uint32_t dpl = (d.high & kDpl) >> kDplShift;
  return d.high & kConforming ? dpl <= cpl : dpl == cpl;
}

VMI_PURE bool data_selector_loads(uint32_t selector, uint32_t cpl) {
  if (is_null(selector)) return true;
  const descriptor_t d = find_descriptor(selector);
  if ((d.high & (kPresent | kNotSystem)) != (kPresent | kNotSystem)) return false;
  if (d.high & kCode) {
    if (!(d.high & kReadable)) return false;
    if (d.high & kConforming) return true;
  }
  const uint32_t dpl = (d.high & kDpl) >> kDplShift;
  return dpl >= cpl && dpl >= (selector & kRpl);
}

FlatSegments::FlatSegments() {
  const vcpu_t& cpu = get_cpu();
  cs_ = code_selector();
  asm volatile("mov %%ss, %0\n mov %%ds, %1" : "=r"(ss_), "=r"(ds_));
  asm volatile("mov %0, %%ds" : : "r"(cpu.flat_ds) : "memory");
  load_ss(cpu.flat_ds);
  load_cs(cpu.flat_cs);
}

FlatSegments::~FlatSegments() {
  const vcpu_t& cpu = get_cpu();
  const uint32_t cpl = cpu.flat_cs & kRpl;
  uint32_t ds = ds_, es, fs, gs;
  asm volatile("mov %%es, %0\n mov %%fs, %1\n mov %%gs, %2" : "=r"(es), "=r"(fs), "=r"(gs));
  ds = data_selector_loads(ds, cpl) ? ds : cpu.flat_ds;
  es = data_selector_loads(es, cpl) ? es : cpu.flat_ds;
  fs = data_selector_loads(fs, cpl) ? fs : 0;
  gs = data_selector_loads(gs, cpl) ? gs : 0;
  const uint32_t cs = flat_at(cs_, cpl, kCode | kConforming, kCode) ? cs_ : cpu.flat_cs;
  const uint32_t ss = flat_at(ss_, cpl, kCode | kExpandDown | kWritable, kWritable) ? ss_ : cpu.flat_ds;
  load_cs(cs);
  load_ss(ss);
  // From here on nothing is addressed but the stack: the guest's DS need not be flat.
  asm volatile("mov %0, %%fs\n mov %1, %%gs" : : "r"(fs), "r"(gs));
  asm volatile("mov %0, %%es\n mov %1, %%ds" : : "r"(es), "r"(ds) : "memory");
}
