// Control registers, as hardware would show them to the guest.
#ifndef VMIROM_MODEL_CONTROL_H_
#define VMIROM_MODEL_CONTROL_H_

#include "model/transitions.h"

namespace vmirom::model {

template <class D>
void GetCR0(State<D>& s) {
  s.cpu.eax = s.vcpu.cr0;
  return_to_caller<D>(s);
}

template <class D>
void GetCR2(State<D>& s) {
  s.cpu.eax = s.vcpu.cr2;
  return_to_caller<D>(s);
}

template <class D>
void GetCR3(State<D>& s) {
  s.cpu.eax = s.vcpu.cr3;
  return_to_caller<D>(s);
}

template <class D>
void GetCR4(State<D>& s) {
  s.cpu.eax = s.vcpu.cr4;
  return_to_caller<D>(s);
}

template <class D>
void SetCR2(State<D>& s) {
  s.vcpu.cr2 = s.cpu.eax;
  return_to_caller<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_CONTROL_H_
