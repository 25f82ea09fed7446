// Memory at known places: each byte is a part of a term, so that a word that was stored comes back as the same word.
#ifndef VMIROM_PROOFS_X86_CELLS_H_
#define VMIROM_PROOFS_X86_CELLS_H_

#include <cstdint>
#include <functional>
#include <map>

#include "proofs/smt/term.h"

namespace vmirom::x86 {

// Keyed by address, or by offset from some base.
class Cells {
 public:
  struct Cell {
    smt::Term word;
    uint8_t byte;  // which byte of the word, 0 lowest
    bool written;  // by a store, rather than found
  };

  // Contents of an aligned dword that nothing has been stored to.
  using Initial = std::function<smt::Term(int64_t aligned)>;

  explicit Cells(Initial initial) : initial_(std::move(initial)) {}

  smt::Term load(int64_t at, uint32_t bytes);
  void store(int64_t at, smt::Term value);
  bool written(int64_t at) const;
  smt::Term initial_byte(int64_t at) const;
  // Cells below a place become as if nothing had ever been stored there.
  void forget_below(int64_t at) { cells_.erase(cells_.begin(), cells_.lower_bound(at)); }

  const std::map<int64_t, Cell>& cells() const { return cells_; }

 private:
  Cell& cell(int64_t at);

  Initial initial_;
  std::map<int64_t, Cell> cells_;
};

}  // namespace vmirom::x86

#endif  // VMIROM_PROOFS_X86_CELLS_H_
