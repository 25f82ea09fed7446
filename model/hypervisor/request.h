// What a call asks of the hypervisor, as data: the model issues these, and the ROM's hypercalls are decoded to them.
//
// Source: Xen public headers (xen.h, arch-x86/xen.h, sched.h) for names, numbers and arguments.
#ifndef VMIROM_MODEL_HYPERVISOR_REQUEST_H_
#define VMIROM_MODEL_HYPERVISOR_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

namespace vmirom {

enum class RequestKind : uint8_t {
  kSetTrapTable,      // table: 256 entries of two dwords
  kSetGdt,            // words: the frames of gdt, then the number of entries
  kUpdateDescriptor,  // words: machine address low, high; descriptor low, high
  kSetLdt,            // words: linear address, number of entries
  kStackSwitch,       // words: SS, ESP
  kConsoleWrite,      // a message; its text is the ROM's own
  kShutdown,          // words: reason; never returns
  kUnknown,           // words: hypercall number; nothing the model ever issues
};

inline const char* name_of(RequestKind kind) {
  switch (kind) {
    case RequestKind::kSetTrapTable: return "set_trap_table";
    case RequestKind::kSetGdt: return "set_gdt";
    case RequestKind::kUpdateDescriptor: return "update_descriptor";
    case RequestKind::kSetLdt: return "mmuext_op(MMUEXT_SET_LDT)";
    case RequestKind::kStackSwitch: return "stack_switch";
    case RequestKind::kConsoleWrite: return "console_io(CONSOLEIO_write)";
    case RequestKind::kShutdown: return "sched_op(SCHEDOP_shutdown)";
    case RequestKind::kUnknown: break;
  }
  return "an unknown hypercall";
}

// Which of the processor's descriptor tables a kUpdateDescriptor addresses, for the hypervisor's effect.
enum class WhichTable : uint8_t { kNone, kGdt, kLdt };

template <class D>
struct Request {
  RequestKind kind = RequestKind::kUnknown;
  std::vector<typename D::Word> words;
  typename D::Table table{};  // kSetTrapTable
  WhichTable which = WhichTable::kNone;
  typename D::Word index{};  // the entry that kUpdateDescriptor addresses
};

// The dwords of a trap table that count, of X86_GATES entries.
inline constexpr uint32_t kTrapTableDwords = 512;

// The trap table keeps a zero handler after its last entry, where the hypervisor stops reading.
inline constexpr const char* kTableEnds = "the trap table's last entry is zero";

}  // namespace vmirom

#endif  // VMIROM_MODEL_HYPERVISOR_REQUEST_H_
