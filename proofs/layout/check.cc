#include "proofs/layout/check.h"

#include <cstdio>

#include "proofs/x86/symbolic_machine.h"

namespace vmirom {

using engine::Verdict;

Check::Check(const Image& image, const std::string& name, const engine::Ledger::Options& options)
    : image(image), name_(name), ledger_({name}, options, refuted_) {}

bool Check::require(bool holds, const std::string& what) {
  if (!holds) faults_.push_back(what);
  return holds;
}

void Check::equal(const std::string& label, smt::Term expected, smt::Term found) {
  ledger_.equal(name_, label, expected, found);
}

void Check::holds(const std::string& label, smt::Term claim) { ledger_.holds(name_, label, claim); }

void Check::end_path(const std::vector<smt::Term>& path_condition) {
  ledger_.close_path(path_condition, [](const engine::Counterexample&) {});
  has_path_ = true;
}

// A fault that was found stays found, whatever came after it.
ImageObligation Check::run(void (*obligation)(Check&)) {
  ImageObligation result{name_, Verdict::kProved, ""};
  try {
    obligation(*this);
    if (has_path_) {
      const engine::Obligation claims = ledger_.finish().at(0);
      // A claim's text says what should hold.
      result = {name_, claims.verdict, claims.verdict == Verdict::kRefuted ? "not so: " + claims.detail : claims.detail};
    }
  } catch (const Violation& v) {
    result = {name_, Verdict::kRefuted, v.what};
  } catch (const std::exception& e) {
    result = {name_, Verdict::kError, e.what()};
  }
  if (faults_.empty()) return result;
  const std::string more = faults_.size() == 1 ? "" : " (and " + std::to_string(faults_.size() - 1) + " more)";
  return {name_, Verdict::kRefuted, faults_[0] + more};
}

}  // namespace vmirom
