// What the hot calls cost on this processor.
#ifndef VMIROM_CONFORMANCE_CERTIFY_BENCH_H_
#define VMIROM_CONFORMANCE_CERTIFY_BENCH_H_

#include <string>

namespace vmirom::conformance {

// Prints, for each hot call, instructions and net cycles beside the budget, and calls a second of each engine. Returns the
// exit status: 1 when a call takes more instructions than its budget. Throws BadImage and EngineError.
int bench(const std::string& rom);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_BENCH_H_
