// Each planted fault is refuted, by the obligation that is there to find it.
//
// A test passes when the proof of one of the fault's entries, run on the broken image, refutes the obligation: neither a
// solver that gave up nor an error counts. What the refutation rests on is a state that breaks the claim, so there must be
// one; only a count of instructions is refuted without. Where the processor can be put into that state, it must do otherwise
// than the model says too.
#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/certify/silicon.h"
#include "conformance/mutation/fault_table.h"
#include "proofs/refinement/prover.h"

namespace vmirom {
namespace {

Entry entry_named(const std::string& name) {
  for (const Entry& entry : manifest())
    if (entry.name == name) return entry;
  throw std::invalid_argument("the manifest has no entry " + name);
}

// What a run can show: a read, a count or a place in the table leaves no trace.
bool shows(const std::string& obligation) { return obligation == "refinement" || obligation == "stack"; }

void try_on_processor(const Image& image, const Entry& entry, const Witness& witness) {
  std::string why;
  const auto state = conformance::case_of(image, entry, witness, why);
  const std::string answer = state ? conformance::ask_processor(image, witness, *state) : "silicon: not tried: " + why;
  std::printf("    %s\n", answer.c_str());
  EXPECT_EQ(answer.find("DOES NOT AGREE"), std::string::npos) << (state ? conformance::to_text(*state) : "");
}

void expect_refuted(const Fault& fault) {
  const std::vector<std::string> known = entry_obligations();
  ASSERT_NE(std::find(known.begin(), known.end(), fault.obligation), known.end())
      << fault.obligation << " is no obligation of an entry";
  ASSERT_FALSE(fault.entries.empty());
  const Image image = Image::load(fault.elf);
  std::string otherwise;
  for (const std::string& name : fault.entries) {
    const Entry entry = entry_named(name);
    ASSERT_TRUE(provides(image, entry)) << name;
    const ProcessorTime time;
    const EntryProof proof =
        prove(image, entry, {.preferred = conformance::placeable_values(entry), .stop_at = fault.obligation});
    for (const engine::Obligation& o : proof.obligations) {
      if (o.name == fault.obligation && o.verdict == engine::Verdict::kRefuted) {
        print_refuted(fault, name, o.detail, time.seconds());
        const bool counted = o.name == "instruction-bound" && !proof.witness;
        EXPECT_TRUE(counted || (proof.witness && proof.witness->obligation == o.name)) << "no state that breaks it";
        if (proof.witness && shows(o.name)) try_on_processor(image, entry, *proof.witness);
        return;
      }
      if (o.verdict != engine::Verdict::kProved)
        otherwise += name + ": " + o.name + " is " + name_of(o.verdict) + ": " + o.detail + "\n";
    }
  }
  FAIL() << fault.obligation << " is not refuted; what else is not proved:\n" << otherwise;
}

// What the proofs do not see is known, and said in faults.bzl. A fault that something refutes now belongs to the others.
void expect_unnoticed(const Fault& fault) {
  const Image image = Image::load(fault.elf);
  ASSERT_FALSE(fault.entries.empty());
  for (const std::string& name : fault.entries) {
    for (const engine::Obligation& o : prove(image, entry_named(name)).obligations)
      EXPECT_EQ(o.verdict, engine::Verdict::kProved) << name << ": " << o.name << " is " << engine::name_of(o.verdict);
  }
}

void test_fault(const Fault& fault) { fault.is_unnoticed() ? expect_unnoticed(fault) : expect_refuted(fault); }

}  // namespace
}  // namespace vmirom

int main(int argc, char** argv) {
  return vmirom::run_fault_tests(
      argc, argv, [](const vmirom::Fault& fault) { return !fault.is_about_image(); }, vmirom::test_fault);
}
