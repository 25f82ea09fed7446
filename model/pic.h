// The 8259A pair: what requests it grants, and what an acknowledge cycle does.
//
// Source: Intel 8259A data sheet (231468): "Interrupt Request Register and In-Service Register", "Priority Resolver",
// "Automatic Rotation", "Special Mask Mode", "Cascade Mode".
#ifndef VMIROM_MODEL_PIC_H_
#define VMIROM_MODEL_PIC_H_

#include "model/state.h"

namespace vmirom::model {

inline constexpr uint32_t kNoLevel = 8;
inline constexpr uint32_t kCascadeLevel = 2;

// The rank of the highest-priority level in a set, 0 to 7, kNoLevel for the empty set. Rank 0 is the level after the one
// that ranks last.
template <class D>
typename D::Word best_rank(const Pic<D>& pic, typename D::Word levels) {
  using Word = typename D::Word;
  Word best = kNoLevel;
  for (uint32_t rank = 8; rank-- > 0;) {
    const Word level = (pic.lowest_priority + 1 + rank) & 7;
    best = D::select(((levels >> level) & 1) == Word(1), rank, best);
  }
  return best;
}

// The level a chip grants while these levels request; kNoLevel when none may interrupt.
template <class D>
typename D::Word granted(const Pic<D>& pic, typename D::Word requests) {
  using Word = typename D::Word;
  const Word holding = D::select(pic.special_mask != Word(0), pic.isr & ~pic.imr, pic.isr);
  const Word wanted = best_rank<D>(pic, requests & ~pic.imr & 0xff);
  const Word serving = best_rank<D>(pic, holding);
  return D::select(wanted < serving, (pic.lowest_priority + 1 + wanted) & 7, kNoLevel);
}

// The slave's output is the master's level 2.
template <class D>
typename D::Word granted_by_pair(const VirtualCpu<D>& cpu) {
  using Word = typename D::Word;
  const Word slave = granted<D>(cpu.pic[1], cpu.pic[1].irr);
  const Word cascade = D::select(slave != Word(kNoLevel), 1u << kCascadeLevel, 0);
  return granted<D>(cpu.pic[0], (cpu.pic[0].irr & ~(1u << kCascadeLevel)) | cascade);
}

template <class D>
typename D::Bool pic_interrupts(const VirtualCpu<D>& cpu) {
  return granted_by_pair<D>(cpu) != typename D::Word(kNoLevel);
}

template <class D>
void take_into_service(Pic<D>& pic, typename D::Word level) {
  using Word = typename D::Word;
  const Word bit = Word(1) << level;
  pic.irr = pic.irr & ~bit;
  pic.isr = D::select(pic.auto_eoi != Word(0), pic.isr, pic.isr | bit);
}

// The acknowledge cycle; returns the vector. Only while pic_interrupts.
template <class D>
typename D::Word pic_acknowledge(VirtualCpu<D>& cpu) {
  using Word = typename D::Word;
  const Word level = granted_by_pair<D>(cpu);
  if (level == Word(kCascadeLevel)) {
    take_into_service<D>(cpu.pic[0], level);
    const Word slave_level = granted<D>(cpu.pic[1], cpu.pic[1].irr);
    take_into_service<D>(cpu.pic[1], slave_level);
    return cpu.pic[1].vector_base | slave_level;
  }
  take_into_service<D>(cpu.pic[0], level);
  return cpu.pic[0].vector_base | level;
}

}  // namespace vmirom::model

#endif  // VMIROM_MODEL_PIC_H_
