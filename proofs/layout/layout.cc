#include "proofs/layout/layout.h"

#include "proofs/layout/check.h"

namespace vmirom {
namespace {

constexpr struct {
  const char* name;
  void (*check)(Check&);
} kObligations[] = {
    {"header", check_header},
    {"slots", check_slots},
    {"virtual-cpu-symbols", check_vcpu_symbols},
    {"virtual-cpu-relation", check_vcpu_relation},
    {"initial-state", check_initial_state},
    {"boundary-frame", check_boundary_frame},
    {"exit-frame", check_exit_frame},
    {"trap-frame", check_trap_frame},
    {"patchups-complete", check_patchups_complete},
    {"patchups-right", check_patchups_right},
    {"trap-wrappers", check_trap_wrappers},
    {"exception-table", check_exception_table},
    {"sections", check_sections},
};

}  // namespace

std::vector<std::string> image_obligations() {
  std::vector<std::string> names;
  for (const auto& obligation : kObligations) names.push_back(obligation.name);
  return names;
}

std::vector<ImageObligation> prove_image(
    const Image& image, const std::function<void(const std::string&, uint32_t, const std::string&)>& keep_script) {
  engine::Ledger::Options options;
  options.keep_script = keep_script;
  std::vector<ImageObligation> results;
  for (const auto& [name, check] : kObligations) results.push_back(Check(image, name, options).run(check));
  return results;
}

}  // namespace vmirom
