// The machine's hypercalls as requests, and the hypervisor's answers.
#include "model/hypervisor/hypercall.h"
#include "model/hypervisor/xen.h"
#include "proofs/refinement/world.h"

namespace vmirom {
namespace {

// The machine as xen::decode_hypercall sees it. What the hypervisor reads through a pointer lies on the stack or in the
// image.
class Caller {
 public:
  Caller(const Image& image, SymbolicMachine& machine) : image_(image), machine_(machine) {}

  uint32_t number() const { return machine_.hypercall_number(); }
  SymbolicWord argument(uint32_t i) const { return SymbolicWord(machine_.get(x86::kHypercallArguments[i])); }
  SymbolicWord dword(SymbolicWord address) { return SymbolicWord(machine_.load(x86::kSs, address.term(), 4, false)); }
  bool is_at(SymbolicWord address, const char* symbol) const { return Symbolic::same(address, image_.address_of(symbol)); }
  SymbolicTable table(const char* symbol) const { return SymbolicTable(machine_.tables.at(symbol)); }
  bool is_own_text(SymbolicWord address, SymbolicWord bytes) const {
    const smt::Linear text = smt::as_linear(address.term());
    const Section* section = text.parts.empty() ? image_.section_at(text.constant) : nullptr;
    return section && !section->writable && bytes.term().is_constant() &&
           section->contains(text.constant + bytes.term().value() - 1);
  }

 private:
  const Image& image_;
  SymbolicMachine& machine_;
};

}  // namespace

SymbolicWord SymbolicWorld::request(SymbolicState& s, const Request<Symbolic>& request) {
  const SymbolicMachine::Stop stop = machine_->run();
  if (stop != SymbolicMachine::Stop::kHypercall) mismatch(std::string("no request ") + name_of(request.kind));
  Caller caller(image_, *machine_);
  const Request<Symbolic> found = xen::decode_hypercall<Symbolic>(caller);
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
  if (request.kind != RequestKind::kShutdown) machine_->answer_hypercall(answer.term(), xen::argument_count(request.kind));
  return answer;
}

}  // namespace vmirom
