// The tests find the planted faults too, on both engines, without a proof.
//
// A fault counts as found when some case of the entries that come to it differs from the model. Those that leave no trace in
// what a run can show are named here with the reason; each is refuted by a proof (faults_test).
#include <gtest/gtest.h>

#include <map>

#include "conformance/mutation/fault_table.h"
#include "conformance/properties/check.h"

namespace vmirom {
namespace {

using conformance::EngineKind;

constexpr uint32_t kCases = 3000;
constexpr uint32_t kSequences = 50;
constexpr uint64_t kSeed = 1;

// What cases cannot show, by fault, or by fault and engine.
const std::map<std::string, std::string> kUnseen = {
    {"write-through-cs unicorn", "the emulator lets code segments be written"},
    {"segment-not-present-is-no-guarded-fault", "no descriptor of the engines' can vanish under a loaded selector"},
    {"direction-flag-changed-in-a-function-marked-pure", "the way out gives the guest its own flag back"},
    {"selector-load-missing-from-the-exception-table", "no descriptor of the engines' can vanish under a loaded selector"},
    {"trap-loses-the-interrupted-ds", "DS is flat wherever the ROM may fault, and is loaded again on the way out"},
    {"effect-in-a-function-marked-pure",
     "the effect is on what nobody looks at; a proof that merges the function's paths must not miss it"},
    {"loop-variable-not-marked", "the mark is for the proof: the machine code does what it should"},
};

bool can_show(const Fault& fault) {
  return fault.obligation == "refinement" || fault.obligation == "stack" || fault.obligation == "write-footprint";
}

// Calls whose cases come to an entry.
std::vector<Call> calls_for(const std::string& entry) {
  if (const CallInfo* info = find_call(entry)) return {info->call};
  return {Call::EnableInterrupts, Call::GetGDT, Call::RDMSR};
}

bool finds(const Fault& fault, EngineKind kind, std::string& what) {
  const Image image = Image::load(fault.elf);
  conformance::Harness harness(image, kind);
  // What shows only in the guest's copy of the table needs an Init before.
  const auto found_by_sequences = [&](const std::string& entry) {
    std::vector<Call> calls = calls_for(entry);
    calls.push_back(Call::Init);
    const conformance::CheckResult result = conformance::check_sequences(harness, calls, kSequences, kSeed);
    if (!result.failures) return false;
    what = "a sequence: " + result.text.substr(0, result.text.find('\n'));
    EXPECT_FALSE(replay(harness, conformance::cases_from(result.replay)).empty()) << result.replay;
    return true;
  };
  for (const std::string& entry : fault.entries) {
    for (Call call : calls_for(entry)) {
      const conformance::CheckResult result = conformance::check_call(harness, call, kCases, kSeed);
      if (!result.failures) continue;
      what = std::string(info_of(call).name) + ": " + result.text.substr(0, result.text.find('\n'));
      // The command that is printed shows the same.
      EXPECT_FALSE(replay(harness, conformance::cases_from(result.replay)).empty()) << result.replay;
      return true;
    }
    if (found_by_sequences(entry)) return true;
  }
  return false;
}

void test_fault(const Fault& fault) {
  for (EngineKind kind : {EngineKind::kProcessor, EngineKind::kUnicorn}) {
    std::string what;
    const bool found = finds(fault, kind, what);
    std::printf("%-60s %-10s %s\n", fault.name.c_str(), name_of(kind), found ? what.c_str() : "NOT FOUND");
    EXPECT_EQ(found, !kUnseen.count(fault.name) && !kUnseen.count(fault.name + " " + name_of(kind)));
  }
}

}  // namespace
}  // namespace vmirom

int main(int argc, char** argv) { return vmirom::run_fault_tests(argc, argv, vmirom::can_show, vmirom::test_fault); }
