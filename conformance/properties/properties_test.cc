// Every provided call refines the model on both engines, in cases of its own and in sequences; the certificate's tests are the
// same at a larger number.
#include <gtest/gtest.h>

#include "conformance/properties/check.h"
#include "conformance/properties/generate.h"
#include "proofs/refinement/prover.h"

namespace vmirom::conformance {
namespace {

constexpr const char* kShipped = "rom/vmi-xen.elf";
constexpr uint32_t kCases = 2000;
constexpr uint32_t kSequences = 100;
constexpr uint64_t kSeed = 1;

const Image& shipped() {
  static const Image image = Image::load(kShipped);
  return image;
}

std::vector<Call> provided_calls() {
  std::vector<Call> calls;
  for (const Entry& entry : manifest())
    if (entry.call && provides(shipped(), entry)) calls.push_back(*entry.call);
  return calls;
}

std::string report(const CheckResult& result, EngineKind kind) {
  return result.text + "\nreplay: ./vmirom replay --engine " + name_of(kind) + " '" + result.replay + "'";
}

class OnEngine : public testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    // One memory image at a time lies at the ROM's addresses.
    harness_ = std::make_unique<Harness>(shipped(), GetParam());
  }
  std::unique_ptr<Harness> harness_;
};

TEST_P(OnEngine, EveryCallRefinesItsModel) {
  for (Call call : provided_calls()) {
    const CheckResult result = check_call(*harness_, call, kCases, kSeed);
    EXPECT_EQ(result.cases, kCases) << info_of(call).name;
    EXPECT_EQ(result.failures, 0u) << info_of(call).name << ": " << report(result, GetParam());
  }
}

TEST_P(OnEngine, SequencesRefineTheModel) {
  const CheckResult result = check_sequences(*harness_, provided_calls(), kSequences, kSeed);
  EXPECT_EQ(result.cases, kSequences);
  EXPECT_EQ(result.failures, 0u) << report(result, GetParam());
}

// What a sequence leaves has no effect on cases, nor the other way round.
TEST_P(OnEngine, RunsLeaveNothingBehind) {
  const Case c = generate(Call::SetIDT, 7);
  const auto first = harness_->run(c).differences;
  check_sequences(*harness_, provided_calls(), 3, kSeed);
  check_call(*harness_, Call::SetGDT, 50, kSeed);
  EXPECT_EQ(harness_->run(c).differences, first);
}

TEST_P(OnEngine, RefusesStatesOutsideTheContract) {
  Case c = plain_case("GetCR0");
  c.cpu.esp = 0x10;
  EXPECT_FALSE(harness_->run(c).admissible);
  c = plain_case("SetCR2");
  c.cpu.ds = 0;  // not one of the calls that leave DS alone
  EXPECT_FALSE(harness_->run(c).admissible);
  c = plain_case("SetIDT");
  c.cpu.eax = c.cpu.esp - 16;  // a pointer into the stack that the call uses
  EXPECT_FALSE(harness_->run(c).admissible);
  EXPECT_THROW(replay(*harness_, {c}), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Engines, OnEngine, testing::Values(EngineKind::kProcessor, EngineKind::kUnicorn),
                         [](const auto& info) { return std::string(name_of(info.param)); });

// A failure is replayed from its text: what is read back is what was written.
TEST(Case, TextIsReadBack) {
  for (Call call : provided_calls()) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      Case c = generate(call, seed);
      const auto again = cases_from(to_text(c));
      ASSERT_EQ(again.size(), 1u);
      EXPECT_EQ(to_text(again.front()), to_text(c));
      EXPECT_EQ(again.front().memory, c.memory);
    }
  }
  const std::vector<Case> sequence = {generate_step(Call::Init, 1), generate_step(Call::SetGDT, 2)};
  const auto again = cases_from(to_text(sequence));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(to_text(again), to_text(sequence));
  EXPECT_FALSE(again.front().vcpu);
}

TEST(Case, TextThatIsNoneIsRefused) {
  for (const char* text :
       {"", "GetCR9", "GetCR0 eax", "GetCR0 eax=", "GetCR0 eax=1x", "GetCR0 vcpu.cr9=1", "GetCR0 @zz=00", "GetCR0 gdt[=1"})
    EXPECT_THROW(cases_from(text), std::invalid_argument) << text;
}

// Nearly all generated cases are admissible, and what shrinking tries is simpler.
TEST(Case, GeneratedCasesKeepTheContract) {
  Harness harness(shipped(), EngineKind::kProcessor);
  for (Call call : provided_calls()) {
    uint32_t admissible = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) admissible += harness.run(generate(call, seed)).admissible;
    EXPECT_GT(admissible, 150u) << info_of(call).name;
  }
  const Case c = generate(Call::SetIDT, 3);
  for (const Case& smaller : simpler(c)) EXPECT_NE(to_text(smaller), to_text(c));
}

}  // namespace
}  // namespace vmirom::conformance
