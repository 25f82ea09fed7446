// Waiting does nothing that shows.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_POWER_H_
#define VMIROM_CONFORMANCE_PROPERTIES_POWER_H_

#include "conformance/properties/random.h"

namespace vmirom::conformance::arrange {

inline void Pause(Random&, Case&) {}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_POWER_H_
