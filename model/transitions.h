// Leaving the ROM: back to the caller, or into the guest's handler through its IDT.
//
// Source: Intel SDM volume 3, sections 6.11 to 6.15 (gates, stack frame, EFLAGS, error codes, double fault).
#ifndef VMIROM_MODEL_TRANSITIONS_H_
#define VMIROM_MODEL_TRANSITIONS_H_

#include "model/descriptor.h"
#include "model/guest_memory.h"
#include "model/hypervisor/request.h"
#include "model/hypervisor/xen.h"
#include "model/pic.h"

namespace vmirom::model {

// The plain end of a call: pops the return address.
template <class D>
void return_to_caller(State<D>& s) {
  s.cpu.eip = s.memory.load(s.cpu.esp, 4);
  s.cpu.esp = s.cpu.esp + 4;
}

// The address of the CALL instruction before a return address, told by its bytes: CALL rel32; CALL through memory or a
// register, without SIB byte. The return address where they are none of these, or cannot be read.
template <class D>
typename D::Word call_site(State<D>& s, typename D::Word return_address) {
  using Word = typename D::Word;
  using Bool = typename D::Bool;
  GuestFault<D> ignored;
  Word last = 0, before = 0;
  if (!load<D>(s, return_address - 2, 2, last, ignored)) last = 0;
  if (!load<D>(s, return_address - 6, 4, before, ignored)) before = 0;
  const auto byte = [](Word dword, uint32_t i) { return (dword >> (8 * i)) & 0xff; };
  // CALL r/m32 is FF /2.
  const auto call_with = [&](Word opcode, Word modrm, uint32_t mod) {
    return (opcode == Word(0xff)) & ((modrm & 0xf8) == Word(mod << 6 | 2 << 3));
  };
  const Word at_6 = byte(before, 0), at_5 = byte(before, 1), at_3 = byte(before, 3), at_2 = byte(last, 0),
             at_1 = byte(last, 1);
  const auto has_sib = [](Word modrm) { return (modrm & 7) == Word(4); };
  const Bool relative = at_5 == Word(0xe8);
  const Bool absolute = ((at_6 == Word(0xff)) & (at_5 == Word(0x15))) | (call_with(at_6, at_5, 2) & !has_sib(at_5));
  const Bool displaced = call_with(at_3, at_2, 1) & !has_sib(at_2);
  const Bool direct = call_with(at_2, at_1, 3) | (call_with(at_2, at_1, 0) & !has_sib(at_1) & ((at_1 & 7) != Word(5)));
  const Word length = D::select(relative, 5, D::select(absolute, 6, D::select(displaced, 3, D::select(direct, 2, 0))));
  return return_address - length;
}

// An event on its way through the IDT: its vector, with kException when it is an exception, and then its error code.
inline constexpr uint32_t kException = 0x100;

template <class D>
struct Event {
  using Word = typename D::Word;
  Word code{};
  Word error_code{};

  Word vector() const { return code & 0xff; }
  typename D::Bool is_exception() const { return (code & kException) != Word(0); }
  typename D::Bool is(uint32_t exception) const { return code == Word(kException | exception); }
};

// The guest's handler for an event, as the processor finds it; a fault on the way instead when it finds none.
template <class D>
struct Handler {
  bool found = false;
  typename D::Word eip{}, cs{}, masks{};
  Event<D> fault;
};

template <class D>
Handler<D> find_handler(State<D>& s, typename D::Word vector) {
  using Word = typename D::Word;
  Handler<D> handler;
  const auto faults = [&](Word with, Word error_code) {
    handler.fault = {with | kException, error_code};
    return handler;
  };
  const Word offset = vector << 3;
  const Word gate_error = offset | X86_ERROR_IDT | X86_ERROR_EXTERNAL;
  if (offset + 7 > s.vcpu.idtr.limit) return faults(X86_TRAP_GP, gate_error);
  Descriptor<D> gate;
  GuestFault<D> fault;
  if (!load_descriptor<D>(s, s.vcpu.idtr.base + offset, gate.low, gate.high, fault)) {
    s.vcpu.cr2 = D::select(fault.vector == Word(X86_TRAP_PF), fault.address, s.vcpu.cr2);
    return faults(fault.vector, fault.error_code);
  }
  const auto interrupt_gate = gate.is_system(kTypeInterruptGate);
  if (!(interrupt_gate | gate.is_system(kTypeTrapGate))) return faults(X86_TRAP_GP, gate_error);
  if (!gate.present()) return faults(X86_TRAP_NP, gate_error);
  const Word selector = gate.gate_selector();
  const Word selector_error = (selector & kNullMask) | X86_ERROR_EXTERNAL;
  const Word cpl = s.cpu.cs & 3;
  const Descriptor<D> code = descriptor_of<D>(s, selector);
  if (is_null<D>(selector) | !is_code_for<D>(code, cpl)) return faults(X86_TRAP_GP, selector_error);
  if (!code.present()) return faults(X86_TRAP_NP, selector_error);
  handler.found = true;
  handler.eip = gate.gate_offset();
  handler.cs = (selector & ~3u) | cpl;
  handler.masks = D::select(interrupt_gate, 1, 0);
  return handler;
}

template <class D>
typename D::Bool is_contributory(const Event<D>& event) {
  return event.is(0) | event.is(X86_TRAP_TS) | event.is(X86_TRAP_NP) | event.is(X86_TRAP_SS) | event.is(X86_TRAP_GP);
}

// What a fault met while delivering an event comes to: itself, or a double fault.
template <class D>
Event<D> escalated(const Event<D>& event, const Event<D>& fault) {
  const auto doubles = event.is(X86_TRAP_PF) | (is_contributory<D>(event) & !fault.is(X86_TRAP_PF));
  return {D::select(doubles, kException | X86_TRAP_DF, fault.code), D::select(doubles, 0, fault.error_code)};
}

// How many more events a delivery can come to: benign, contributory, page fault, double fault, in this order.
template <class D>
typename D::Word events_left(const Event<D>& event) {
  return D::select(event.is(X86_TRAP_DF), 0,
                   D::select(event.is(X86_TRAP_PF), 1, D::select(is_contributory<D>(event), 2, 3)));
}

// The virtual machine cannot go on: says so on the hypervisor's console and ends.
template <class D>
void stop(State<D>& s) {
  s.world.request(s, Request<D>{RequestKind::kConsoleWrite, {}});
  s.world.request(s, Request<D>{RequestKind::kShutdown, {xen::kShutdownCrash}});
  s.stopped = true;
}

template <class D>
void push(State<D>& s, typename D::Word value) {
  s.cpu.esp = s.cpu.esp - 4;
  s.memory.store(s.cpu.esp, value, 4);
}

// Enters the guest's handler for an event that interrupts the guest at EIP with the registers as they are.
template <class D>
void enter_handler(State<D>& s, Event<D> event) {
  using Word = typename D::Word;
  if (s.world.hand_over(s, Part::kEnterHandler, {event.code, event.error_code})) return;
  Handler<D> handler;
  // Each fault on the way is an event of its own; an exception's vector is below 32.
  s.world.loop(
      s, "enter_handler", 3, {&event.code, &event.error_code},
      [&] { return (event.code < Word(2 * kException)) & ((!event.is_exception()) | (event.vector() < Word(32))); },
      [&] { return events_left<D>(event); },
      [&] {
        handler = find_handler<D>(s, event.vector());
        if (handler.found) return false;
        if (event.is(X86_TRAP_DF)) {
          stop<D>(s);
          return false;
        }
        event = escalated<D>(event, handler.fault);
        return true;
      });
  if (s.stopped) return;

  const auto is_fault = event.is_exception() & !event.is(X86_TRAP_DF);
  const Word image = (s.cpu.eflags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL)) | D::select(is_fault, X86_EFLAGS_RF, 0) |
                     D::select(s.vcpu.interrupt_flag == Word(1), X86_EFLAGS_IF, 0) | (s.vcpu.iopl << X86_EFLAGS_IOPL_SHIFT);
  push<D>(s, image);
  s.unspecified.push_back({s.cpu.esp, X86_EFLAGS_STATUS});
  push<D>(s, s.cpu.cs);
  push<D>(s, s.cpu.eip);
  const auto has_error = ((Word(X86_TRAPS_WITH_ERROR) >> (event.vector() & 31)) & 1) == Word(1);
  if (event.is_exception() & has_error) push<D>(s, event.error_code);
  s.vcpu.interrupt_flag = D::select(handler.masks == Word(1), 0, s.vcpu.interrupt_flag);
  s.cpu.eflags = s.cpu.eflags & ~(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM);
  s.cpu.cs = handler.cs;
  s.cpu.eip = handler.eip;
}

// The end of a call that may have something for the guest, ESP at the return address: the exception that the call raised,
// at its call site; else, with the virtual IF set, the interrupt that is due, at the return address; else the return.
template <class D>
void deliver(State<D>& s) {
  using Word = typename D::Word;
  return_to_caller<D>(s);
  if (s.raised) {
    s.cpu.eip = call_site<D>(s, s.cpu.eip);
    return enter_handler<D>(s, {s.exception.vector | kException, s.exception.error_code});
  }
  if ((s.vcpu.interrupt_flag == Word(1)) & pic_interrupts<D>(s.vcpu)) {
    const Word vector = pic_acknowledge<D>(s.vcpu);
    enter_handler<D>(s, {vector, 0});
  }
}

// The end of a call through the common way out.
template <class D>
void leave(State<D>& s) {
  using Word = typename D::Word;
  if (s.world.hand_over(s, Part::kDeliver, {})) return;
  if (s.raised || bool((s.vcpu.interrupt_flag == Word(1)) & pic_interrupts<D>(s.vcpu))) return deliver<D>(s);
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_TRANSITIONS_H_
