// What the model of a call starts from and ends in: the guest's registers, its virtual CPU, what the hypervisor holds for
// it, its memory. proofs and conformance relate it to the ROM's memory through model/relation.
#ifndef VMIROM_MODEL_STATE_H_
#define VMIROM_MODEL_STATE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "model/abi/constants.h"

namespace vmirom {

template <class D>
struct Registers {
  typename D::Word eax{}, ecx{}, edx{}, ebx{}, esp{}, ebp{}, esi{}, edi{};
  typename D::Word eip{}, eflags{};
  typename D::Word es{}, cs{}, ss{}, ds{}, fs{}, gs{};  // selectors; upper halves 0
};

// A 64-bit quantity.
template <class D>
struct Wide {
  typename D::Word low{}, high{};
};

template <class D>
Wide<D> operator+(const Wide<D>& a, const Wide<D>& b) {
  const typename D::Word low = a.low + b.low;
  return {low, a.high + b.high + D::select(low < a.low, 1, 0)};
}

template <class D>
Wide<D> operator-(const Wide<D>& a, const Wide<D>& b) {
  return {a.low - b.low, a.high - b.high - D::select(a.low < b.low, 1, 0)};
}

template <class D>
struct TableRegister {
  typename D::Word base{}, limit{};
};

// One 8259A, names as in its data sheet.
template <class D>
struct Pic {
  typename D::Word irr{}, isr{}, imr{}, vector_base{}, lowest_priority{}, auto_eoi{}, special_mask{};
};

// Names are those of the ROM's vcpu_t; model/relation/vcpu.def lists how each follows from it.
template <class D>
struct VirtualCpu {
  using Word = typename D::Word;
  Word interrupt_flag{};  // the virtual IF: 0 or 1
  Word initialised{};
  Word iopl{};
  Word cr0{}, cr2{}, cr3{}, cr4{};
  TableRegister<D> gdtr, idtr, ldt;
  Word ldtr{}, tr{};
  Word gdt_entries{}, ldt_entries{};
  Word esp0{}, ss0{};
  Wide<D> tsc_offset, apic_base, efer;
  Word sysenter_cs{}, sysenter_esp{}, sysenter_eip{};
  Word flat_cs{}, flat_ds{};
  std::array<Pic<D>, 2> pic;
};

template <class D>
struct Exception {
  typename D::Word vector{}, error_code{};
};

// A refused access to guest memory. The address counts for page faults only.
template <class D>
struct GuestFault {
  typename D::Word vector{}, error_code{}, address{};
};

// Facts about the image that a call's meaning depends on.
struct RomFacts {
  uint32_t trap_wrappers = 0;  // address of vector 0's wrapper
  uint32_t ldt_copy = 0;       // address of the LDT that the hypervisor is given
  uint32_t table_bytes = 0;    // length of header and call table
  std::vector<uint32_t> patchups;
  std::vector<uint32_t> linked_displacements;  // what each patch-up holds as linked
  std::vector<bool> provided;                  // by slot
};

// D::World decides what is not the model's to decide:
//   Word request(State&, const Request<D>&)   issues a request to the hypervisor; its answer
//   Wide<D> tsc(State&)                       the next reading of the processor's time-stamp counter
//   void loop(State&, name, most, variables, invariant, left, body)
//       runs body until it returns false, at most `most` times. variables are the Words that change from one iteration to
//       the next; invariant holds before each; left() falls with each. A proof cuts the loop here.
//   bool hand_over(State&, Part, arguments)   a proof ends here when the ROM's code has come to a part that is proved on
//                                             its own; true then
//   The concrete world has nothing to cut: its loops run, its hand-overs are false.
// Parts of the ROM that more than one entry comes to.
enum class Part : uint8_t {
  kDeliver,       // the common way out of calls that may have something for the guest
  kEnterHandler,  // entering the guest's handler; arguments: the event's code and error code
};

template <class D>
struct State {
  Registers<D> cpu;
  VirtualCpu<D> vcpu;
  // The tables the processor uses, two dwords an entry, and the frames they lie in.
  typename D::Table gdt, ldt, gdt_frames, ldt_frames;
  // The trap table on its way to the hypervisor, two dwords an entry.
  typename D::Table trap_table;
  typename D::Memory& memory;
  typename D::World& world;
  const RomFacts& rom;

  // Set while a call ends in an exception at its call site.
  bool raised = false;
  Exception<D> exception;
  // The virtual machine has been stopped; nothing else of the state counts.
  bool stopped = false;
  // Dwords of guest memory some bits of which are unspecified: flags that calls may clobber, in a stack frame.
  struct Unspecified {
    typename D::Word address;
    uint32_t bits;
  };
  std::vector<Unspecified> unspecified;
};

}  // namespace vmirom

#endif  // VMIROM_MODEL_STATE_H_
