// Symbolic memory against memory of bytes, and the two arguments that stand behind what it leaves out: that an access
// within a range found accessible is accessible, and that what is assumed of a pointer keeps it off the stack.
#include "proofs/x86/symbolic_memory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "model/abi/constants.h"
#include "proofs/smt/evaluate.h"
#include "proofs/smt/smtlib.h"
#include "proofs/smt/solver.h"

namespace vmirom {
namespace {

using engine::Explorer;
using smt::Answer;
using smt::Term;

constexpr uint32_t kPage = 4096;
constexpr uint32_t kResources = 400'000'000;

Term word(uint32_t value) { return smt::constant(value, 32); }
Term var(const char* name) { return smt::variable(name, 32); }
Term within(Term x, Term begin, Term size) { return smt::less(smt::subtract(x, begin), size); }
Answer check(const std::vector<Term>& conditions) {
  return smt::check_script(smt::to_smtlib(conditions, ""), kResources).answer;
}

// Initial contents and pointers that a seed decides.
struct Concrete : smt::Assignment {
  explicit Concrete(uint32_t seed) : seed(seed) {}
  uint32_t hash(uint32_t a) const {
    a = (a ^ seed) * 0x9e3779b1;
    a = (a ^ (a >> 15)) * 0x85ebca77;
    return a ^ (a >> 13);
  }
  uint64_t variable(const std::string& name, uint32_t width) override {
    if (const auto found = values.find(name); found != values.end()) return found->second;
    return hash(uint32_t(std::hash<std::string>()(name))) & smt::mask(width);
  }
  uint64_t apply(const std::string&, const std::vector<uint64_t>&, uint32_t) override { return 0; }
  uint8_t byte(const std::string&, uint32_t index) override { return uint8_t(hash(index)); }

  uint32_t seed;
  std::map<std::string, uint64_t> values;
};

// A place that is often at a page's border or at the ends of the address space.
uint32_t place(std::mt19937& rng) {
  constexpr uint32_t kBorders[] = {0, kPage, 0x7ffff000, 0x80000000, VMI_WEDGE, 0xfffff000};
  const uint32_t at = rng() % 4 ? kBorders[rng() % 6] : uint32_t(rng());
  return at + rng() % 17 - 8;
}

// A range of at most a page touches no page but its first byte's and its last byte's: when those two allow an access, any
// byte of it may be accessed. The range may begin anywhere, and go over the end of the address space.
TEST(SymbolicMemory, pages_of_a_granted_byte_are_among_the_grants_two) {
  const smt::Scope scope;
  const Term begin = var("begin"), size = var("size"), x = var("x");
  const auto page = [](Term a) { return smt::shift_right(a, word(12)); };
  const Term last = smt::subtract(smt::add(begin, size), word(1));
  const Term among = smt::logical_or(smt::equal(page(x), page(begin)), smt::equal(page(x), page(last)));
  const auto counterexample = [&](uint32_t most) {
    return check({smt::less_equal(size, word(most)), within(x, begin, size), smt::logical_not(among)});
  };
  EXPECT_EQ(counterexample(kPage), Answer::kUnsatisfiable);
  EXPECT_EQ(counterexample(kPage + 2), Answer::kSatisfiable);
}

// The same for the condition that the machine decides on before an access (SymbolicMachine::guard) and the model when it
// grants a range (model/guest_memory.h).
TEST(SymbolicMemory, an_access_within_a_granted_range_is_accessible) {
  const smt::Scope scope;
  SymbolicMemory memory(var("esp0"));
  const Term begin = var("begin"), size = var("size"), offset = var("offset"), bytes = var("bytes");
  const auto allowed = [&](Term address, Term count, uint32_t rights) {
    const auto page_allows = [&](Term a) {
      const Term access = memory.access(SymbolicWord(smt::shift_right(a, word(12)))).term();
      return smt::equal(smt::bit_and(access, word(rights)), word(rights));
    };
    return smt::logical_and(page_allows(address), page_allows(smt::subtract(smt::add(address, count), word(1))));
  };
  const auto counterexample = [&](uint32_t most, uint32_t granted, uint32_t asked) {
    return check({smt::less_equal(size, word(most)), smt::less_equal(bytes, size), smt::less(word(0), bytes),
                  smt::less_equal(offset, smt::subtract(size, bytes)), allowed(begin, size, granted),
                  smt::logical_not(allowed(smt::add(begin, offset), bytes, asked))});
  };
  constexpr uint32_t kRead = 1, kWrite = 3;
  EXPECT_EQ(counterexample(kPage, kRead, kRead), Answer::kUnsatisfiable);
  EXPECT_EQ(counterexample(kPage, kWrite, kWrite), Answer::kUnsatisfiable);
  EXPECT_EQ(counterexample(kPage, kWrite, kRead), Answer::kUnsatisfiable);
  EXPECT_EQ(counterexample(kPage, kRead, kWrite), Answer::kSatisfiable);
  EXPECT_EQ(counterexample(kPage + 2, kRead, kRead), Answer::kSatisfiable);
}

TEST(SymbolicMemory, covers_just_what_lies_in_one_grant) {
  std::mt19937 rng(20240610);
  uint32_t covered = 0, not_covered = 0;
  for (uint32_t round = 0; round < 3000; ++round) {
    const smt::Scope scope;
    SymbolicMemory memory(var("esp0"));
    const Term bases[] = {var("p"), var("q"), word(0)};
    struct Range {
      uint32_t base, offset, bytes;
      bool write;
    };
    const auto random_range = [&](uint32_t most) {
      return Range{uint32_t(rng() % 3), place(rng), 1 + uint32_t(rng() % most), rng() % 2 == 0};
    };
    const auto address = [&](const Range& r) { return smt::add(bases[r.base], word(r.offset)); };
    std::vector<Range> grants;
    for (uint32_t i = 0; i < 3; ++i) {
      grants.push_back(random_range(rng() % 2 ? 24 : kPage));
      memory.granted(SymbolicWord(address(grants.back())), grants.back().bytes, grants.back().write);
    }
    for (uint32_t i = 0; i < 10; ++i) {
      Range access = random_range(8);
      if (rng() % 2) {
        const Range& near = grants[rng() % 3];
        access.base = near.base;
        access.offset = near.offset + (rng() % 2 ? near.bytes : 0) + rng() % 17 - 8;
      }
      // Byte by byte, modulo 2^32.
      bool expected = false;
      for (const Range& grant : grants) {
        bool all = grant.base == access.base && (grant.write || !access.write);
        for (uint32_t b = 0; b < access.bytes; ++b) all = all && access.offset + b - grant.offset < grant.bytes;
        expected = expected || all;
      }
      EXPECT_EQ(memory.covered(address(access), access.bytes, access.write), expected)
          << "round " << round << ", access " << i << " of " << access.bytes << " bytes at " << access.offset;
      ++(expected ? covered : not_covered);
    }
  }
  EXPECT_GT(covered, 1000u);
  EXPECT_GT(not_covered, 1000u);
}

TEST(SymbolicMemory, remembers_no_grant_of_more_than_a_page) {
  const smt::Scope scope;
  SymbolicMemory memory(var("esp0"));
  memory.granted(SymbolicWord(var("p")), kPage + 1, true);
  EXPECT_FALSE(memory.covered(var("p"), 1, false));
  memory.granted(SymbolicWord(var("p")), kPage, true);
  EXPECT_TRUE(memory.covered(smt::add(var("p"), word(kPage - 4)), 4, true));
  EXPECT_FALSE(memory.covered(smt::add(var("p"), word(kPage - 3)), 4, true));
}

TEST(SymbolicMemory, places_on_the_stack_are_told_by_their_distance) {
  const smt::Scope scope;
  SymbolicMemory memory(var("esp0"));
  int64_t offset = 1;
  EXPECT_TRUE(memory.on_stack(smt::subtract(var("esp0"), word(20)), &offset));
  EXPECT_EQ(offset, -20);
  EXPECT_TRUE(memory.on_stack(smt::add(smt::subtract(var("esp0"), word(20)), word(24)), &offset));
  EXPECT_EQ(offset, 4);
  EXPECT_FALSE(memory.on_stack(var("p"), &offset));
  EXPECT_FALSE(memory.on_stack(smt::add(var("esp0"), var("p")), &offset));
}

// Loads and stores of all widths, at places on the stack and through two pointers that may overlap each other, against an
// array of bytes.
TEST(SymbolicMemory, gives_back_what_memory_of_bytes_does) {
  std::mt19937 rng(20240611);
  for (uint32_t round = 0; round < 100; ++round) {
    const smt::Scope scope;
    Explorer explorer;
    Concrete start(rng());
    const uint32_t esp0 = 0x00100000 + rng() % 64;
    // Beside the stack, at borders of pages; the second often within reach of the first.
    const uint32_t p = 0x40001000 + rng() % 9 - 4, q = rng() % 3 ? p + rng() % 17 - 8 : 0x7ffff000;
    start.values = {{"esp0", esp0}, {"p", p}, {"q", q}};
    std::map<uint32_t, uint8_t> memory;
    const auto initial = [&](uint32_t at) -> uint8_t {
      const int32_t offset = int32_t(at - esp0);
      if (offset < -2048 || offset > 2048) return start.byte("guest", at);
      const int32_t aligned = offset & ~3;
      const std::string name = std::string("stack") + (aligned < 0 ? "" : "+") + std::to_string(aligned);
      return uint8_t(start.variable(name, 32) >> 8 * (offset & 3));
    };
    explorer.explore([&] {
      SymbolicMemory symbolic(var("esp0"));
      for (uint32_t step = 0; step < 40; ++step) {
        const uint32_t kind = rng() % 4, bytes = 1u << rng() % 3;
        const uint32_t offset = kind < 2 ? 4 * (rng() % 8) - 16 + rng() % 3 : rng() % 12;
        const uint32_t at = (kind < 2 ? esp0 : kind == 2 ? p : q) + offset;
        const Term address = smt::add(kind < 2 ? var("esp0") : kind == 2 ? var("p") : var("q"), word(offset));
        if (rng() % 2) {
          const Term v = smt::variable("v" + std::to_string(step), 8 * bytes);
          const uint64_t value = start.variable("v" + std::to_string(step), 8 * bytes);
          if (rng() % 2)
            symbolic.store_term(address, v);
          else
            symbolic.store(SymbolicWord(address), SymbolicWord(smt::zero_extend(v, 32)), bytes);
          for (uint32_t b = 0; b < bytes; ++b) memory[at + b] = uint8_t(value >> 8 * b);
        } else {
          uint64_t expected = 0;
          for (uint32_t b = 0; b < bytes; ++b) {
            const auto written = memory.find(at + b);
            expected |= uint64_t{written == memory.end() ? initial(at + b) : written->second} << 8 * b;
          }
          const size_t reads = symbolic.reads.size();
          smt::Evaluator evaluator(start);
          ASSERT_EQ(evaluator.value(symbolic.load(SymbolicWord(address), bytes).term()), expected)
              << "round " << round << ", step " << step;
          EXPECT_EQ(symbolic.reads.size(), reads + (kind >= 2));
        }
      }
      // All that was assumed holds in this state: no pointer reaches the stack.
      smt::Evaluator evaluator(start);
      for (Term condition : explorer.path_condition()) EXPECT_TRUE(evaluator.value(condition));
    });
  }
}

// Under the contract's bounds on ESP and below the wedge, what an access through a pointer assumes is that it shares no byte
// with the call's stack, no more and no less. Without the bound on ESP it would be less.
TEST(SymbolicMemory, an_access_through_a_pointer_assumes_just_that_it_misses_the_stack) {
  for (uint32_t bytes : {1u, 2u, 4u}) {
    const smt::Scope scope;
    Explorer explorer;
    const Term esp0 = var("esp0"), p = var("p"), x = var("x");
    Term assumed, assumed_for_store;
    explorer.explore([&] {
      SymbolicMemory memory(esp0);
      memory.load_term(p, bytes);
      assumed = explorer.path_condition().back();
    });
    explorer.explore([&] {
      SymbolicMemory memory(esp0);
      memory.store_term(p, smt::variable("v", 8 * bytes));
      assumed_for_store = explorer.path_condition().back();
    });
    EXPECT_EQ(assumed, assumed_for_store);
    EXPECT_EQ(explorer.preconditions().size(), 1u);
    const Term below_wedge = smt::less_equal(p, word(VMI_WEDGE - bytes));
    const Term esp_bound =
        smt::logical_and(smt::less_equal(word(kStackBelow), esp0), smt::less_equal(esp0, word(VMI_WEDGE - kStackAbove)));
    const Term stack = smt::subtract(esp0, word(kStackBelow)), stack_bytes = word(kStackBelow + kStackAbove);
    const Term shared = smt::logical_and(within(x, p, word(bytes)), within(x, stack, stack_bytes));
    EXPECT_EQ(check({below_wedge, esp_bound, assumed, shared}), Answer::kUnsatisfiable);
    EXPECT_EQ(check({below_wedge, assumed, shared}), Answer::kSatisfiable);
    // Two ranges share a byte when one holds the other's first.
    const Term apart = smt::logical_not(smt::logical_or(within(p, stack, stack_bytes), within(stack, p, word(bytes))));
    EXPECT_EQ(check({below_wedge, esp_bound, apart, smt::logical_not(assumed)}), Answer::kUnsatisfiable);
  }
}

}  // namespace
}  // namespace vmirom
