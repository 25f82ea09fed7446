// The common way out of a call that has something for the guest: an exception at the call site, or an interrupt.
//
// Source: Intel SDM volume 3, chapter 6 (gates, frames, error codes, double faults).
#include "model/abi/frames.h"
#include "rom/frontend/events.h"
#include "rom/frontend/guest_memory.h"
#include "rom/frontend/loop.h"
#include "rom/frontend/pic.h"
#include "rom/frontend/pure.h"
#include "rom/frontend/segments.h"

namespace {

// An event is its vector, with this bit when it is an exception: those have error codes and can become double faults.
constexpr uint32_t kException = 0x100;

constexpr uint32_t kContributory = 1u << 0 | 1u << X86_TRAP_TS | 1u << X86_TRAP_NP | 1u << X86_TRAP_SS | 1u << X86_TRAP_GP;

constexpr char kTripleFault[] = "vmi-xen: the guest cannot take a double fault: its IDT has no usable gate 8\n";

// The length of the CALL instruction that ends with these bytes: the last two, and the four before them. CALL rel32, or CALL
// through memory or a register, without SIB byte; 0 where they are none of these.
VMI_PURE uint32_t call_length(uint32_t last, uint32_t before) {
  const uint32_t at_6 = before & 0xff, at_5 = before >> 8 & 0xff, at_3 = before >> 24;
  const uint32_t at_2 = last & 0xff, at_1 = last >> 8;
  if (at_5 == 0xe8) return 5;
  if (at_6 == 0xff && (at_5 == 0x15 || ((at_5 & 0xf8) == 0x90 && at_5 != 0x94))) return 6;
  if (at_3 == 0xff && (at_2 & 0xf8) == 0x50 && at_2 != 0x54) return 3;
  if (at_2 == 0xff && ((at_1 & 0xf8) == 0xd0 || ((at_1 & 0xf8) == 0x10 && (at_1 & 6) != 4))) return 2;
  return 0;
}

// The address of the CALL instruction that a return address belongs to; the return address itself where it cannot be told.
uint32_t call_site(uint32_t return_address) {
  uint32_t last, before;
  if (!guest_memory::load16(return_address - 2, last)) last = 0;
  if (!guest_memory::load32(return_address - 6, before)) before = 0;
  return return_address - call_length(last, before);
}

struct handler_t {
  uint32_t eip;
  uint32_t cs;
  bool masks;  // an interrupt gate: the virtual IF is clear in the handler
};

// The guest's handler for an event, through its IDT as it is now. When the processor would fault on the way, returns false
// and turns event and error_code into that fault.
bool find_handler(uint32_t& event, uint32_t& error_code, handler_t& handler) {
  vcpu_t& cpu = get_cpu();
  const uint32_t offset = (event & 0xff) * X86_DESCRIPTOR_BYTES;
  const uint32_t gate_error = offset | X86_ERROR_IDT | X86_ERROR_EXTERNAL;
  event = kException | X86_TRAP_GP;
  error_code = gate_error;
  if (offset + 7 > cpu.idtr.limit) return false;
  descriptor_t gate;
  if (!guest_memory::load32(cpu.idtr.base + offset, gate.low) ||
      !guest_memory::load32(cpu.idtr.base + offset + 4, gate.high)) {
    event = kException | cpu.guest_fault.vector;
    error_code = cpu.guest_fault.error_code;
    if (cpu.guest_fault.vector == X86_TRAP_PF) cpu.cr2 = cpu.guest_fault.address;
    return false;
  }
  const uint32_t type = gate.high & kSystemType;
  if (type != kTypeInterruptGate && type != kTypeTrapGate) return false;
  if (!(gate.high & kPresent)) {
    event = kException | X86_TRAP_NP;
    return false;
  }
  const uint32_t selector = gate.low >> 16;
  error_code = (selector & kSelectorNoRpl) | X86_ERROR_EXTERNAL;
  if (is_null(selector)) return false;
  const uint32_t cpl = current_privilege_level();
  const descriptor_t code = find_descriptor(selector);
  if (!is_code_for(code, cpl)) return false;
  if (!(code.high & kPresent)) {
    event = kException | X86_TRAP_NP;
    return false;
  }
  handler = {(gate.high & 0xffff0000) | (gate.low & 0xffff), (selector & ~kRpl) | cpl, type == kTypeInterruptGate};
  return true;
}

// Whether an event and a fault met while delivering it come to a double fault.
VMI_PURE bool doubles(uint32_t event, uint32_t fault) {
  const bool contributory = event & kException && kContributory >> (event & 0x1f) & 1;
  return event == (kException | X86_TRAP_PF) || (contributory && fault != (kException | X86_TRAP_PF));
}

// Moves the guest's registers to just below a frame and returns the stack pointer to leave through.
uint32_t put_registers(const exit_frame_t& from, uint32_t* frame) {
  const uint32_t es = from.es, ds = from.ds, edx = from.edx, ecx = from.ecx, eax = from.eax;
  *--frame = eax;
  *--frame = ecx;
  *--frame = edx;
  *--frame = ds;
  *--frame = es;
  return reinterpret_cast<uint32_t>(frame);
}

}  // namespace

// Arranges the stack so that the way out enters the guest's handler for an event that interrupts the guest at the frame's
// return address. Returns ESP for it.
extern "C" [[gnu::noinline]] uint32_t enter_handler(exit_frame_t* frame, uint32_t event, uint32_t error_code) {
  vcpu_t& cpu = get_cpu();
  handler_t handler;
  for (;;) {
    VMI_LOOP_HEAD2("enter_handler", event, error_code);
    uint32_t fault = event, fault_error;
    if (find_handler(fault, fault_error, handler)) break;
    if (event == (kException | X86_TRAP_DF)) hypervisor::stop(kTripleFault, sizeof kTripleFault - 1);
    const bool twice = doubles(event, fault);
    event = twice ? kException | X86_TRAP_DF : fault;
    error_code = twice ? 0 : fault_error;
  }

  const uint32_t flags = frame->eflags, eip = frame->guest_return_address;
  const uint32_t interrupt_flag = uint32_t(cpu.interrupt_flag & VMI_INTERRUPT_FLAG) << VMI_INTERRUPT_FLAG_SHIFT;
  const bool has_error = event & kException && X86_TRAPS_WITH_ERROR >> (event & 0x1f) & 1;
  const bool is_fault = event & kException && event != (kException | X86_TRAP_DF);
  if (handler.masks) cpu.interrupt_flag = 0;
  uint32_t* top = &frame->guest_return_address + 1;
  *--top = (flags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL)) | interrupt_flag | uint32_t(cpu.iopl) << X86_EFLAGS_IOPL_SHIFT |
           (is_fault ? X86_EFLAGS_RF : 0);
  *--top = code_selector();
  *--top = eip;
  if (has_error) *--top = error_code;
  *--top = flags & ~(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM);
  *--top = handler.cs;
  *--top = handler.eip;
  return put_registers(*frame, top);
}

// Called by rom/entry/deliver.S with every register of the guest in the frame. Arranges the stack so that the way out
// enters the guest's handler, or goes back to the caller when there is nothing to deliver after all. Returns ESP for it.
extern "C" uint32_t deliver_to_guest(exit_frame_t* frame) {
  vcpu_t& cpu = get_cpu();
  if (cpu.work & VMI_WORK_EXCEPTION) {
    clear_work(VMI_WORK_EXCEPTION);
    frame->guest_return_address = call_site(frame->guest_return_address);
    return enter_handler(frame, kException | cpu.exception.vector, cpu.exception.error_code);
  }
  if (cpu.interrupt_flag & VMI_INTERRUPT_FLAG) {
    clear_work(VMI_WORK_INTERRUPT);
    if (pic_interrupts(cpu)) {
      const uint32_t vector = pic_acknowledge(cpu);
      if (pic_interrupts(cpu)) set_work(VMI_WORK_INTERRUPT);
      return enter_handler(frame, vector, 0);
    }
  }
  const uint32_t flags = frame->eflags, eip = frame->guest_return_address;
  uint32_t* top = &frame->guest_return_address + 1;
  *--top = flags;
  *--top = code_selector();
  *--top = eip;
  return put_registers(*frame, top);
}
