// Every form of instruction that the shipped image contains does on this processor what the semantics say.
#include <gtest/gtest.h>

#include <cstdio>

#include "conformance/isa/differential.h"
#include "conformance/isa/forms.h"

namespace vmirom::isa {
namespace {

constexpr uint32_t kCases = 2000;  // of each form
// Of each form, that must have been compared. The others are states for which the semantics refuse the instruction.
constexpr uint32_t kCompared = kCases / 4;
constexpr uint32_t kReports = 3;

const std::map<std::string, Form>& image_forms() {
  static const std::map<std::string, Form> forms = forms_of(Image::load("rom/vmi-xen.elf"));
  return forms;
}

TEST(ImageForms, each_agrees_with_the_processor) {
  Differential differential(20240601);
  uint32_t reports = 0, tested = 0, encodings = 0;
  uint64_t compared_together = 0;
  for (const auto& [name, form] : image_forms()) {
    if (why_not_run(form.mnemonic)) continue;
    ++tested;
    encodings += form.encodings.size();
    uint32_t compared = 0;
    std::string reason;
    auto encoding = form.encodings.begin();
    for (uint32_t i = 0; i < kCases; ++i) {
      const Outcome outcome = differential.run(*encoding);
      if (outcome == Outcome::kDiffers) {
        ADD_FAILURE() << name << ", as at " << form.place << ":\n" << differential.report();
        if (++reports == kReports) FAIL() << "and no further";
        break;
      }
      if (outcome == Outcome::kAgrees)
        ++compared;
      else
        reason = differential.report();
      if (++encoding == form.encodings.end()) encoding = form.encodings.begin();
    }
    EXPECT_GE(compared, kCompared) << name << ", as at " << form.place << ", was compared too seldom: " << reason;
    compared_together += compared;
  }
  EXPECT_GT(tested, 100u);
  std::printf("%u forms, %u encodings, %llu cases compared\n", tested, encodings, (unsigned long long)compared_together);
}

TEST(ImageForms, what_is_not_run_has_no_meaning_in_the_semantics_either) {
  NumberMachine machine;
  for (const auto& [name, form] : image_forms()) {
    if (!why_not_run(form.mnemonic)) continue;
    const Bytes& bytes = *form.encodings.begin();
    machine.reset({}, {}, bytes.size(), 0);
    EXPECT_FALSE(shipped_semantics(machine, *x86::decode(bytes.data(), bytes.size()))) << name;
    std::printf("not run: %s (%u in the image): %s\n", name.c_str(), form.instructions, why_not_run(form.mnemonic));
  }
}

}  // namespace
}  // namespace vmirom::isa
