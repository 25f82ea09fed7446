// The domain of terms: the model over all states at once. See model/domain/concrete.h for what a domain offers.
#ifndef VMIROM_PROOFS_ENGINE_SYMBOLIC_H_
#define VMIROM_PROOFS_ENGINE_SYMBOLIC_H_

#include <cstdint>

#include "proofs/engine/explorer.h"
#include "proofs/smt/term.h"

namespace vmirom {

// A condition; deciding on it forks the path.
class SymbolicBool {
 public:
  SymbolicBool(bool value) : term_(smt::boolean(value)) {}
  explicit SymbolicBool(smt::Term term) : term_(term) {}

  explicit operator bool() const { return engine::Explorer::current().decide(term_); }
  smt::Term term() const { return term_; }

  friend SymbolicBool operator!(SymbolicBool a) { return SymbolicBool(smt::logical_not(a.term_)); }
  friend SymbolicBool operator&(SymbolicBool a, SymbolicBool b) { return SymbolicBool(smt::logical_and(a.term_, b.term_)); }
  friend SymbolicBool operator|(SymbolicBool a, SymbolicBool b) { return SymbolicBool(smt::logical_or(a.term_, b.term_)); }

 private:
  smt::Term term_;
};

// 32 bits.
class SymbolicWord {
 public:
  SymbolicWord() : SymbolicWord(0u) {}
  SymbolicWord(uint32_t value) : term_(smt::constant(value, 32)) {}
  explicit SymbolicWord(smt::Term term) : term_(term) {}

  smt::Term term() const { return term_; }

  friend SymbolicWord operator+(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::add(a.term_, b.term_)); }
  friend SymbolicWord operator-(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::subtract(a.term_, b.term_)); }
  friend SymbolicWord operator*(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::multiply(a.term_, b.term_)); }
  friend SymbolicWord operator&(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::bit_and(a.term_, b.term_)); }
  friend SymbolicWord operator|(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::bit_or(a.term_, b.term_)); }
  friend SymbolicWord operator^(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::bit_xor(a.term_, b.term_)); }
  friend SymbolicWord operator~(SymbolicWord a) { return SymbolicWord(smt::bit_not(a.term_)); }
  friend SymbolicWord operator<<(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::shift_left(a.term_, b.term_)); }
  friend SymbolicWord operator>>(SymbolicWord a, SymbolicWord b) { return SymbolicWord(smt::shift_right(a.term_, b.term_)); }
  friend SymbolicBool operator==(SymbolicWord a, SymbolicWord b) { return SymbolicBool(smt::equal(a.term_, b.term_)); }
  friend SymbolicBool operator!=(SymbolicWord a, SymbolicWord b) { return !(a == b); }
  friend SymbolicBool operator<(SymbolicWord a, SymbolicWord b) { return SymbolicBool(smt::less(a.term_, b.term_)); }
  friend SymbolicBool operator<=(SymbolicWord a, SymbolicWord b) { return SymbolicBool(smt::less_equal(a.term_, b.term_)); }
  friend SymbolicBool operator>(SymbolicWord a, SymbolicWord b) { return b < a; }
  friend SymbolicBool operator>=(SymbolicWord a, SymbolicWord b) { return b <= a; }

 private:
  smt::Term term_;
};

// An array of dwords as an array of bytes.
class SymbolicTable {
 public:
  SymbolicTable() = default;
  explicit SymbolicTable(smt::Term bytes) : bytes_(bytes) {}

  smt::Term bytes() const { return bytes_; }
  SymbolicWord get(SymbolicWord index) const;
  void set(SymbolicWord index, SymbolicWord value);

 private:
  smt::Term bytes_;
};

class SymbolicMemory;
class SymbolicWorld;

struct Symbolic {
  using Word = SymbolicWord;
  using Bool = SymbolicBool;
  using Table = SymbolicTable;
  using Memory = SymbolicMemory;
  using World = SymbolicWorld;

  static Word select(Bool condition, Word a, Word b) {
    return Word(smt::if_then_else(condition.term(), a.term(), b.term()));
  }
  static bool same(Word a, Word b) { return a.term() == b.term(); }
};

// Values in arrays of bytes, little-endian.
smt::Term load_bytes(smt::Term array, smt::Term address, uint32_t count);
smt::Term store_bytes(smt::Term array, smt::Term address, smt::Term value);

}  // namespace vmirom

#endif  // VMIROM_PROOFS_ENGINE_SYMBOLIC_H_
