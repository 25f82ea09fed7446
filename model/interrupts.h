// The virtual interrupt flag. Enabling delivers what is pending.
//
// Source: the VMI 2.0 text, "Processor state calls".
#ifndef VMIROM_MODEL_INTERRUPTS_H_
#define VMIROM_MODEL_INTERRUPTS_H_

#include "model/transitions.h"

namespace vmirom::model {

template <class D>
void EnableInterrupts(State<D>& s) {
  s.vcpu.interrupt_flag = 1;
  leave<D>(s);
}

template <class D>
void DisableInterrupts(State<D>& s) {
  s.vcpu.interrupt_flag = 0;
  return_to_caller<D>(s);
}

template <class D>
void GetInterruptMask(State<D>& s) {
  using Word = typename D::Word;
  s.cpu.eax = D::select(s.vcpu.interrupt_flag == Word(1), X86_EFLAGS_IF, 0);
  return_to_caller<D>(s);
}

template <class D>
void SetInterruptMask(State<D>& s) {
  using Word = typename D::Word;
  s.vcpu.interrupt_flag = D::select((s.cpu.eax & X86_EFLAGS_IF) != Word(0), 1, 0);
  leave<D>(s);
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_INTERRUPTS_H_
