// The machine's hypercalls as requests, and the hypervisor's answers.
//
// Source: Xen public headers: hypercall numbers (xen.h), argument registers (arch-x86/xen-x86_32.h).
#include "model/hypervisor/xen.h"
#include "proofs/refinement/world.h"

namespace vmirom {
namespace {

constexpr uint32_t kSetTrapTable = 0;
constexpr uint32_t kSetGdt = 2;
constexpr uint32_t kStackSwitch = 3;
constexpr uint32_t kUpdateDescriptor = 10;
constexpr uint32_t kConsoleIo = 18;
constexpr uint32_t kMmuextOp = 26;
constexpr uint32_t kSchedOp = 29;

constexpr uint32_t kMmuextSetLdt = 13;
constexpr uint32_t kSchedShutdown = 2;
constexpr uint32_t kDomidSelf = 0x7ff0;

// Registers that a hypercall takes arguments in, and may clobber.
uint32_t argument_count(RequestKind kind) {
  switch (kind) {
    case RequestKind::kSetTrapTable: return 1;
    case RequestKind::kSetGdt: return 2;
    case RequestKind::kStackSwitch: return 2;
    case RequestKind::kShutdown: return 2;
    case RequestKind::kConsoleWrite: return 3;
    case RequestKind::kUpdateDescriptor: return 4;
    case RequestKind::kSetLdt: return 4;
    case RequestKind::kUnknown: break;
  }
  return 5;
}

}  // namespace

// Pointers are followed here, so that what is compared is what the hypervisor would read.
Request<Symbolic> SymbolicWorld::decode() {
  using W = SymbolicWord;
  SymbolicMachine& m = *machine_;
  const auto argument = [&](x86::Register r) { return W(m.get(r)); };
  const W a = argument(x86::kEbx), b = argument(x86::kEcx), c = argument(x86::kEdx), d = argument(x86::kEsi);
  // What the hypervisor reads through a pointer lies on the stack or in the image.
  const auto dword = [&](W pointer, uint32_t offset) {
    return W(m.load(x86::kSs, smt::add(pointer.term(), smt::constant(offset, 32)), 4, false));
  };
  const auto is = [](W x, uint32_t value) { return (x == W(value)).term().is_true(); };
  const auto table_at = [&](W pointer, const char* name) { return is(pointer, image_.address_of(name)); };
  Request<Symbolic> unknown{RequestKind::kUnknown, {W(m.hypercall_number())}};
  switch (m.hypercall_number()) {
    case kSetTrapTable: {
      if (!table_at(a, "trap_table")) return unknown;
      const SymbolicTable table(m.tables.at("trap_table"));
      return {RequestKind::kSetTrapTable, {}, table};
    }
    case kSetGdt: {
      if (!table_at(a, "gdt_frames")) return unknown;
      Request<Symbolic> request{RequestKind::kSetGdt, {}};
      const SymbolicTable frames(m.tables.at("gdt_frames"));
      for (uint32_t i = 0; i < XEN_GDT_FRAMES; ++i) request.words.push_back(frames.get(i));
      request.words.push_back(b);
      return request;
    }
    case kStackSwitch:
      return {RequestKind::kStackSwitch, {a, b}};
    case kUpdateDescriptor:
      return {RequestKind::kUpdateDescriptor, {a, b, c, d}};
    case kConsoleIo: {
      const smt::Linear message = smt::as_linear(c.term());
      const Section* section = message.parts.empty() ? image_.section_at(message.constant) : nullptr;
      const bool own = section && !section->writable && b.term().is_constant() && section->contains(message.constant + b.term().value() - 1);
      if (!is(a, 0) || !own) return unknown;
      return {RequestKind::kConsoleWrite, {}};
    }
    case kMmuextOp:
      if (!is(b, 1) || !is(c, 0) || !is(d, kDomidSelf) || !is(dword(a, 0), kMmuextSetLdt)) return unknown;
      return {RequestKind::kSetLdt, {dword(a, 4), dword(a, 8)}};
    case kSchedOp:
      if (!is(a, kSchedShutdown)) return unknown;
      return {RequestKind::kShutdown, {dword(b, 0)}};
    default:
      return unknown;
  }
}

SymbolicWord SymbolicWorld::request(SymbolicState& s, const Request<Symbolic>& request) {
  const SymbolicMachine::Stop stop = machine_->run();
  if (stop != SymbolicMachine::Stop::kHypercall) mismatch(std::string("no request ") + name_of(request.kind));
  const Request<Symbolic> found = decode();
  if (found.kind != request.kind || found.words.size() != request.words.size())
    mismatch(std::string("request ") + name_of(found.kind) + " instead of " + name_of(request.kind));
  for (size_t i = 0; i < request.words.size(); ++i)
    ledger_.equal("refinement", std::string(name_of(request.kind)) + ", word " + std::to_string(i), request.words[i].term(),
                  found.words[i].term());
  if (request.kind == RequestKind::kSetTrapTable) {
    ledger_.equal("refinement", "the trap table handed over", request.table.bytes(), found.table.bytes());
    ledger_.holds("refinement", kTableEnds, trap_table_ends(found.table).term());
  }
  // A request that differs does not do what the model says: nothing after it is worth comparing.
  const SymbolicWord answer(engine::Explorer::current().fresh("answer", 32));
  engine::Explorer::current().assume(xen::may_answer<Symbolic>(request, answer).term(),
                                     "the hypervisor answers as model/hypervisor/xen.h says");
  xen::apply<Symbolic>(request, answer, s.gdt, s.ldt);
  SymbolicTable gdt(machine_->tables["gdt_copy"]), ldt(machine_->tables["ldt_copy"]);
  xen::apply<Symbolic>(request, answer, gdt, ldt);
  machine_->tables["gdt_copy"] = gdt.bytes();
  machine_->tables["ldt_copy"] = ldt.bytes();
  if (request.kind != RequestKind::kShutdown) machine_->answer_hypercall(answer.term(), argument_count(request.kind));
  return answer;
}

}  // namespace vmirom
