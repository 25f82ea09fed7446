// What the ROM does with the hypervisor's traps: a fault at a guarded access goes to the access's fix-up; any other fault
// in the ROM is a ROM bug.
#include "rom/frontend/traps.h"

#include "model/abi/frames.h"
#include "rom/backend/hypervisor.h"
#include "rom/frontend/vcpu.h"

namespace {

struct exception_entry_t {
  uint32_t instruction;
  uint32_t fixup;
};

constexpr char kUnexpectedTrap[] = "vmi-xen: trap outside a guarded access\n";

}  // namespace

// Bounds of .vmi_exceptions, from the linker script.
extern "C" const exception_entry_t vmi_exceptions[];
extern "C" const exception_entry_t vmi_exceptions_end[];

// Called by the trap wrappers of rom/entry/traps.S with interrupted registers in the frame; the way out reads the frame.
extern "C" void trap(xen_frame_t* frame) {
  for (const exception_entry_t* e = vmi_exceptions; e != vmi_exceptions_end; ++e) {
    if (e->instruction != frame->eip) continue;
    const uint32_t vector = frame->frame_id & 0xff;
    get_cpu().guest_fault = {vector, frame->error_code, vector == X86_TRAP_PF ? hypervisor::fault_address() : 0};
    frame->eip = e->fixup;
    return;
  }
  hypervisor::stop(kUnexpectedTrap, sizeof kUnexpectedTrap - 1);
}
