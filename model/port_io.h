// Ports.
#ifndef VMIROM_MODEL_PORT_IO_H_
#define VMIROM_MODEL_PORT_IO_H_

#include "model/transitions.h"

namespace vmirom::model {

// A virtual machine has no bus to wait for: no port is touched.
template <class D>
void IODelay(State<D>& s) {
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_PORT_IO_H_
