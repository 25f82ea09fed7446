#include "conformance/properties/check.h"

#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>
#include <rapidcheck/state.h>

#include <optional>
#include <sstream>

#include "conformance/properties/generate.h"
#include "conformance/properties/random.h"

namespace vmirom::conformance {
namespace {

// What a sequence's commands may rely on.
struct Progress {
  const std::vector<Call>* calls;
  bool ready = false;  // Init has been called
};

struct SequenceRun {
  Harness& harness;
  std::vector<Case> trail;
  std::vector<std::string> differences;
  uint32_t& calls_made;  // steps that were admissible, over all sequences
};

using Command = rc::state::Command<Progress, SequenceRun>;

constexpr const char* kInterrupt = "interrupt";

Outcome take_step(Harness& harness, const Case& c) {
  if (c.entry == kInterrupt) {
    harness.request_interrupt(c.cpu.eax & 15);
    Outcome none;
    none.admissible = false;  // no call
    return none;
  }
  return harness.step(c);
}

class Step : public Command {
 public:
  explicit Step(Case c) : case_(std::move(c)) {}
  void checkPreconditions(const Progress& progress) const override { RC_PRE(progress.ready || case_.entry == "Init"); }
  void apply(Progress& progress) const override { progress.ready = true; }
  void run(const Progress&, SequenceRun& sut) const override {
    sut.trail.push_back(case_);
    const Outcome outcome = take_step(sut.harness, case_);
    sut.calls_made += outcome.admissible;
    sut.differences = outcome.differences;
    if (!sut.differences.empty()) RC_FAIL(sut.differences.front());
  }
  void show(std::ostream& os) const override { os << to_text(case_); }

 private:
  const Case case_;
};

rc::Gen<std::shared_ptr<const Command>> next_step(const Progress& progress) {
  return rc::gen::noShrink(
      rc::gen::map(rc::gen::arbitrary<uint64_t>(), [progress](uint64_t seed) -> std::shared_ptr<const Command> {
        Random r(seed);
        if (!progress.ready) {
          Case c = generate_step(Call::Init, r.next());
          c.cpu.eax = kRomCopy;
          c.memory.erase(c.memory.lower_bound(kRomCopy), c.memory.lower_bound(kRomCopy + kPageBytes));
          return std::make_shared<Step>(c);
        }
        if (r.one_in(4)) {
          Case c = plain_case(kInterrupt);
          c.vcpu.reset();
          c.cpu.eax = r.below(16);
          return std::make_shared<Step>(c);
        }
        const CallInfo& info = info_of((*progress.calls)[r.below(uint32_t(progress.calls->size()))]);
        Case c = generate_step(info.call, r.next());
        // The guest's copy of the table works as well as the table.
        if (r.one_in(2)) c.cpu.eip = kRomCopy + VMI_SLOT_BYTES * info.slot;
        return std::make_shared<Step>(c);
      }));
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& t : texts) all += (all.empty() ? "" : "\n") + t;
  return all;
}

// RapidCheck's verdict in our words; what the property itself noted about its failure is kept.
void conclude(CheckResult& result, const rc::detail::TestResult& verdict) {
  if (verdict.is<rc::detail::SuccessResult>()) {
    result.cases = uint32_t(verdict.get<rc::detail::SuccessResult>().numSuccess);
    result.text.clear(), result.replay.clear();
    return;
  }
  result.failures = 1;
  std::ostringstream text;
  if (verdict.is<rc::detail::FailureResult>()) {
    result.cases = uint32_t(verdict.get<rc::detail::FailureResult>().numSuccess) + 1;
    if (!result.text.empty()) return;
    rc::detail::printResultMessage(verdict.get<rc::detail::FailureResult>(), text);
  } else if (verdict.is<rc::detail::GaveUpResult>()) {
    text << "too few cases are admissible: ";
    rc::detail::printResultMessage(verdict.get<rc::detail::GaveUpResult>(), text);
  } else {
    text << verdict.get<rc::detail::Error>().description;
  }
  result.text = text.str();
}

// Reports nothing while it runs.
class Silent : public rc::detail::TestListenerAdapter {};

template <class Property>
rc::detail::TestResult run_property(const Property& property, uint32_t cases, uint64_t seed) {
  rc::detail::TestParams parameters;
  parameters.seed = seed;
  parameters.maxSuccess = int(cases);
  Silent silent;
  // Nothing comes from RapidCheck's own configuration in the environment.
  return rc::detail::checkProperty(rc::detail::toProperty(property), {}, parameters, silent, {});
}

}  // namespace

void showValue(const Case& c, std::ostream& os) { os << to_text(c); }

CheckResult check_call(Harness& harness, Call call, uint32_t cases, uint64_t seed) {
  const rc::Gen<Case> any([call](const rc::Random& random, int) {
    rc::Random r = random;
    return rc::shrinkable::shrinkRecur(generate(call, r.next()),
                                       [](const Case& c) { return rc::seq::fromContainer(simpler(c)); });
  });
  CheckResult result;
  const auto property = [&] {
    const Case c = *any;
    const Outcome outcome = harness.run(c);
    RC_PRE(outcome.admissible);
    if (outcome.differences.empty()) return;
    result.text = lines(outcome.differences);
    result.replay = to_text(c);
    RC_FAIL(outcome.differences.front());
  };
  conclude(result, run_property(property, cases, seed));
  return result;
}

CheckResult check_sequences(Harness& harness, const std::vector<Call>& calls, uint32_t sequences, uint64_t seed) {
  CheckResult result;
  uint32_t calls_made = 0;
  const auto property = [&] {
    SequenceRun run{harness, {}, {}, calls_made};
    harness.begin_sequence();
    try {
      rc::state::check(Progress{&calls, false}, run, next_step);
    } catch (...) {
      if (!run.differences.empty()) {
        result.text = lines(run.differences);
        result.replay = to_text(run.trail);
      }
      throw;
    }
  };
  conclude(result, run_property(property, sequences, seed));
  if (!result.failures && calls_made < sequences) {
    result.failures = 1;
    result.text =
        "in " + std::to_string(sequences) + " sequences only " + std::to_string(calls_made) + " calls could be made";
  }
  harness.begin_sequence();
  return result;
}

std::vector<std::string> replay(Harness& harness, const std::vector<Case>& cases) {
  harness.begin_sequence();
  for (const Case& c : cases) {
    if (c.entry == kInterrupt) {
      take_step(harness, c);
      continue;
    }
    const Outcome outcome = harness.step(c);
    if (!outcome.admissible && cases.size() == 1)
      throw std::invalid_argument("the call may not be made in this state: it does not hold that " + outcome.refused);
    if (!outcome.differences.empty()) return outcome.differences;
  }
  return {};
}

}  // namespace vmirom::conformance
