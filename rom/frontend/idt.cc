#include "rom/frontend/idt.h"

#include "rom/backend/hypervisor.h"
#include "rom/frontend/guest_memory.h"
#include "rom/frontend/loop.h"
#include "rom/frontend/segments.h"
#include "rom/frontend/traps.h"

// Built here, read by the hypervisor while the request lasts. The last entry stays zero and ends the table.
extern "C" {
[[gnu::section(".vcpu.tables")]] trap_gate_t trap_table[X86_GATES + 1];
}

namespace {

// What Xen does at a vector. Every vector enters the ROM's wrapper, which reads the guest's IDT when it is needed; only
// a trap gate for user mode goes to the guest's handler without passing through the ROM, for it leaves the virtual IF
// alone and the handler's frame is right as Xen builds it.
trap_gate_t gate_for_hypervisor(uint32_t vector) {
  const vcpu_t& cpu = get_cpu();
  const trap_gate_t wrapper = {uint8_t(vector), 0, uint16_t(cpu.flat_cs), trap_wrapper(vector)};
  const uint32_t offset = vector * X86_DESCRIPTOR_BYTES;
  descriptor_t gate;
  if (offset + 7 > cpu.idtr.limit || !guest_memory::load32(cpu.idtr.base + offset, gate.low) ||
      !guest_memory::load32(cpu.idtr.base + offset + 4, gate.high)) {
    return wrapper;
  }
  const uint32_t type = gate.high & kSystemType;
  if (!(gate.high & kPresent) || (type != kTypeInterruptGate && type != kTypeTrapGate)) return wrapper;
  const uint8_t dpl = (gate.high & kDpl) >> kDplShift;
  const uint32_t handler = (gate.high & 0xffff0000) | (gate.low & 0xffff);
  const uint32_t selector = gate.low >> 16;
  const uint32_t cpl = cpu.flat_cs & kRpl;
  const descriptor_t code = find_descriptor(selector);
  if (type == kTypeTrapGate && dpl == 3 && vector >= X86_FIRST_SOFTWARE_VECTOR && handler && (code.high & kPresent) &&
      is_code_for(code, cpl)) {
    return {uint8_t(vector), dpl, uint16_t(selector), handler};
  }
  return {uint8_t(vector), dpl, uint16_t(cpu.flat_cs), trap_wrapper(vector)};
}

}  // namespace

int32_t follow_guest_idt() {
  for (uint32_t vector = 0;; ++vector) {
    VMI_LOOP_HEAD("follow_guest_idt", vector);
    if (vector >= X86_GATES) break;
    trap_table[vector] = gate_for_hypervisor(vector);
  }
  return hypervisor::set_trap_table(trap_table);
}
