// The refinement relation: when the ROM's memory and a state of the model are related, and what must hold of both.
//
//   abstract_vcpu   the model's virtual CPU as the ROM's memory has it
//   invariants      what every state between calls satisfies; assumed at entry, proved and tested at exit
//   differences     what must be equal after the ROM's code and the model have run from related states
// One template for proofs and tests.
#ifndef VMIROM_MODEL_RELATION_RELATION_H_
#define VMIROM_MODEL_RELATION_RELATION_H_

#include <functional>
#include <string>
#include <vector>

#include "model/descriptor.h"
#include "model/domain/concrete.h"
#include "model/pic.h"
#include "model/state.h"

namespace vmirom::relation {

// Where the fields of vcpu.def lie in the image, in the list's order.
struct Layout {
  struct Field {
    std::string name;
    uint32_t address;
    uint32_t size;
    bool own;
  };
  std::vector<Field> fields;

  // find(path) says where "vcpu.cr0" lies: address and size.
  static Layout from(const std::function<std::pair<uint32_t, uint32_t>(const std::string&)>& find) {
    Layout layout;
    const auto add = [&](const char* name, bool own) {
      const auto [address, size] = find(std::string("vcpu.") + name);
      layout.fields.push_back({name, address, size, own});
    };
#define FIELD(f) add(#f, false);
#define WIDE(f) add(#f, false);
#define BIT(f, i) add(#f, false);
#define OWN(f) add(#f, true);
#include "model/relation/vcpu.def"
#undef FIELD
#undef WIDE
#undef BIT
#undef OWN
    return layout;
  }

  const Field& field(const std::string& name) const {
    for (const Field& f : fields)
      if (f.name == name) return f;
    return fields.at(fields.size());
  }
};

// read(address, bytes) gives a Word, zero-extended.
template <class D, class Read>
VirtualCpu<D> abstract_vcpu(const Layout& layout, Read read) {
  VirtualCpu<D> v;
  size_t i = 0;
  const auto at = [&](uint32_t offset, uint32_t size) { return read(layout.fields[i].address + offset, size); };
#define FIELD(f) v.f = at(0, layout.fields[i].size), ++i;
#define WIDE(f) v.f.low = at(0, 4), v.f.high = at(4, 4), ++i;
#define BIT(f, b) v.f = (at(0, layout.fields[i].size) >> (b)) & 1, ++i;
#define OWN(f) ++i;
#include "model/relation/vcpu.def"
#undef FIELD
#undef WIDE
#undef BIT
#undef OWN
  return v;
}

// The other way round: write(name, address, bytes, value) puts a field into the ROM's memory. Bits of the ROM's fields that
// the model does not have, and the ROM's own fields, come from noise(name).
template <class Write, class Noise>
void represent(const Layout& layout, const VirtualCpu<Concrete>& v, Write write, Noise noise) {
  size_t i = 0;
  const auto put = [&](uint32_t offset, uint32_t size, uint32_t value) {
    write(layout.fields[i].address + offset, size, value);
  };
#define FIELD(f) put(0, layout.fields[i].size, v.f), ++i;
#define WIDE(f) put(0, 4, v.f.low), put(4, 4, v.f.high), ++i;
#define BIT(f, b) put(0, layout.fields[i].size, (v.f << (b)) | (noise(#f) & ~(1u << (b)))), ++i;
#define OWN(f) put(0, layout.fields[i].size, noise(#f)), ++i;
#include "model/relation/vcpu.def"
#undef FIELD
#undef WIDE
#undef BIT
#undef OWN
}

// Calls visit(name, field) for each 32-bit field of the model's virtual CPU; wide ones as "efer.low" and "efer.high".
template <class V, class Visit>
void each_field(V& v, Visit visit) {
#define FIELD(f) visit(#f, v.f);
#define WIDE(f) visit(#f ".low", v.f.low), visit(#f ".high", v.f.high);
#define BIT(f, b) visit(#f, v.f);
#define OWN(f)
#include "model/relation/vcpu.def"
#undef FIELD
#undef WIDE
#undef BIT
#undef OWN
}

template <class D>
struct Fact {
  std::string name;
  typename D::Bool holds;
};

// What holds whenever the guest runs. work is vcpu_t::work.
template <class D>
std::vector<Fact<D>> invariants(const VirtualCpu<D>& v, const Registers<D>& cpu, typename D::Word work) {
  using Word = typename D::Word;
  std::vector<Fact<D>> facts;
  const auto fact = [&](const char* name, typename D::Bool holds) { facts.push_back({name, holds}); };
  fact("work names nothing but interrupts", work <= Word(VMI_WORK_INTERRUPT));
  fact("an interrupt that is due is in work", (!model::pic_interrupts<D>(v)) | (work == Word(VMI_WORK_INTERRUPT)));
  fact("GDTR's limit has 16 bits", v.gdtr.limit <= Word(0xffff));
  fact("IDTR's limit has 16 bits", v.idtr.limit <= Word(0xffff));
  fact("Xen's GDT holds at most its entries", v.gdt_entries <= Word(XEN_GDT_ENTRIES));
  fact("Xen's LDT holds at most 8192 entries", v.ldt_entries <= Word(X86_LDT_ENTRIES));
  fact("IOPL has two bits", v.iopl <= Word(3));
  for (uint32_t i = 0; i < 2; ++i) {
    fact("PIC vector bases are multiples of 8", (v.pic[i].vector_base & 7) == Word(0));
    fact("PIC levels are 0 to 7", v.pic[i].lowest_priority <= Word(7));
  }
  const Word cpl = cpu.cs & 3;
  const auto names_flat = [&](Word selector) {
    return ((selector & 3) == cpl) & !model::is_null<D>(selector) & (selector <= Word(0xffff));
  };
  const auto running = v.initialised != Word(0);
  fact("the hypervisor's flat code segment is known", (!running) | names_flat(v.flat_cs));
  fact("the hypervisor's flat data segment is known", (!running) | names_flat(v.flat_ds));
  fact("the hypervisor's flat segments are two", (!running) | (((v.flat_cs ^ v.flat_ds) & model::kNullMask) != Word(0)));
  return facts;
}

template <class D>
struct Pair {
  std::string name;
  typename D::Word model, rom;
};

// Registers of the guest and fields of its virtual CPU after a call, as the model has them and as the ROM left them.
// A DS or ES whose descriptor has changed under it may be lost on the way: the ROM's is null then.
template <class D>
std::vector<Pair<D>> pairs(State<D>& model_end, const Registers<D>& cpu, const VirtualCpu<D>& vcpu) {
  using Word = typename D::Word;
  std::vector<Pair<D>> all;
  const auto pair = [&](const char* name, Word model, Word rom) { all.push_back({name, model, rom}); };
  const Registers<D>& m = model_end.cpu;
  pair("EAX", m.eax, cpu.eax);
  pair("ECX", m.ecx, cpu.ecx);
  pair("EDX", m.edx, cpu.edx);
  pair("EBX", m.ebx, cpu.ebx);
  pair("ESP", m.esp, cpu.esp);
  pair("EBP", m.ebp, cpu.ebp);
  pair("ESI", m.esi, cpu.esi);
  pair("EDI", m.edi, cpu.edi);
  pair("EIP", m.eip, cpu.eip);
  const uint32_t counting = ~uint32_t{X86_EFLAGS_STATUS};
  pair("EFLAGS", m.eflags & counting, cpu.eflags & counting);
  pair("CS", m.cs, cpu.cs);
  pair("SS", m.ss, cpu.ss);
  const auto kept = [&](Word before, Word after) {
    if (D::same(before, after)) return before;
    const auto lost = (after == Word(0)) & !model::data_selector_loads<D>(model_end, before, m.cs & 3);
    return D::select(lost, 0, before);
  };
  pair("DS", kept(m.ds, cpu.ds), cpu.ds);
  pair("ES", kept(m.es, cpu.es), cpu.es);
  pair("FS", m.fs, cpu.fs);
  pair("GS", m.gs, cpu.gs);
  const VirtualCpu<D>& v = model_end.vcpu;
#define FIELD(f) pair(#f, v.f, vcpu.f);
#define WIDE(f) pair(#f, v.f.low, vcpu.f.low), pair(#f, v.f.high, vcpu.f.high);
#define BIT(f, i) pair(#f, v.f, vcpu.f);
#define OWN(f)
#include "model/relation/vcpu.def"
#undef FIELD
#undef WIDE
#undef BIT
#undef OWN
  return all;
}

}  // namespace vmirom::relation

#endif  // VMIROM_MODEL_RELATION_RELATION_H_
