// One obligation while it is decided: what is required of the bytes, and what is claimed over all states.
#ifndef VMIROM_PROOFS_LAYOUT_CHECK_H_
#define VMIROM_PROOFS_LAYOUT_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "proofs/layout/layout.h"
#include "proofs/smt/term.h"

namespace vmirom {

std::string hex(uint32_t value);  // "0x12"

class Check {
 public:
  Check(const Image& image, const std::string& name, const engine::Ledger::Options& options);

  const Image& image;

  // The obligation is refuted unless it holds. what names the place; true when it holds.
  bool require(bool holds, const std::string& what);

  // Claims on one path, which end_path() checks against its conditions.
  void equal(const std::string& label, smt::Term expected, smt::Term found);
  void holds(const std::string& label, smt::Term claim);
  void end_path(const std::vector<smt::Term>& path_condition);

  // Decides the obligation, by what it is to do.
  ImageObligation run(void (*obligation)(Check&));

 private:
  const std::string name_;
  const smt::Scope scope_;
  engine::Refuted refuted_;
  engine::Ledger ledger_;
  std::vector<std::string> faults_;
  bool has_path_ = false;
};

// The obligations; see layout.cc.
void check_header(Check& check);
void check_slots(Check& check);
void check_vcpu_symbols(Check& check);
void check_vcpu_relation(Check& check);
void check_initial_state(Check& check);
void check_boundary_frame(Check& check);
void check_exit_frame(Check& check);
void check_trap_frame(Check& check);
void check_patchups_complete(Check& check);
void check_patchups_right(Check& check);
void check_trap_wrappers(Check& check);
void check_exception_table(Check& check);
void check_sections(Check& check);

}  // namespace vmirom

#endif  // VMIROM_PROOFS_LAYOUT_CHECK_H_
