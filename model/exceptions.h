// How a call ends other than by doing what it is for.
#ifndef VMIROM_MODEL_EXCEPTIONS_H_
#define VMIROM_MODEL_EXCEPTIONS_H_

#include "model/state.h"

namespace vmirom::model {

// The call ends with an exception at the guest's call site. It must not have changed anything.
template <class D>
void raise(State<D>& s, uint32_t vector, typename D::Word error_code) {
  s.raised = true;
  s.exception = {vector, error_code};
}

// The call ends with the fault that an access to guest memory met.
template <class D>
void raise(State<D>& s, const GuestFault<D>& fault) {
  using Word = typename D::Word;
  s.vcpu.cr2 = D::select(fault.vector == Word(X86_TRAP_PF), fault.address, s.vcpu.cr2);
  s.raised = true;
  s.exception = {fault.vector, fault.error_code};
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_EXCEPTIONS_H_
