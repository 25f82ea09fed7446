// Control registers take and give any word.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_CONTROL_H_
#define VMIROM_CONFORMANCE_PROPERTIES_CONTROL_H_

#include "conformance/properties/random.h"

namespace vmirom::conformance::arrange {

inline void GetCR0(Random&, Case&) {}
inline void GetCR2(Random&, Case&) {}
inline void GetCR3(Random&, Case&) {}
inline void GetCR4(Random&, Case&) {}
inline void SetCR2(Random&, Case&) {}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_CONTROL_H_
