#include "proofs/engine/symbolic.h"

namespace vmirom {
namespace {

smt::Term byte_address(smt::Term address, uint32_t i) { return smt::add(address, smt::constant(i, 32)); }

smt::Term dword_offset(SymbolicWord index) { return smt::shift_left(index.term(), smt::constant(2, 32)); }

}  // namespace

smt::Term load_bytes(smt::Term array, smt::Term address, uint32_t count) {
  std::vector<smt::Term> bytes;
  for (uint32_t i = count; i-- > 0;) bytes.push_back(smt::select(array, byte_address(address, i)));
  return smt::concat(bytes);
}

smt::Term store_bytes(smt::Term array, smt::Term address, smt::Term value) {
  for (uint32_t i = 0; i < value.width() / 8; ++i)
    array = smt::store(array, byte_address(address, i), smt::extract(value, 8 * i, 8));
  return array;
}

SymbolicWord SymbolicTable::get(SymbolicWord index) const {
  return SymbolicWord(load_bytes(bytes_, dword_offset(index), 4));
}

void SymbolicTable::set(SymbolicWord index, SymbolicWord value) {
  bytes_ = store_bytes(bytes_, dword_offset(index), value.term());
}

}  // namespace vmirom
