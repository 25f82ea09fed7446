// What a call may rely on, beyond the invariants: the calling convention's side of the contract.
#ifndef VMIROM_MODEL_RELATION_CONTRACT_H_
#define VMIROM_MODEL_RELATION_CONTRACT_H_

#include "model/abi/calls.h"
#include "model/relation/relation.h"

namespace vmirom::relation {

// Calls that a guest may make before Init has succeeded.
inline bool allowed_before_init(Call call) { return call == Call::Init || call == Call::GetRelocationInfo; }

// Whether a selector names a flat segment that loads at the current level: code for CS, else data that can be written.
template <class D>
typename D::Bool flat_code(State<D>& s, typename D::Word selector) {
  const auto d = model::descriptor_of<D>(s, selector);
  const auto cpl = s.cpu.cs & 3;
  return d.present() & model::is_code_for<D>(d, cpl) & d.is_flat() & ((selector & 3) == cpl);
}

template <class D>
typename D::Bool flat_stack(State<D>& s, typename D::Word selector) {
  return model::stack_selector_loads<D>(s, selector, s.cpu.cs & 3) & model::descriptor_of<D>(s, selector).is_flat();
}

template <class D>
typename D::Bool flat_data(State<D>& s, typename D::Word selector) {
  return model::data_selector_loads<D>(s, selector, s.cpu.cs & 3) & model::descriptor_of<D>(s, selector).is_flat_data();
}

// What holds of any kernel code of the guest that calls the ROM. below and above are the bytes around ESP that belong to the
// call: it may use so many below, and finds its return address and arguments above.
template <class D>
std::vector<Fact<D>> preconditions(State<D>& s, uint32_t below, uint32_t above) {
  using Word = typename D::Word;
  const Registers<D>& cpu = s.cpu;
  std::vector<Fact<D>> facts;
  const auto fact = [&](const char* name, typename D::Bool holds) { facts.push_back({name, holds}); };
  fact("the guest's stack has room below ESP and lies below the wedge",
       (cpu.esp >= Word(below)) & (cpu.esp <= Word(VMI_WEDGE - above)));
  fact("the guest does not single-step the call (TF clear) and is not in virtual-8086 mode (VM clear)",
       (cpu.eflags & (X86_EFLAGS_TF | X86_EFLAGS_VM)) == Word(0));
  fact("bit 1 of EFLAGS is set", (cpu.eflags & X86_EFLAGS_FIXED) != Word(0));
  fact("CS and SS are two segments of the same privilege level, and neither is null",
       ((cpu.cs & 3) == (cpu.ss & 3)) & (((cpu.cs ^ cpu.ss) & model::kNullMask) != Word(0)) & !model::is_null<D>(cpu.cs) &
           !model::is_null<D>(cpu.ss));
  for (Word selector : {cpu.cs, cpu.ss, cpu.ds, cpu.es, cpu.fs, cpu.gs})
    fact("selectors have 16 bits", selector <= Word(0xffff));
  return facts;
}

// Before Init nothing is known of the hypervisor's segments but that the guest runs on them.
template <class D>
std::vector<Fact<D>> starting_preconditions(State<D>& s) {
  using Word = typename D::Word;
  using Bool = typename D::Bool;
  const Bool on_stack_segment = (s.cpu.ds == s.cpu.ss) & (s.cpu.es == s.cpu.ss);
  const Bool flat =
      flat_code<D>(s, s.cpu.cs) & flat_stack<D>(s, s.cpu.ss) & flat_data<D>(s, s.cpu.ds) & flat_data<D>(s, s.cpu.es);
  const Bool before = (s.vcpu.initialised != Word(0)) | on_stack_segment;
  const Bool after = (s.vcpu.initialised == Word(0)) | flat;
  return {{"before Init, DS and ES are the flat segment that SS is", before},
          {"after Init, CS, SS, DS and ES are flat, and so are the descriptors they were loaded from", after}};
}

// What the calling convention adds once Init has succeeded. ss_only: nothing is known of DS and ES.
template <class D>
std::vector<Fact<D>> running_preconditions(State<D>& s, bool ss_only) {
  using Word = typename D::Word;
  using Bool = typename D::Bool;
  const Bool stack = flat_code<D>(s, s.cpu.cs) & flat_stack<D>(s, s.cpu.ss);
  std::vector<Fact<D>> facts;
  facts.push_back({"Init has succeeded", s.vcpu.initialised != Word(0)});
  facts.push_back({"CS and SS are flat, and so are the descriptors they were loaded from", stack});
  if (!ss_only) {
    const Bool data = flat_data<D>(s, s.cpu.ds) & flat_data<D>(s, s.cpu.es);
    facts.push_back({"DS and ES are flat, and so are the descriptors they were loaded from", data});
  }
  return facts;
}

}  // namespace vmirom::relation

#endif  // VMIROM_MODEL_RELATION_CONTRACT_H_
