// A hypercall as a request: number and argument registers, with pointers followed, so that what is compared is what the
// hypervisor would read.
//
// Source: Xen public headers: hypercall numbers (xen.h), argument registers and what they may lose (arch-x86/xen-x86_32.h).
#ifndef VMIROM_MODEL_HYPERVISOR_HYPERCALL_H_
#define VMIROM_MODEL_HYPERVISOR_HYPERCALL_H_

#include "model/abi/constants.h"
#include "model/hypervisor/request.h"

namespace vmirom::xen {

inline constexpr uint32_t kSetTrapTable = 0;
inline constexpr uint32_t kSetGdt = 2;
inline constexpr uint32_t kStackSwitch = 3;
inline constexpr uint32_t kUpdateDescriptor = 10;
inline constexpr uint32_t kConsoleIo = 18;
inline constexpr uint32_t kMmuextOp = 26;
inline constexpr uint32_t kSchedOp = 29;

inline constexpr uint32_t kConsoleWrite = 0;
inline constexpr uint32_t kMmuextSetLdt = 13;
inline constexpr uint32_t kSchedShutdown = 2;
inline constexpr uint32_t kDomidSelf = 0x7ff0;

// Registers, from EBX on, that a hypercall takes arguments in, and may clobber.
inline uint32_t argument_count(RequestKind kind) {
  switch (kind) {
    case RequestKind::kSetTrapTable: return 1;
    case RequestKind::kSetGdt: return 2;
    case RequestKind::kStackSwitch: return 2;
    case RequestKind::kShutdown: return 2;
    case RequestKind::kConsoleWrite: return 3;
    case RequestKind::kUpdateDescriptor: return 4;
    case RequestKind::kSetLdt: return 4;
    case RequestKind::kUnknown: break;
  }
  return 5;
}

// Caller offers
//   uint32_t number()                              of the hypercall
//   Word argument(i)                               EBX, ECX, EDX, ESI, EDI
//   Word dword(Word address)                       of the caller's memory
//   bool is_at(Word address, const char* symbol)   whether the address is surely that of a variable of the ROM
//   Table table(const char* symbol)                a variable of dwords
//   bool is_own_text(Word address, Word bytes)     whether these bytes are surely the ROM's own constants
// Anything that the ROM has no business asking for is kUnknown.
template <class D, class Caller>
Request<D> decode_hypercall(Caller& caller) {
  using Word = typename D::Word;
  const Word a = caller.argument(0), b = caller.argument(1), c = caller.argument(2), d = caller.argument(3);
  const auto is = [](Word x, uint32_t value) { return D::same(x, Word(value)); };
  const Request<D> unknown{RequestKind::kUnknown, {Word(caller.number())}};
  switch (caller.number()) {
    case kSetTrapTable:
      if (!caller.is_at(a, "trap_table")) return unknown;
      return {RequestKind::kSetTrapTable, {}, caller.table("trap_table")};
    case kSetGdt: {
      if (!caller.is_at(a, "gdt_frames")) return unknown;
      Request<D> request{RequestKind::kSetGdt, {}};
      const typename D::Table frames = caller.table("gdt_frames");
      for (uint32_t i = 0; i < XEN_GDT_FRAMES; ++i) request.words.push_back(frames.get(i));
      request.words.push_back(b);
      return request;
    }
    case kStackSwitch: return {RequestKind::kStackSwitch, {a, b}};
    case kUpdateDescriptor: return {RequestKind::kUpdateDescriptor, {a, b, c, d}};
    case kConsoleIo:
      if (!is(a, kConsoleWrite) || !caller.is_own_text(c, b)) return unknown;
      return {RequestKind::kConsoleWrite, {}};
    case kMmuextOp:
      if (!is(b, 1) || !is(c, 0) || !is(d, kDomidSelf) || !is(caller.dword(a), kMmuextSetLdt)) return unknown;
      return {RequestKind::kSetLdt, {caller.dword(a + 4), caller.dword(a + 8)}};
    case kSchedOp:
      if (!is(a, kSchedShutdown)) return unknown;
      return {RequestKind::kShutdown, {caller.dword(b)}};
    default: return unknown;
  }
}

}  // namespace vmirom::xen

#endif  // VMIROM_MODEL_HYPERVISOR_HYPERCALL_H_
