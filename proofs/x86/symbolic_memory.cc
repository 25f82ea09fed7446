#include "proofs/x86/symbolic_memory.h"

namespace vmirom {
namespace {

smt::Term initial_stack(int64_t offset) {
  return smt::variable("stack" + std::string(offset < 0 ? "" : "+") + std::to_string(offset), 32);
}

}  // namespace

SymbolicMemory::SymbolicMemory(smt::Term esp)
    : esp0(esp), stack(initial_stack), guest(smt::variable("guest", smt::kArray)) {}

bool SymbolicMemory::on_stack(smt::Term address, int64_t* offset) const {
  uint64_t difference;
  if (!smt::constant_difference(address, esp0, &difference)) return false;
  *offset = int32_t(uint32_t(difference));
  return true;
}

// More than a page may have pages between the two that were found accessible.
void SymbolicMemory::granted(SymbolicWord address, uint32_t bytes, bool write) {
  if (bytes <= 4096) grants.push_back({address.term(), bytes, write});
}

bool SymbolicMemory::covered(smt::Term address, uint32_t bytes, bool write) const {
  for (const Grant& grant : grants) {
    uint64_t offset;
    if ((grant.write || !write) && smt::constant_difference(address, grant.address, &offset) &&
        offset + bytes <= grant.bytes)
      return true;
  }
  return false;
}

void SymbolicMemory::avoid_stack(smt::Term address, uint32_t bytes) {
  const auto word = [](uint32_t value) { return smt::constant(value, 32); };
  const smt::Term below = smt::less_equal(smt::add(address, word(bytes + kStackBelow)), esp0);
  const smt::Term above = smt::less_equal(smt::add(esp0, word(kStackAbove)), address);
  engine::Explorer::current().assume(smt::logical_or(below, above),
                                     "memory that the guest passes or its tables name does not overlap the call's stack");
}

smt::Term SymbolicMemory::load_term(smt::Term address, uint32_t bytes) {
  int64_t offset;
  if (on_stack(address, &offset)) return stack.load(offset, bytes);
  avoid_stack(address, bytes);
  reads.push_back({address, bytes});
  return load_bytes(guest, address, bytes);
}

void SymbolicMemory::store_term(smt::Term address, smt::Term value) {
  int64_t offset;
  if (on_stack(address, &offset)) return stack.store(offset, value);
  avoid_stack(address, value.width() / 8);
  guest = store_bytes(guest, address, value);
}

SymbolicWord SymbolicMemory::load(SymbolicWord address, uint32_t bytes) {
  return SymbolicWord(smt::zero_extend(load_term(address.term(), bytes), 32));
}

void SymbolicMemory::store(SymbolicWord address, SymbolicWord value, uint32_t bytes) {
  store_term(address.term(), smt::extract(value.term(), 0, 8 * bytes));
}

SymbolicWord SymbolicMemory::access(SymbolicWord page) const {
  return SymbolicWord(smt::zero_extend(smt::select(smt::variable("access", smt::kArray), page.term()), 32));
}

}  // namespace vmirom
