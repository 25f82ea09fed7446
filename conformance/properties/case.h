// One case: a call and the state that it starts from, as data that can be written down and read back.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_CASE_H_
#define VMIROM_CONFORMANCE_PROPERTIES_CASE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/engine/engine.h"
#include "model/abi/calls.h"
#include "model/domain/concrete.h"
#include "model/state.h"

namespace vmirom::conformance {

// Where guest memory lies in the cases that are generated: pages with every combination of rights side by side.
inline constexpr uint32_t kArena = 0x00400000;
inline constexpr uint32_t kArenaPages = 14;
inline constexpr uint32_t kStack = 0x00420000;
inline constexpr uint32_t kStackPages = 3;
inline constexpr uint32_t kRomCopy = 0x000d0000;  // where a guest has the table before Init
inline constexpr uint32_t kLastPage = VMI_WEDGE - kPageBytes;
GuestPages standard_pages();

struct Case {
  std::string entry;  // a call's name, or that of a part of the ROM that is proved on its own
  Cpu cpu;
  // None in a sequence: the virtual CPU stays as the call before left it.
  std::optional<VirtualCpu<Concrete>> vcpu;
  uint32_t work = 0;                    // vcpu_t::work
  uint32_t noise = 0;                   // what is in the ROM's own fields, and in bits that are nobody's
  std::map<uint32_t, uint8_t> memory;   // bytes of guest memory
  std::map<std::string, uint32_t> own;  // the ROM's own fields, where noise will not do
  // Dwords of the tables the processor uses, and of the trap table on its way to the hypervisor, by index.
  std::map<uint32_t, uint32_t> gdt, ldt, traps;
  std::vector<uint32_t> answers;  // the hypervisor's, in order
  std::vector<uint64_t> time_stamps;
  // Pages of guest memory, when they are not the standard ones.
  GuestPages pages;

  void put(uint32_t address, uint32_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; ++i, value >>= 8) memory[address + i] = uint8_t(value);
  }
};

// The state every case starts from before anything is chosen: Init has succeeded, nothing is pending, the return address
// is the gate.
Case plain_case(const std::string& entry);

// One line without quotes, what differs from the plain case; sequences are separated by " ; ".
std::string to_text(const Case& c);
std::string to_text(const std::vector<Case>& sequence);

// The inverse. Throws std::invalid_argument naming the word that it cannot read.
std::vector<Case> cases_from(const std::string& text);

// Every register by name.
template <class C, class Visit>
void each_register(C& cpu, Visit visit) {
  visit("eax", cpu.eax), visit("ecx", cpu.ecx), visit("edx", cpu.edx), visit("ebx", cpu.ebx);
  visit("esp", cpu.esp), visit("ebp", cpu.ebp), visit("esi", cpu.esi), visit("edi", cpu.edi);
  visit("eip", cpu.eip), visit("eflags", cpu.eflags);
  visit("es", cpu.es), visit("cs", cpu.cs), visit("ss", cpu.ss), visit("ds", cpu.ds), visit("fs", cpu.fs),
      visit("gs", cpu.gs);
}

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_PROPERTIES_CASE_H_
