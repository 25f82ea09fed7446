#include "proofs/x86/cells.h"

namespace vmirom::x86 {

Cells::Cell& Cells::cell(int64_t at) {
  const auto found = cells_.find(at);
  if (found != cells_.end()) return found->second;
  return cells_.emplace(at, Cell{initial_(at & ~int64_t{3}), uint8_t(at & 3), false}).first->second;
}

smt::Term Cells::load(int64_t at, uint32_t bytes) {
  const Cell first = cell(at);
  bool whole = first.byte == 0 && first.word.width() == 8 * bytes;
  for (uint32_t i = 1; i < bytes; ++i) {
    const Cell& c = cell(at + i);
    whole = whole && c.word == first.word && c.byte == i;
  }
  if (whole) return first.word;
  std::vector<smt::Term> parts;
  for (uint32_t i = bytes; i-- > 0;) {
    const Cell& c = cell(at + i);
    parts.push_back(smt::extract(c.word, 8 * c.byte, 8));
  }
  return smt::concat(parts);
}

void Cells::store(int64_t at, smt::Term value) {
  for (uint32_t i = 0; i < value.width() / 8; ++i) cells_[at + i] = {value, uint8_t(i), true};
}

bool Cells::written(int64_t at) const {
  const auto found = cells_.find(at);
  return found != cells_.end() && found->second.written;
}

smt::Term Cells::initial_byte(int64_t at) const { return smt::extract(initial_(at & ~int64_t{3}), 8 * (at & 3), 8); }

}  // namespace vmirom::x86
