#include "model/abi/abi_doc.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string_view>

#include "model/abi/calls.h"
#include "model/abi/constants.h"

namespace vmirom {
namespace {

std::string hex(uint32_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

bool provided(const CallInfo& info) { return info.stub != Stub::absent; }

const char* name_of(Stub stub) {
  switch (stub) {
    case Stub::boundary: return "boundary";
    case Stub::fast: return "fast";
    case Stub::absent: break;
  }
  return "no";
}

const char* name_of(Segments segments) { return segments == Segments::ss_only ? "CS, SS" : "all"; }

void write_header(std::ostream& out) {
  out << R"(## Header

A guest looks for the ROM at every 2 KiB from physical 0xc0000 to 0xdffff. All bytes of the ROM add up to 0 modulo 256.
Numbers are little-endian.

| offset | bytes | holds |
| --- | --- | --- |
)";
  const auto row = [&](uint32_t offset, uint32_t bytes, const std::string& text) {
    out << "| " << hex(offset) << " | " << bytes << " | " << text << " |\n";
  };
  row(0, 2, "0xaa55");
  row(VMI_HEADER_LENGTH, 1, "length in units of " + std::to_string(VMI_ROM_UNIT) + " bytes");
  row(VMI_HEADER_ENTRY, 4, "16-bit entry point for a BIOS: a far return");
  row(VMI_HEADER_SIGNATURE, 4, hex(VMI_SIGNATURE) + ", \"cVmi\"");
  row(VMI_HEADER_MINOR, 1, "API minor version: " + std::to_string(VMI_API_MINOR));
  row(VMI_HEADER_MAJOR, 1, "API major version: " + std::to_string(VMI_API_MAJOR));
  row(VMI_HEADER_PCI, 2, "offset of the PCI header (vendor 0x15ad, device 0x0801)");
  row(VMI_HEADER_PNP, 2, "offset of the PnP header, which names manufacturer and product");
  row(VMI_SLOT_BYTES * VMI_FIRST_SLOT, VMI_SLOT_BYTES * (VMI_LAST_SLOT - VMI_FIRST_SLOT + 1), "the call table");
}

void write_slots(std::ostream& out) {
  out << "\n## Slots and relocation\n\nSlot N lies at " << VMI_SLOT_BYTES << " * N and holds at most " << VMI_SLOT_BYTES
      << " bytes of code. Slots " << VMI_FIRST_SLOT << " to " << VMI_LAST_SLOT << " are calls."
      << R"(
The slot of a call that is not provided holds UD2.

The ROM's body lies at )"
      << hex(VMI_WEDGE) << R"(, the *wedge*, and never moves; the table as linked lies there too. A guest
may run a copy of the table elsewhere. Instructions of the table that reach the body have displacements that depend on
where the table is; `Init` sets them, in the copy at the address in EAX. Where EAX does not point at a copy, `Init` takes
the table through which it was called.

`GetRelocationInfo` answers with the call's address in the table as linked, whichever copy was asked. That address stays
valid for the guest's life. The answer's type is )"
      << VMI_RELOCATION_CALL << " (call) for a call that is provided and " << VMI_RELOCATION_NONE << R"( (none) for anything
else. `Init` and `GetRelocationInfo` are the only calls that a guest may make before `Init` has succeeded.
)";
}

void write_convention(std::ostream& out) {
  out << R"(
## Calling convention

A guest reaches a slot by CALL. Arguments are in EAX, EDX, ECX and then on the stack: `stack1` is the dword above the
return address. The caller removes them. Every general register that is not an output comes back as it was; of the flags,
CF, PF, AF, ZF, SF and OF may change. The published contract gives less: there EAX, EDX, ECX and all flags are lost.

The guest runs at the ring that the hypervisor gave it. CS and SS must be flat (base 0, limit 4 GiB) at every call. Calls
marked `all` below need flat DS and ES as well. Calls marked `CS, SS` make no use of DS and ES, which may hold
anything.

The guest's memory, its stack included, lies below the wedge. An operand at or above it counts as beyond its segment's
limit: #GP(0). A call that the guest's tables or memory refuse changes nothing but CR2, and that only for a page fault.
The guest's handler is entered as if the CALL instruction had faulted; where the bytes before the return address are not
a CALL that the ROM knows, the return address stands for it.

A *fast* entry is assembly in its slot. A *boundary* entry saves EAX, ECX and EDX in a frame on the guest's stack, calls
a C++ function with the frame, and looks on its way out for an exception to raise or an interrupt to deliver. A fast
entry that may set the virtual interrupt flag looks as well.
)";
}

void write_calls(std::ostream& out) {
  const auto count = std::count_if(std::begin(kCalls), std::end(kCalls), provided);
  out << "\n## Calls\n\n"
      << count << " of " << std::size(kCalls) << R"( calls are provided.

*Number* is the call's in API 3.0: `-` where it has none, `?` where it follows from the order of calls alone. *Flat* says
which segments must be. *Stack* counts the dwords that the caller pushes as arguments.

| slot | number | call | family | provided | flat | stack | inputs | outputs | what it does |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
)";
  for (const CallInfo& info : kCalls) {
    out << "| " << info.slot << " | " << cell(info.number_3) << " | `" << info.name << "` | " << cell(info.family) << " | "
        << name_of(info.stub) << " | " << name_of(info.segments) << " | " << info.stack_arguments << " | "
        << cell(info.inputs) << " | " << cell(info.outputs) << " | " << cell(info.summary) << " |\n";
  }
}

}  // namespace

std::string abi_document() {
  std::ostringstream out;
  out << "<!-- Generated: bazel run //model/abi:abi_doc > docs/abi.md -->\n\n# The VMI ABI, version " << VMI_API_MAJOR << "."
      << VMI_API_MINOR << R"(

What this ROM presents to a guest. The table of calls is `model/abi/calls.def`; it names its sources. What exactly a call
does is said by its model, `model/<family>.h`.

)";
  write_header(out);
  write_slots(out);
  write_convention(out);
  write_calls(out);
  return out.str();
}

}  // namespace vmirom
