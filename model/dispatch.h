// From a call to its model. A call that the table says is provided and that has no function here does not compile.
#ifndef VMIROM_MODEL_DISPATCH_H_
#define VMIROM_MODEL_DISPATCH_H_

#include "model/abi/calls.h"
#include "model/control.h"
#include "model/descriptors.h"
#include "model/identity.h"
#include "model/init.h"
#include "model/interrupts.h"
#include "model/port_io.h"
#include "model/power.h"

namespace vmirom::model {

// Runs a call from a state in which EIP is its entry point and ESP points at the return address.
template <class D>
void run(Call call, State<D>& s) {
  switch (call) {
#define DISPATCH_boundary(name) \
  case Call::name:              \
    return name<D>(s);
#define DISPATCH_fast(name) DISPATCH_boundary(name)
#define DISPATCH_absent(name) \
  case Call::name:            \
    return;
#define CALL(name, slot, number, family, stub, ...) DISPATCH_##stub(name)
#include "model/abi/calls.def"
#undef CALL
#undef DISPATCH_boundary
#undef DISPATCH_fast
#undef DISPATCH_absent
  }
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_DISPATCH_H_
