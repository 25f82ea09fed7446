// The Xen back end: each request of the front end as a hypercall.
//
// Sources: Xen public headers (libxen-dev): xen.h, arch-x86/xen.h, arch-x86/xen-x86_32.h, sched.h.
#include <stddef.h>

#include "rom/backend/hypervisor.h"
#include "rom/backend/xen/hypercall.h"

#include <xen/sched.h>

extern "C" {

// Pages of the virtual processor's own. Xen refuses to use a descriptor table that is mapped writable, so the domain image
// maps these read-only and writes their frames here before the guest starts.
[[gnu::section(".vcpu.descriptors"), gnu::aligned(VMI_PAGE_BYTES)]] const volatile descriptor_t gdt_copy[XEN_GDT_ENTRIES] = {};
[[gnu::section(".vcpu.descriptors"), gnu::aligned(VMI_PAGE_BYTES)]] const volatile descriptor_t ldt_copy[X86_LDT_ENTRIES] = {};
[[gnu::section(".vcpu.tables")]] uint32_t gdt_frames[XEN_GDT_FRAMES];
[[gnu::section(".vcpu.tables")]] uint32_t ldt_frames[X86_LDT_FRAMES];

// Mapped over by the domain image.
[[gnu::section(".shared_info"), gnu::aligned(VMI_PAGE_BYTES)]] shared_info shared_info_page;

}  // extern "C"

static_assert(sizeof(trap_gate_t) == sizeof(trap_info_t) && offsetof(trap_gate_t, dpl) == offsetof(trap_info_t, flags) &&
              offsetof(trap_gate_t, selector) == offsetof(trap_info_t, cs) &&
              offsetof(trap_gate_t, handler) == offsetof(trap_info_t, address));

namespace hypervisor {

const DescriptorTable gdt = {gdt_copy, gdt_frames};
const DescriptorTable ldt = {ldt_copy, ldt_frames};

int32_t set_trap_table(const trap_gate_t* gates) {
  return hypercall1<__HYPERVISOR_set_trap_table>(reinterpret_cast<uint32_t>(gates));
}

int32_t install_gdt() {
  return hypercall2<__HYPERVISOR_set_gdt>(reinterpret_cast<uint32_t>(gdt_frames), XEN_GDT_ENTRIES);
}

int32_t update_descriptor(const DescriptorTable& table, uint32_t index, descriptor_t descriptor) {
  constexpr uint32_t kEntriesPerPage = VMI_PAGE_BYTES / X86_DESCRIPTOR_BYTES;
  const uint32_t frame = table.frames[index / kEntriesPerPage];
  const uint32_t offset = index % kEntriesPerPage * X86_DESCRIPTOR_BYTES;
  return hypercall4<__HYPERVISOR_update_descriptor>(frame << 12 | offset, frame >> 20, descriptor.low, descriptor.high);
}

int32_t install_ldt(uint32_t entries) {
  mmuext_op op;
  op.cmd = MMUEXT_SET_LDT;
  op.arg1.linear_addr = reinterpret_cast<uint32_t>(ldt_copy);
  op.arg2.nr_ents = entries;
  return hypercall4<__HYPERVISOR_mmuext_op>(reinterpret_cast<uint32_t>(&op), 1, 0, DOMID_SELF);
}

int32_t set_kernel_stack(uint32_t ss, uint32_t esp) { return hypercall2<__HYPERVISOR_stack_switch>(ss, esp); }

uint32_t fault_address() { return shared_info_page.vcpu_info[0].arch.cr2; }

void stop(const char* message, uint32_t length) {
  hypercall3<__HYPERVISOR_console_io>(CONSOLEIO_write, length, reinterpret_cast<uint32_t>(message));
  sched_shutdown shutdown;
  shutdown.reason = SHUTDOWN_crash;
  for (;;) hypercall2<__HYPERVISOR_sched_op>(SCHEDOP_shutdown, reinterpret_cast<uint32_t>(&shutdown));
}

}  // namespace hypervisor
