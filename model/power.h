// Running and not running.
#ifndef VMIROM_MODEL_POWER_H_
#define VMIROM_MODEL_POWER_H_

#include "model/transitions.h"

namespace vmirom::model {

// A hint; it changes nothing.
template <class D>
void Pause(State<D>& s) {
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_POWER_H_
