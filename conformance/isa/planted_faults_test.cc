// The differential test can fail: semantics with one thing wrong are told from the processor, whatever the thing is.
#include <gtest/gtest.h>

#include "conformance/isa/differential.h"
#include "conformance/isa/forms.h"

namespace vmirom::isa {
namespace {

using x86::Flags;

// Does something wrong after, or instead of, what the semantics say.
using Wrong = std::function<bool(NumberMachine&, const x86::Instruction&)>;

Wrong afterwards(std::function<void(NumberMachine&)> spoil) {
  return [=](NumberMachine& m, const x86::Instruction& in) {
    if (!shipped_semantics(m, in)) return false;
    spoil(m);
    return true;
  };
}

Number flipped(Number flag) { return flag.valid() ? logical_not(flag) : flag; }

Wrong with_flag_flipped(uint32_t which) {
  return afterwards([=](NumberMachine& m) {
    Number f[] = {m.flags.cf(), m.flags.pf(), m.flags.af(), m.flags.zf(), m.flags.sf(), m.flags.of()};
    f[which] = flipped(f[which]);
    m.flags = Flags<Number>::stored(f[0], f[1], f[2], f[3], f[4], f[5]);
  });
}

Wrong with_register_changed(x86::Register r, uint32_t by) {
  return afterwards([=](NumberMachine& m) { m.set(r, bit_xor(m.get(r), Number(by, 32))); });
}

struct Planted {
  const char* name;
  Bytes bytes;
  Wrong wrong;
};

std::vector<Planted> faults() {
  const Bytes add = {0x01, 0xd8};                  // add %ebx,%eax
  const Bytes adc = {0x11, 0xd8};                  // adc %ebx,%eax
  const Bytes add_to_memory = {0x01, 0x46, 0x08};  // add %eax,8(%esi)
  const Bytes push = {0x53};                       // push %ebx
  const Bytes jne = {0x75, 0x40};                  // jne
  const Bytes call = {0xe8, 0x00, 0x10, 0x00, 0x00};
  const Bytes load_ds = {0x8e, 0xd8};  // mov %eax,%ds
  const Bytes popf = {0x9d};
  const Bytes push_es = {0x06};
  std::vector<Planted> all = {
      {"nothing happens", add, [](NumberMachine&, const x86::Instruction&) { return true; }},
      {"memory: one bit", add_to_memory,
       afterwards([](NumberMachine& m) { m.memory[0].bytes[m.get(x86::kEsi).value() + 8 - ISA_ARENA] ^= 0x10; })},
      {"memory: beside the operand", add_to_memory,
       afterwards([](NumberMachine& m) { m.memory[0].bytes[m.get(x86::kEsi).value() + 12 - ISA_ARENA] ^= 0x80; })},
      {"memory: far from the operand", add, afterwards([](NumberMachine& m) { m.memory[0].bytes[3] ^= 1; })},
      {"stack: what is pushed", push,
       afterwards([](NumberMachine& m) { m.memory[0].bytes[m.get(x86::kEsp).value() - ISA_ARENA] ^= 1; })},
      {"stack: the open half alone is open", push_es,
       afterwards([](NumberMachine& m) { m.memory[0].bytes[m.get(x86::kEsp).value() + 1 - ISA_ARENA] ^= 1; })},
      {"ESP moves by 2", push, afterwards([](NumberMachine& m) {
         m.set(x86::kEsp, {m.get(x86::kEsp).value() + 2, 32});
       })},
      {"a branch always falls through", jne, afterwards([](NumberMachine& m) { m.eip = uint32_t(m.next().value()); })},
      {"a branch is taken on the other condition", jne,
       [](NumberMachine& m, const x86::Instruction& in) {
         m.flags = Flags<Number>::stored(m.flags.cf(), m.flags.pf(), m.flags.af(), flipped(m.flags.zf()), m.flags.sf(),
                                         m.flags.of());
         const bool known = shipped_semantics(m, in);
         m.flags = Flags<Number>::stored(m.flags.cf(), m.flags.pf(), m.flags.af(), flipped(m.flags.zf()), m.flags.sf(),
                                         m.flags.of());
         return known;
       }},
      {"a call goes one byte further", call, afterwards([](NumberMachine& m) { ++m.eip; })},
      {"carry in is left out", adc,
       [](NumberMachine& m, const x86::Instruction& in) {
         m.flags = Flags<Number>::stored({0, 0}, m.flags.pf(), m.flags.af(), m.flags.zf(), m.flags.sf(), m.flags.of());
         return shipped_semantics(m, in);
       }},
      {"a selector stays", load_ds, afterwards([](NumberMachine& m) { m.selectors[x86::kDs] = ISA_DATA; })},
      {"POPF leaves DF", popf,
       [](NumberMachine& m, const x86::Instruction& in) {
         const uint64_t df = m.system_flags.value() & X86_EFLAGS_DF;
         if (!shipped_semantics(m, in)) return false;
         m.system_flags = {(m.system_flags.value() & ~uint64_t{X86_EFLAGS_DF}) | df, 32};
         return true;
       }},
  };
  constexpr const char* kFlagNames[] = {"CF", "PF", "AF", "ZF", "SF", "OF"};
  for (uint32_t f = 0; f < 6; ++f) all.push_back({kFlagNames[f], add, with_flag_flipped(f)});
  for (uint32_t r = 0; r < 8; ++r)
    all.push_back({"a register", add, with_register_changed(x86::Register(r), r == 7 ? 0x80000000 : 1u << r)});
  return all;
}

TEST(PlantedFaults, are_found_within_200_cases) {
  Differential differential(20240604);
  for (const Planted& fault : faults()) {
    bool found = false;
    for (uint32_t i = 0; i < 200 && !found; ++i) {
      ASSERT_NE(differential.run(fault.bytes), Outcome::kDiffers) << fault.name << "\n" << differential.report();
      found = differential.run(fault.bytes, fault.wrong) == Outcome::kDiffers;
    }
    EXPECT_TRUE(found) << fault.name;
  }
}

TEST(PlantedFaults, an_instruction_that_faults_is_a_difference) {
  Differential differential(20240605);
  const auto accepts_anything = [](NumberMachine&, const x86::Instruction&) { return true; };
  for (const Bytes& bytes : {Bytes{0x0f, 0x0b}, Bytes{0xf4}, Bytes{0xcc}, Bytes{0xcd, 0x82}}) {
    EXPECT_EQ(differential.run(bytes, accepts_anything), Outcome::kDiffers);
    EXPECT_NE(differential.report().find("signal"), std::string::npos) << differential.report();
  }
  // And the next one runs as if nothing had happened.
  EXPECT_EQ(differential.run({0x01, 0xd8}), Outcome::kAgrees) << differential.report();
}

TEST(PlantedFaults, an_instruction_that_the_semantics_do_not_know_is_not_taken_for_tested) {
  Differential differential(20240606);
  const Bytes cpuid = {0x0f, 0xa2};
  EXPECT_EQ(why_not_run(x86::decode(cpuid.data(), cpuid.size())->mnemonic()), nullptr);
  EXPECT_EQ(differential.run(cpuid), Outcome::kUnknown);
}

TEST(PlantedFaults, the_same_seed_gives_the_same_cases) {
  const auto reports = [] {
    Differential differential(7);
    std::string all;
    for (uint32_t i = 0; i < 20; ++i) {
      differential.run({0x01, 0x46, 0x08}, [](NumberMachine&, const x86::Instruction&) { return true; });
      all += differential.report();
    }
    return all;
  };
  EXPECT_EQ(reports(), reports());
}

}  // namespace
}  // namespace vmirom::isa
