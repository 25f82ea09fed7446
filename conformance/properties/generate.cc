#include "conformance/properties/generate.h"

#include "conformance/properties/control.h"
#include "conformance/properties/descriptors.h"
#include "conformance/properties/identity.h"
#include "conformance/properties/init.h"
#include "conformance/properties/interrupts.h"
#include "conformance/properties/port_io.h"
#include "conformance/properties/power.h"
#include "model/pic.h"
#include "model/relation/relation.h"

namespace vmirom::conformance {
namespace {

// A call that the table says is provided and that has no function in its family's file does not compile.
void arrange_call(Call call, Random& r, Case& c) {
  switch (call) {
#define DISPATCH_boundary(name) \
  case Call::name:              \
    return arrange::name(r, c);
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

void any_registers(Random& r, Case& c, bool ss_only) {
  Cpu& cpu = c.cpu;
  for (uint32_t* reg : {&cpu.eax, &cpu.ecx, &cpu.edx, &cpu.ebx, &cpu.ebp, &cpu.esi, &cpu.edi}) *reg = r.word();
  cpu.esp = kStack + 2048 + r.below(kStackPages * kPageBytes - 2048 - 512);
  if (!r.one_in(8)) cpu.esp &= ~3u;
  cpu.eflags |= r.word() & (X86_EFLAGS_STATUS | X86_EFLAGS_DF | X86_EFLAGS_NT);
  if (ss_only) {
    cpu.ds = r.pick({kFlatData, 0, kOtherData, kFlatData & ~3u});
    cpu.es = r.pick({kFlatData, 0, kOtherData, kFlatData});
  }
  cpu.fs = r.pick({0, kFlatData, kOtherData});
  cpu.gs = r.pick({0, kFlatData, kOtherData});
}

// Where the call returns to: often the gate, else code in guest memory behind one of the CALLs that it may have been made by.
void any_return_address(Random& r, Case& c) {
  if (r.one_in(2)) return;
  const uint32_t back = r.pointer();
  if (back >= VMI_WEDGE || back / kPageBytes == kRomCopy / kPageBytes) return;
  const uint8_t kinds[][6] = {{0x90, 0xe8, 1, 2, 3, 4},
                              {0xff, 0x15, 1, 2, 3, 4},
                              {0xff, 0x93, 1, 2, 3, 4},
                              {0xff, 0x94, 1, 2, 3, 4},
                              {0x90, 0x90, 0x90, 0xff, 0x53, 4},
                              {0x90, 0x90, 0x90, 0xff, 0x54, 4},
                              {0x90, 0x90, 0x90, 0x90, 0xff, 0xd3},
                              {0x90, 0x90, 0x90, 0x90, 0xff, 0x13},
                              {0x90, 0x90, 0x90, 0x90, 0xff, 0x14},
                              {0x90, 0x90, 0x90, 0x90, 0xff, 0x15},
                              {0x90, 0x90, 0x90, 0x90, 0x90, 0x90}};
  const auto& kind = kinds[r.below(std::size(kinds))];
  for (uint32_t i = 0; i < 6; ++i) c.memory[back - 6 + i] = kind[i];
  c.put(c.cpu.esp, back, 4);
}

void any_virtual_cpu(Random& r, Case& c) {
  VirtualCpu<Concrete>& v = *c.vcpu;
  relation::each_field(v, [&](const char*, uint32_t& field) { field = r.word(); });
  v.interrupt_flag = r.below(2);
  v.initialised = 1;
  v.iopl = r.below(4);
  v.gdtr.limit &= 0xffff, v.idtr.limit &= 0xffff;
  v.ldtr &= 0xffff, v.tr &= 0xffff;
  v.gdt_entries = r.one_in(30) ? r.below(XEN_GDT_ENTRIES + 1) : r.below(20);
  v.ldt_entries = r.one_in(30) ? r.below(X86_LDT_ENTRIES + 1) : r.below(20);
  v.flat_cs = kFlatCode;
  v.flat_ds = kFlatData;
  const uint32_t bases[] = {8 * r.below(32), 8 * r.below(32)};
  for (uint32_t i = 0; i < 2; ++i) {
    v.pic[i].irr = r.one_in(2) ? 0 : r.next() & r.next() & 0xff;
    v.pic[i].isr = r.one_in(2) ? 0 : r.next() & r.next() & 0xff;
    v.pic[i].imr = r.one_in(2) ? 0 : r.next() & 0xff;
    v.pic[i].vector_base = bases[i];
    v.pic[i].lowest_priority = r.one_in(2) ? 7 : r.below(8);
    v.pic[i].auto_eoi = r.below(2);
    v.pic[i].special_mask = r.below(2);
  }
  c.work = model::pic_interrupts<Concrete>(v) || r.one_in(4) ? VMI_WORK_INTERRUPT : 0;

  // The IDT has gates where something may be delivered.
  v.idtr.base = r.one_in(8) ? r.pointer() : r.readable(2048);
  if (!r.one_in(6)) v.idtr.limit = 0x7ff;
  for (uint32_t base : bases)
    if (c.work)
      for (uint32_t i = 0; i < 8; ++i) put_descriptor(c, v.idtr.base + 8 * (base + i), any_gate(r));
  put_idt(r, c, v.idtr.base, {8, 10, 11, 12, 13, 14});
  for (uint32_t i = r.below(6); i-- > 0;) {
    const uint32_t index = r.pick({1, 2, 3, 5, 12, r.below(20)});
    const RawDescriptor d = any_descriptor(r);
    auto& table = r.one_in(3) ? c.ldt : c.gdt;
    table[2 * index] = d.low, table[2 * index + 1] = d.high;
  }
}

}  // namespace

Case generate(Call call, uint64_t seed) {
  const CallInfo& info = info_of(call);
  Random r(seed);
  Case c = plain_case(std::string(info.name));
  any_registers(r, c, info.segments == Segments::ss_only);
  any_virtual_cpu(r, c);
  arrange_call(call, r, c);
  if (c.vcpu->initialised == 0) c.cpu.ds = c.cpu.es = kFlatData;
  any_return_address(r, c);
  if (r.one_in(3))
    for (uint32_t i = r.below(4); i-- > 0;)
      c.answers.push_back(r.pick({0, 0, uint32_t(-22), uint32_t(-14), uint32_t(-1), uint32_t(-4095)}));
  c.noise = uint32_t(r.next());
  return c;
}

Case generate_step(Call call, uint64_t seed) {
  const CallInfo& info = info_of(call);
  Random r(seed);
  Case c = plain_case(std::string(info.name));
  any_registers(r, c, info.segments == Segments::ss_only);
  arrange_call(call, r, c);
  any_return_address(r, c);
  c.vcpu.reset();
  return c;
}

std::vector<Case> simpler(const Case& c) {
  std::vector<Case> all;
  const auto with = [&](auto change) {
    Case smaller = c;
    change(smaller);
    all.push_back(std::move(smaller));
  };
  const Case plain = plain_case(c.entry);
  // Much at once first.
  if (!c.memory.empty()) with([](Case& s) { s.memory.clear(); });
  if (!c.gdt.empty()) with([](Case& s) { s.gdt.clear(); });
  if (!c.ldt.empty()) with([](Case& s) { s.ldt.clear(); });
  if (!c.answers.empty()) with([](Case& s) { s.answers.clear(); });
  if (c.noise) with([](Case& s) { s.noise = 0; });
  for (size_t size = c.memory.size() / 2; size >= 4; size /= 2) {
    for (size_t from = 0; from + size <= c.memory.size(); from += size) {
      with([&](Case& s) { s.memory.erase(std::next(s.memory.begin(), from), std::next(s.memory.begin(), from + size)); });
    }
  }
  std::vector<uint32_t> usual;
  each_register(plain.cpu, [&](const char*, uint32_t v) { usual.push_back(v); });
  size_t i = 0;
  each_register(c.cpu, [&](const char* name, uint32_t value) {
    const uint32_t plain_value = usual[i++];
    if (value == plain_value) return;
    for (uint32_t smaller : {plain_value, value / 2, value - 1}) {
      if (smaller == value || (smaller != plain_value && std::string(name).size() == 2)) continue;  // selectors
      with([&](Case& s) {
        each_register(s.cpu, [&](const char* n, uint32_t& v) {
          if (std::string(n) == name) v = smaller;
        });
      });
    }
  });
  if (!c.vcpu) return all;
  usual.clear(), i = 0;
  relation::each_field(*plain.vcpu, [&](const char*, uint32_t v) { usual.push_back(v); });
  relation::each_field(*c.vcpu, [&](const char* name, uint32_t value) {
    const uint32_t plain_value = usual[i++];
    if (value == plain_value) return;
    with([&](Case& s) {
      relation::each_field(*s.vcpu, [&](const char* n, uint32_t& v) {
        if (std::string(n) == name) v = plain_value;
      });
    });
  });
  return all;
}

}  // namespace vmirom::conformance
