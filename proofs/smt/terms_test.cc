// The normal form, the evaluator, the lowering and the text must all mean the same.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "proofs/smt/smtlib.h"
#include "proofs/smt/solver.h"

namespace vmirom::smt {
namespace {

// A term with the value that the operators' plain meaning gives it, computed beside it.
struct Valued {
  Term term;
  uint64_t value;
};

struct Leaves : Assignment {
  std::map<std::string, uint64_t> values;
  uint64_t variable(const std::string& name, uint32_t) override { return values[name]; }
  uint64_t apply(const std::string&, const std::vector<uint64_t>& args, uint32_t) override { return args[0] * 5 + 1; }
  uint8_t byte(const std::string&, uint32_t index) override { return index * 7 + (index >> 3); }
};

int64_t to_signed(uint64_t v, uint32_t w) { return int64_t(v << (64 - w)) >> (64 - w); }

// Random terms of 1, 8, 16 and 32 bits and booleans, grown one operator at a time.
class Growth {
 public:
  explicit Growth(Leaves& leaves) : leaves_(leaves) {
    for (uint32_t w : {1u, 8u, 16u, 32u})
      for (const char* name : {"a", "b", "c"}) {
        const std::string full = name + std::to_string(w);
        const uint64_t v = *rc::gen::arbitrary<uint64_t>() & mask(w);
        leaves_.values[full] = v;
        terms_[w].push_back({variable(full, w), v});
      }
    terms_[0].push_back({boolean(true), 1});
    array_ = variable("m", kArray);
  }

  Valued grow() {
    const int kind = *rc::gen::inRange(0, 26);
    const uint32_t w = *rc::gen::element(1u, 8u, 16u, 32u);
    const Valued x = operand(w), y = operand(w), p = any(0);
    const auto keep = [&](Term t, uint64_t v) {
      const Valued made{t, t.width() ? v & mask(t.width()) : v};
      terms_[t.width()].push_back(made);
      return made;
    };
    switch (kind) {
      case 0:
      case 1:
      case 2: return keep(add(x.term, y.term), x.value + y.value);
      case 3: return keep(subtract(x.term, y.term), x.value - y.value);
      case 4: return keep(multiply(x.term, y.term), x.value * y.value);
      case 5: return keep(bit_and(x.term, y.term), x.value & y.value);
      case 6: return keep(bit_or(x.term, y.term), x.value | y.value);
      case 7: return keep(bit_xor(x.term, y.term), x.value ^ y.value);
      case 8: return keep(bit_not(x.term), ~x.value);
      case 9:
      case 10: return keep(shift_left(x.term, y.term), y.value >= w ? 0 : x.value << y.value);
      case 11:
      case 12: return keep(shift_right(x.term, y.term), y.value >= w ? 0 : x.value >> y.value);
      case 13:
        return keep(shift_right_arithmetic(x.term, y.term), to_signed(x.value, w) >> std::min<uint64_t>(y.value, w - 1));
      case 14: return keep(if_then_else(p.term, x.term, y.term), p.value ? x.value : y.value);
      case 15: return keep(equal(x.term, y.term), x.value == y.value);
      case 16: return keep(less(x.term, y.term), x.value < y.value);
      case 17: return keep(less_equal(x.term, y.term), x.value <= y.value);
      case 18: return keep(signed_less(x.term, y.term), to_signed(x.value, w) < to_signed(y.value, w));
      case 19: return keep(signed_less_equal(x.term, y.term), to_signed(x.value, w) <= to_signed(y.value, w));
      case 20: {
        const Valued q = any(0);
        return *rc::gen::arbitrary<bool>() ? keep(logical_and(p.term, q.term), p.value && q.value)
                                           : keep(logical_or(p.term, logical_not(q.term)), p.value || !q.value);
      }
      case 21: {
        const Valued z = operand(32);
        const uint32_t low = *rc::gen::element(0u, 1u, 8u, 9u, 16u);
        const uint32_t width = *rc::gen::element(1u, 8u, 16u);
        return keep(extract(z.term, low, width), z.value >> low);
      }
      case 22: {
        const Valued hi = operand(16), lo = operand(16);
        return keep(concat({hi.term, lo.term}), hi.value << 16 | lo.value);
      }
      case 23: {
        const Valued z = operand(8);
        return keep(sign_extend(z.term, 32), to_signed(z.value, 8));
      }
      case 24: {
        const Valued i = operand(32), j = operand(32), v = operand(8);
        return keep(select(store(array_, i.term, v.term), j.term),
                    i.value == j.value ? v.value : leaves_.byte("m", j.value));
      }
      default: {
        const Valued z = operand(8);
        return keep(zero_extend(z.term, 32), z.value);
      }
    }
  }

 private:
  Valued any(uint32_t width) { return *rc::gen::elementOf(terms_[width]); }
  Valued operand(uint32_t width) {
    if (*rc::gen::inRange(0, 3)) return any(width);
    const uint64_t v = *rc::gen::oneOf(rc::gen::inRange<uint64_t>(0, 33), rc::gen::arbitrary<uint64_t>(),
                                       rc::gen::element<uint64_t>(0xff, 0xff00, 0xffff0000, 0x200, ~uint64_t{0}));
    return {constant(v, width), v & mask(width)};
  }

  Leaves& leaves_;
  std::map<uint32_t, std::vector<Valued>> terms_;
  Term array_;
};

Term leaf_values(const Leaves& leaves) {
  Term all = boolean(true);
  for (const auto& [name, v] : leaves.values) {
    const uint32_t width = std::stoul(name.substr(1));
    all = logical_and(all, equal(variable(name, width), constant(v, width)));
  }
  return all;
}

Term differs(const Valued& t) {
  return t.term.width() == kBoolean ? (t.value ? logical_not(t.term) : t.term)
                                    : logical_not(equal(t.term, constant(t.value, t.term.width())));
}

TEST(Terms, normal_form_keeps_the_operators_meaning) {
  EXPECT_TRUE(rc::check([] {
    const Scope scope;
    Leaves leaves;
    Growth growth(leaves);
    Evaluator evaluator(leaves);
    for (int i = 0; i < 60; ++i) {
      const Valued t = growth.grow();
      RC_ASSERT(evaluator.value(t.term) == t.value);
      if (t.term.width()) {
        RC_ASSERT(t.value <= upper_bound(t.term));
        RC_ASSERT(t.value >= lower_bound(t.term));
      }
    }
  }));
}

TEST(Terms, solver_and_text_agree_with_the_evaluator) {
  EXPECT_TRUE(rc::check([] {
    const Scope scope;
    Leaves leaves;
    Growth growth(leaves);
    Valued last{};
    for (int i = 0; i < 25; ++i) last = growth.grow();
    // Array contents are pinned for the elements the term reads through the model of memory the leaves define.
    if (to_smtlib({differs(last)}, "").find("select") != std::string::npos) return;
    PathSolver path(10'000'000);
    path.assert_term(leaf_values(leaves));
    RC_ASSERT(path.check(boolean(true)) == Answer::kSatisfiable);
    RC_ASSERT(path.check(differs(last)) == Answer::kUnsatisfiable);
    RC_ASSERT(check_script(to_smtlib({leaf_values(leaves), differs(last)}, "c"), 10'000'000).answer ==
              Answer::kUnsatisfiable);
    const std::unique_ptr<Model> model =
        find_model(to_smtlib({leaf_values(leaves), logical_not(differs(last))}, "c"), 10'000'000);
    RC_ASSERT(model != nullptr);
    Evaluator by_model(*model);
    RC_ASSERT(by_model.value(last.term) == last.value);
  }));
}

TEST(Terms, address_arithmetic_never_reaches_the_solver) {
  const Scope scope;
  const Term esp = variable("esp", 32), i = variable("i", 32), base = variable("base", 32);
  const Term pushed = subtract(subtract(esp, constant(4, 32)), constant(8, 32));
  EXPECT_EQ(add(pushed, constant(12, 32)), esp);
  const Term indexed = add(base, shift_left(i, constant(3, 32)));
  const Term next = add(base, shift_left(add(i, constant(1, 32)), constant(3, 32)));
  uint64_t difference = 0;
  ASSERT_TRUE(constant_difference(next, indexed, &difference));
  EXPECT_EQ(difference, 8u);
  const Term at = variable("L", 32);
  EXPECT_EQ(add(add(at, constant(5, 32)), subtract(constant(0xf5001000, 32), at)), constant(0xf5001005, 32));
}

TEST(Terms, bytes_of_a_word_come_back_as_the_word) {
  const Scope scope;
  const Term x = add(variable("x", 32), constant(3, 32));
  const Term p = variable("p", kBoolean);
  for (const Term word : {x, if_then_else(p, x, constant(7, 32)), bit_and(x, constant(0xff00, 32))}) {
    std::vector<Term> bytes;
    for (uint32_t i = 4; i-- > 0;) bytes.push_back(extract(word, 8 * i, 8));
    EXPECT_EQ(concat(bytes), word);
  }
}

TEST(Terms, same_script_uses_the_same_resources) {
  const Scope scope;
  const Term x = variable("x", 32), y = variable("y", 32);
  const Term claim = equal(multiply(x, y), constant(0x12345, 32));
  const std::string script = to_smtlib({claim, less(constant(1, 32), x), less(constant(1, 32), y)}, "");
  const CheckResult first = check_script(script, 100'000'000);
  EXPECT_EQ(first.answer, Answer::kSatisfiable);
  EXPECT_GT(first.resources, 0u);
  EXPECT_EQ(check_script(script, 100'000'000).resources, first.resources);
  EXPECT_EQ(check_script(script, 50).answer, Answer::kUnknown);
}

}  // namespace
}  // namespace vmirom::smt
