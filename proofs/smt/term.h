// Bit-vector terms, hash-consed and kept in a normal form as they are built, so that most of what a proof has to compare is
// the same node already.
//
// A term is a boolean (width 0), a bit-vector of 1 to 64 bits, or an array of bytes indexed by 32-bit words. Normal form:
// sums are linear combinations with one constant; masks and shifts by constants are concatenations of slices; booleans
// never become bit-vectors unless asked. Terms live as long as the Scope they were made in.
#ifndef VMIROM_PROOFS_SMT_TERM_H_
#define VMIROM_PROOFS_SMT_TERM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vmirom::smt {

enum class Op : uint8_t {
  kConstant,  // value; width 0: 0 or 1
  kVariable,  // name
  kApply,     // uninterpreted function name of bit-vector arguments
  kLinear,    // value + sum of coefficients[i] * arguments[i]
  kMultiply,
  kDivide,
  kRemainder,
  kAnd,  // bitwise, two arguments
  kOr,
  kXor,
  kNot,
  kShiftLeft,  // by a variable amount
  kShiftRight,
  kShiftRightArithmetic,
  kConcat,   // highest part first
  kExtract,  // arguments[0], from bit value upwards
  kSignExtend,
  kIf,  // boolean, then, else; bit-vectors and arrays
  kBoolNot,
  kBoolAnd,
  kBoolOr,
  kEqual,
  kLessEqual,  // unsigned
  kSignedLessEqual,
  kSelect,  // byte of an array
  kStore,   // array, index, byte
};

inline constexpr uint32_t kBoolean = 0;
inline constexpr uint32_t kArray = 0xffff;

struct Node;

// A handle; cheap to copy. Two terms of one scope are the same expression exactly when they are equal handles.
class Term {
 public:
  Term() = default;
  explicit Term(const Node* node) : node_(node) {}

  const Node* operator->() const { return node_; }
  const Node* node() const { return node_; }
  bool valid() const { return node_ != nullptr; }
  friend bool operator==(Term a, Term b) { return a.node_ == b.node_; }
  friend bool operator!=(Term a, Term b) { return a.node_ != b.node_; }

  uint32_t width() const;
  bool is_constant() const;
  uint64_t value() const;  // of a constant
  bool is_true() const;
  bool is_false() const;

 private:
  const Node* node_ = nullptr;
};

struct Node {
  Op op;
  uint32_t width;
  uint32_t id;  // in order of making, from 0
  uint64_t value;
  const std::string* name;
  std::vector<Term> arguments;
  std::vector<uint64_t> coefficients;
};

inline uint32_t Term::width() const { return node_->width; }
inline bool Term::is_constant() const { return node_->op == Op::kConstant; }
inline uint64_t Term::value() const { return node_->value; }
inline bool Term::is_true() const { return is_constant() && width() == kBoolean && value() == 1; }
inline bool Term::is_false() const { return is_constant() && width() == kBoolean && value() == 0; }

// The terms of one proof. One is current per thread; making terms needs one.
class Scope {
 public:
  Scope();
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  struct Pool;

 private:
  std::unique_ptr<Pool> pool_;
  Pool* outer_;
};

// All ones in the low width bits.
constexpr uint64_t mask(uint32_t width) { return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// Leaves.
Term constant(uint64_t value, uint32_t width);
Term boolean(bool value);
Term variable(std::string_view name, uint32_t width);  // width kBoolean and kArray allowed
Term apply(std::string_view function, std::vector<Term> arguments, uint32_t width);

// Arithmetic modulo 2^width; operands of one width.
Term add(Term a, Term b);
Term subtract(Term a, Term b);
Term negate(Term a);
Term multiply(Term a, Term b);
Term divide(Term a, Term b);  // unsigned; by zero: all ones, as SMT-LIB has it
Term remainder(Term a, Term b);

// Bits.
Term bit_and(Term a, Term b);
Term bit_or(Term a, Term b);
Term bit_xor(Term a, Term b);
Term bit_not(Term a);
Term shift_left(Term a, Term amount);
Term shift_right(Term a, Term amount);
Term shift_right_arithmetic(Term a, Term amount);
Term extract(Term a, uint32_t low, uint32_t width);
Term concat(const std::vector<Term>& parts);  // highest part first
Term zero_extend(Term a, uint32_t width);
Term sign_extend(Term a, uint32_t width);

// Choice: then and otherwise of one width.
Term if_then_else(Term condition, Term then, Term otherwise);

// Booleans.
Term logical_not(Term a);
Term logical_and(Term a, Term b);
Term logical_or(Term a, Term b);
Term equal(Term a, Term b);             // also of booleans and of arrays
Term equal_as_written(Term a, Term b);  // not simplified, also when both are the same
Term less(Term a, Term b);
Term less_equal(Term a, Term b);
Term signed_less(Term a, Term b);
Term signed_less_equal(Term a, Term b);
Term from_boolean(Term condition, uint32_t width);  // 1 or 0

// Arrays of bytes.
Term select(Term array, Term index);
Term store(Term array, Term index, Term byte);

// The constant difference a - b when the normal form shows one.
bool constant_difference(Term a, Term b, uint64_t* difference);

// A sum taken apart: value is constant plus the sum of coefficient * term.
struct Linear {
  uint64_t constant = 0;
  std::vector<std::pair<Term, uint64_t>> parts;  // by rising id, coefficients not 0
};
Linear as_linear(Term a);

// The assertions that share variables with the last one, directly or through others; the last one included, order kept.
// Sharing an array alone counts only when asked for.
std::vector<Term> relevant_to_last(const std::vector<Term>& assertions, bool through_arrays);

// Largest and smallest value that the normal form shows.
uint64_t upper_bound(Term a);
uint64_t lower_bound(Term a);

}  // namespace vmirom::smt

#endif  // VMIROM_PROOFS_SMT_TERM_H_
