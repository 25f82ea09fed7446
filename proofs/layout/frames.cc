// Frames that assembly builds for C++: the machine code run from its entry to the CALL, and each member of the frame, by its
// name in the debug information, held against what it is to hold.
#include <map>

#include "model/abi/calls.h"
#include "model/abi/constants.h"
#include "proofs/engine/explorer.h"
#include "proofs/layout/check.h"
#include "proofs/layout/code.h"
#include "proofs/x86/symbolic_machine.h"

namespace vmirom {
namespace {

using smt::Term;

Term word(uint32_t value) { return smt::constant(value, 32); }

// Frames do not depend on segments: that the ROM's own selectors load is proved where they are loaded.
class AnySegments : public Surroundings {
 public:
  Term loads(const SymbolicMachine&, x86::SegmentRegister, Term) override { return smt::boolean(true); }
  Term is_flat(const SymbolicMachine&, x86::SegmentRegister, Term) override { return smt::boolean(true); }
  bool accessible(Term, uint32_t, bool) override { return false; }
  Term time_stamp(uint32_t n) override { return smt::variable("tsc." + std::to_string(n), 64); }
};

// What the processor held at the start, and the machine where control has left the code that was to run.
struct Arrival {
  SymbolicMachine& machine;
  uint32_t reached;
  Term eflags;                    // at the start
  std::map<int64_t, Term> stack;  // dwords at the start, by offset from ESP

  // The offset from the start's ESP that an address has.
  int64_t offset_of(Term address, const std::string& what) const {
    int64_t at;
    if (!machine.memory.on_stack(address, &at)) throw Violation{"", what + " is not on the stack"};
    return at;
  }
  Term dword(int64_t at) const { return machine.memory.stack.load(at, 4); }
};

// Runs from start until control leaves [begin, end), to another place of the body. There is one way, without a choice.
void run_out_of(Check& check, engine::Explorer& explorer, Term start, uint32_t begin, uint32_t end,
                const std::function<void(Arrival&)>& claim) {
  const Image& image = check.image;
  const uint32_t rom = image.address_of("vmi_rom");
  uint32_t arrivals = 0;
  explorer.explore([&] {
    AnySegments segments;
    SymbolicMachine machine(image, segments, smt::variable("L", 32), smt::variable("esp0", 32),
                            [](int64_t at) { return smt::variable("byte." + hex(uint32_t(at)), 32); });
    machine.eip = start;
    machine.flat[x86::kSs] = true;
    if (begin - rom < image.address_of("vmi_rom_end") - rom) machine.slot_begin = begin - rom, machine.slot_end = end - rom;
    const Section& text = image.section(".text");
    for (uint32_t at = text.address; at < text.address + text.size; ++at)
      if (at < begin || at >= end) machine.parts.insert(machine.parts.end(), at);
    Arrival arrival{machine, 0, machine.flags_image(), {}};
    for (int64_t at = 0; at < 32; at += 4) arrival.stack[at] = machine.memory.stack.load(at, 4);
    if (machine.run() != SymbolicMachine::Stop::kPart)
      throw Violation{"", image.describe(begin) + ": control goes elsewhere than to the body"};
    arrival.reached = machine.part();
    claim(arrival);
    ++arrivals;
    check.end_path(explorer.path_condition());
  });
  check.require(arrivals == 1 && explorer.pruned().empty(),
                image.describe(begin) + ": the way to the body is not a straight one");
}

using Expected = std::map<std::string, Term>;

// Every member of a frame that lies at an offset from the start's ESP; a member expected to hold an invalid term is room.
void claim_members(Check& check, const std::string& where, const std::string& type, Arrival& a, int64_t frame,
                   const Expected& expected) {
  for (const std::string& member : check.image.leaves(type)) {
    const auto value = expected.find(member.substr(0, member.find('[')));
    const std::string what = where + ": " + type + "::" + member;
    if (!check.require(value != expected.end(), what + " is a member that nothing is said about")) continue;
    if (!value->second.valid()) continue;
    const Place place = check.image.member(type, member);
    check.require(place.size == 4, what + " has " + std::to_string(place.size) + " bytes");
    check.equal(what + " holds what its name says", value->second,
                smt::extract(a.dword(frame + place.address), 0, value->second.width()));
  }
  for (const auto& [name, value] : expected) check.image.member(type, name);
}

void expect_callee(Check& check, const std::string& where, const Arrival& a, const std::string& callee) {
  check.require(a.reached == check.image.address_of(callee),
                where + " goes to " + check.image.describe(a.reached) + ", not to " + callee);
}

Term initial(const char* name, uint32_t width = 32) { return smt::variable(name, width); }

// A C++ function with its frame's address in EAX (regparm), the return address on top of the stack and the frame behind it.
int64_t frame_in_eax(Check& check, const std::string& where, const Arrival& a) {
  const Term eax = a.machine.get(x86::kEax);
  check.equal(where + ": the frame is right behind the return address", smt::add(a.machine.get(x86::kEsp), word(4)), eax);
  return a.offset_of(eax, where + ": the frame");
}

// C++ finds its data through a segment that is flat whatever the guest's are.
void expect_flat(Check& check, const std::string& where, const Arrival& a, x86::SegmentRegister s) {
  const Term flat = a.machine.image_load(check.image.place("vcpu.flat_ds").address, 2);
  check.equal(where + ": C++ gets the flat " + (s == x86::kDs ? "DS" : "ES"), flat, a.machine.selectors[s]);
}

// Vectors for which the processor pushes an error code. Source: Intel SDM volume 3, table 6-1.
bool pushes_error_code(uint32_t vector) { return vector < 32 && (X86_TRAPS_WITH_ERROR >> vector & 1); }

}  // namespace

// The C++ functions of calls take their frame's address on the stack, where it is the frame's second word, and the return
// address of the CALL is its first (rom/frontend/boundary.h).
void check_boundary_frame(Check& check) {
  const Image& image = check.image;
  const std::string type = "burn_clobbers_frame_t";
  engine::Explorer explorer;
  for (const CallInfo& info : kCalls) {
    const std::string name(info.name), callee = name + "_ext";
    if (info.stub == Stub::absent || (info.stub == Stub::fast && !image.find_symbol(callee))) continue;
    const SlotCode slot = slot_code(image, info.name, info.slot);
    std::vector<uint32_t> returns;
    for (const auto& [at, instruction] : slot.instructions)
      if (instruction.info.meta.category == ZYDIS_CATEGORY_CALL) returns.push_back(at + instruction.length());
    if (!check.require(returns.size() == 1, name + ": its slot has " + std::to_string(returns.size()) + " CALLs, not one"))
      continue;
    const uint32_t rom = image.address_of("vmi_rom");
    const Term base = smt::variable("L", 32);
    run_out_of(check, explorer, smt::add(base, word(slot.begin - rom)), slot.begin, slot.end(), [&](Arrival& a) {
      expect_callee(check, name, a, callee);
      const Term frame = a.machine.get(x86::kEsp);
      const int64_t at = a.offset_of(frame, name + ": the frame");
      check.equal(name + ": the argument of " + callee + " is its frame's address", frame, a.dword(at + 4));
      claim_members(check, name, type, a, at,
                    {{"stub_return_address", smt::add(base, word(returns[0] - rom))},
                     {"frame_pointer", frame},
                     {"edx", initial("edx")},
                     {"ecx", initial("ecx")},
                     {"eax", initial("eax")},
                     {"guest_return_address", a.stack[0]},
                     {"stack_arguments", {}}});
      // The arguments begin where the guest pushed the last of them.
      check.equal(name + ": stack_arguments begin behind the guest's return address",
                  smt::add(a.machine.memory.esp0, word(4)),
                  smt::add(frame, word(image.member(type, "stack_arguments").address)));
    });
  }
}

void check_exit_frame(Check& check) {
  const Symbol& code = check.image.symbol("deliver");
  engine::Explorer explorer;
  run_out_of(check, explorer, word(code.address), code.address, code.address + code.size, [&](Arrival& a) {
    expect_callee(check, "deliver", a, "deliver_to_guest");
    const int64_t at = frame_in_eax(check, "deliver", a);
    check.equal("deliver: deliver_to_guest returns to deliver.return", word(check.image.address_of("deliver.return")),
                a.dword(at - 4));
    claim_members(check, "deliver", "exit_frame_t", a, at,
                  {{"es", initial("es", 16)},
                   {"ds", initial("ds", 16)},
                   {"edx", initial("edx")},
                   {"ecx", initial("ecx")},
                   {"eax", initial("eax")},
                   {"room", {}},
                   {"eflags", a.eflags},
                   {"guest_return_address", a.stack[0]}});
    const uint32_t last = check.image.member("exit_frame_t", "guest_return_address").address;
    check.equal("deliver: the frame ends with the return address", a.machine.memory.esp0,
                smt::add(a.machine.get(x86::kEax), word(last)));
    expect_flat(check, "deliver", a, x86::kDs);
    expect_flat(check, "deliver", a, x86::kEs);
    const Term flags = smt::bit_and(a.machine.system_flags, word(X86_EFLAGS_DF));
    check.equal("deliver: C++ gets DF clear", word(0), flags);
  });
}

// From where the wrappers meet: ESP is at the frame id, and above it lies what check_trap_wrappers and the hypervisor left.
void check_trap_frame(Check& check) {
  const Symbol& code = check.image.symbol("trap_common");
  engine::Explorer explorer;
  run_out_of(check, explorer, word(code.address), code.address, code.address + code.size, [&](Arrival& a) {
    expect_callee(check, "trap_common", a, "trap");
    const int64_t at = frame_in_eax(check, "trap_common", a);
    claim_members(check, "trap_common", "xen_frame_t", a, at,
                  {{"eax", initial("eax")},
                   {"ecx", initial("ecx")},
                   {"edx", initial("edx")},
                   {"ebx", initial("ebx")},
                   {"ebp", initial("ebp")},
                   {"esi", initial("esi")},
                   {"edi", initial("edi")},
                   {"frame_id", a.stack[0]},
                   {"fault_address", a.stack[4]},
                   {"error_code", a.stack[8]},
                   {"eip", a.stack[12]},
                   {"cs", a.stack[16]},
                   {"eflags", a.stack[20]},
                   {"esp", a.stack[24]},
                   {"ss", a.stack[28]}});
    expect_flat(check, "trap_common", a, x86::kDs);
    check.equal("trap_common: BX keeps the interrupted DS", initial("ds", 16),
                smt::extract(a.machine.get(x86::kEbx), 0, 16));
  });
}

void check_trap_wrappers(Check& check) {
  const Image& image = check.image;
  const Symbol& wrappers = image.symbol("trap_wrappers");
  check.require(wrappers.size == X86_GATES * VMI_TRAP_WRAPPER_BYTES, "trap_wrappers has no wrapper for each vector");
  const uint32_t id = image.member("xen_frame_t", "frame_id").address;
  const uint32_t first_pushed[] = {image.member("xen_frame_t", "eip").address,
                                   image.member("xen_frame_t", "error_code").address};
  engine::Explorer explorer;
  for (uint32_t vector = 0; vector < X86_GATES; ++vector) {
    const uint32_t begin = wrappers.address + vector * VMI_TRAP_WRAPPER_BYTES;
    const std::string where = "the wrapper of vector " + std::to_string(vector);
    const bool has_error = pushes_error_code(vector);
    run_out_of(check, explorer, word(begin), begin, begin + VMI_TRAP_WRAPPER_BYTES, [&](Arrival& a) {
      expect_callee(check, where, a, "trap_common");
      const Term esp = a.machine.get(x86::kEsp);
      const int64_t at = a.offset_of(esp, where + ": ESP");
      check.equal(where + ": xen_frame_t::frame_id is the vector, marked when there is an error code",
                  word(vector | (has_error ? VMI_FRAME_HAS_ERROR : 0)), a.dword(at));
      // The lowest word that the hypervisor pushed is the error code, or EIP where the processor gives none.
      check.equal(where + ": what the hypervisor pushed is at its place in xen_frame_t", a.machine.memory.esp0,
                  smt::add(esp, word(first_pushed[has_error] - id)));
      Term kept = smt::boolean(true);
      for (const char* name : {"eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"})
        kept = smt::logical_and(kept, smt::equal(initial(name), a.machine.get(x86::register_named(name))));
      for (const auto& [offset, value] : a.stack) kept = smt::logical_and(kept, smt::equal(value, a.dword(offset)));
      check.holds(where + ": registers and what the hypervisor pushed are as they were", kept);
    });
  }
}

}  // namespace vmirom
