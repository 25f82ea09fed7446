#include "rom/frontend/pic.h"

#include "rom/frontend/pure.h"

namespace {

constexpr uint32_t kNoLevel = 8;
constexpr uint32_t kSlaveLevel = 2;

// Rotates so that the highest priority level comes to bit 0.
uint32_t by_priority(uint32_t levels, const pic_t& pic) {
  const uint32_t shift = (pic.lowest_priority + 1) & 7;
  return (levels >> shift | levels << (8 - shift)) & 0xff;
}

uint32_t first(uint32_t levels) { return __builtin_ctz(levels | 1u << kNoLevel); }

// The level that the chip grants when these levels request, kNoLevel when none: the first unmasked request that ranks above
// every level in service. In special mask mode a masked level in service does not hold others back.
VMI_PURE uint32_t granted(const pic_t& pic, uint32_t requests) {
  const uint32_t in_service = pic.special_mask ? pic.isr & ~pic.imr : pic.isr;
  const uint32_t request = first(by_priority(requests & ~pic.imr, pic));
  if (request >= first(by_priority(in_service, pic))) return kNoLevel;
  return (request + pic.lowest_priority + 1) & 7;
}

VMI_PURE uint32_t granted_by_master(const vcpu_t& cpu) {
  const uint32_t cascade = granted(cpu.pic[1], cpu.pic[1].irr) != kNoLevel ? 1u << kSlaveLevel : 0;
  return granted(cpu.pic[0], (cpu.pic[0].irr & ~(1u << kSlaveLevel)) | cascade);
}

// One chip's part of the cycle. The request is cleared with one instruction: others may arrive meanwhile.
void take_into_service(pic_t& pic, uint32_t level) {
  const uint8_t bit = 1u << level;
  asm volatile("andb %1, %0" : "+m"(pic.irr) : "iq"(uint8_t(~bit)));
  if (!pic.auto_eoi) pic.isr |= bit;
}

}  // namespace

bool pic_interrupts(const vcpu_t& cpu) { return granted_by_master(cpu) != kNoLevel; }

uint32_t pic_acknowledge(vcpu_t& cpu) {
  const uint32_t level = granted_by_master(cpu);
  take_into_service(cpu.pic[0], level);
  if (level != kSlaveLevel) return cpu.pic[0].vector_base | level;
  const uint32_t slave_level = granted(cpu.pic[1], cpu.pic[1].irr);
  take_into_service(cpu.pic[1], slave_level);
  return cpu.pic[1].vector_base | slave_level;
}
