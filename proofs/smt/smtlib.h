// Terms as SMT-LIB 2.6 text: what is proved is this text, and an auditor can give it to a solver of his own.
#ifndef VMIROM_PROOFS_SMT_SMTLIB_H_
#define VMIROM_PROOFS_SMT_SMTLIB_H_

#include <string>
#include <vector>

#include "proofs/smt/term.h"

namespace vmirom::smt {

// A script that asserts the conjunction of the terms, logic QF_ABV (QF_AUFBV with functions), without check-sat. It depends on the terms' structure
// alone, not on what else the scope holds. comment may have several lines.
std::string to_smtlib(const std::vector<Term>& assertions, const std::string& comment);

}  // namespace vmirom::smt

#endif  // VMIROM_PROOFS_SMT_SMTLIB_H_
