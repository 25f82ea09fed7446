// Delays do nothing that shows.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_PORT_IO_H_
#define VMIROM_CONFORMANCE_PROPERTIES_PORT_IO_H_

#include "conformance/properties/random.h"

namespace vmirom::conformance::arrange {

inline void IODelay(Random&, Case&) {}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_PORT_IO_H_
