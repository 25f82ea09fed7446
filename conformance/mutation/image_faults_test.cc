// Each fault planted in the image as a whole is refuted, by the obligation that is there to find it.
#include <gtest/gtest.h>

#include "conformance/mutation/fault_table.h"
#include "proofs/layout/layout.h"

namespace vmirom {
namespace {

void expect_refuted(const Fault& fault) {
  const std::string obligation = fault.obligation.substr(std::string("image:").size());
  const ProcessorTime time;
  std::string otherwise;
  for (const ImageObligation& o : prove_image(Image::load(fault.elf))) {
    if (o.name == obligation && o.verdict == engine::Verdict::kRefuted)
      return print_refuted(fault, "the image", o.detail, time.seconds());
    if (o.verdict != engine::Verdict::kProved)
      otherwise += o.name + " is " + engine::name_of(o.verdict) + ": " + o.detail + "\n";
  }
  FAIL() << obligation << " is not refuted; what else is not proved:\n" << otherwise;
}

}  // namespace
}  // namespace vmirom

int main(int argc, char** argv) {
  return vmirom::run_fault_tests(
      argc, argv, [](const vmirom::Fault& fault) { return fault.is_about_image(); }, vmirom::expect_refuted);
}
