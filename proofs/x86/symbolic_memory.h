// Guest memory over all states: the stack around the call's frame as known places, everything else as one array.
//
// That the two do not overlap is a precondition on what the guest passes; each access through a pointer adds it for that
// access, under one name.
#ifndef VMIROM_PROOFS_X86_SYMBOLIC_MEMORY_H_
#define VMIROM_PROOFS_X86_SYMBOLIC_MEMORY_H_

#include <string>
#include <vector>

#include "model/abi/calls.h"
#include "proofs/engine/symbolic.h"
#include "proofs/x86/cells.h"

namespace vmirom {

class SymbolicMemory {
 public:
  // esp0 is the entry's ESP; prefix sets the names of the initial contents.
  explicit SymbolicMemory(smt::Term esp0);

  // What D::Memory asks for. The model's pointers have been checked against the wedge.
  SymbolicWord load(SymbolicWord address, uint32_t bytes);
  void store(SymbolicWord address, SymbolicWord value, uint32_t bytes);
  SymbolicWord access(SymbolicWord page) const;
  void touch(SymbolicWord address, uint32_t bytes) { reads.push_back({address.term(), bytes}); }
  void granted(SymbolicWord address, uint32_t bytes, bool write);

  // The same on terms of any width.
  smt::Term load_term(smt::Term address, uint32_t bytes);
  void store_term(smt::Term address, smt::Term value);

  // True when the address is a place on the stack, at an offset from esp0.
  bool on_stack(smt::Term address, int64_t* offset) const;

  // A read of guest memory outside the stack.
  struct Read {
    smt::Term address;
    uint32_t bytes;
  };

  smt::Term esp0;
  x86::Cells stack;
  smt::Term guest;  // array of bytes by address
  std::vector<Read> reads;

  // Ranges that this path has found accessible, of at most a page. An access that lies in one is accessible too: its pages
  // are among the range's two (proofs/x86/symbolic_memory_test.cc proves it).
  struct Grant {
    smt::Term address;
    uint32_t bytes;
    bool write;
  };
  std::vector<Grant> grants;
  bool covered(smt::Term address, uint32_t bytes, bool write) const;

 private:
  void avoid_stack(smt::Term address, uint32_t bytes);
};

}  // namespace vmirom

#endif  // VMIROM_PROOFS_X86_SYMBOLIC_MEMORY_H_
