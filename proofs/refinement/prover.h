// Proves the obligations of one entry of a ROM image.
#ifndef VMIROM_PROOFS_REFINEMENT_PROVER_H_
#define VMIROM_PROOFS_REFINEMENT_PROVER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/abi/calls.h"
#include "model/state.h"
#include "proofs/engine/ledger.h"
#include "rom/image/image.h"

namespace vmirom {

enum class EntryKind { kCall, kWrapper, kExit, kCallback };

const char* name_of(EntryKind kind);  // "call" and so on

// Something control enters the ROM at, or leaves it through.
struct Entry {
  std::string name;
  EntryKind kind = EntryKind::kCall;
  std::optional<Call> call;        // of a call
  std::optional<Part> part;        // of an exit
  std::string symbol;              // where it starts
  uint32_t instruction_bound = 0;  // what its longest path may come to
};

// Every entry that must be proved, in the certificate's order.
std::vector<Entry> manifest();

// The obligations of each entry.
std::vector<std::string> entry_obligations();

// A state that breaks a claim: values of the engine's variables, and bytes of its arrays. "eax" and so on are registers at
// entry, "vcpu.cr0" fields, "byte.0xf5006000" other bytes of the image, "stack+4" dwords around ESP, "guest" guest memory, "access" its pages.
struct Witness {
  std::string obligation;
  std::string label;
  // What is wrong need not show in the end: the claim is about a point within the ROM, or about a whole array, of which a
  // witness holds what was looked at.
  bool partial = false;
  std::map<std::string, uint64_t> variables;
  std::map<std::string, std::map<uint32_t, uint8_t>> bytes;
};

struct EntryProof {
  std::vector<engine::Obligation> obligations;
  uint32_t paths = 0;
  // Of paths that the entry ends itself, and, for those that go on in a part, up to there.
  uint64_t worst_instructions = 0;
  std::map<Part, uint64_t> instructions_before;
  uint32_t worst_stack_bytes = 0;
  std::vector<std::string> assumptions;
  std::optional<Witness> witness;
};

// Whether the image provides an entry at all: a call that it does not provide traps in its slot.
bool provides(const Image& image, const Entry& entry);

// What the model has to know of the image.
RomFacts rom_facts(const Image& image);

struct ProofOptions {
  // As in engine::Ledger::Options.
  std::function<void(const std::string&, uint32_t, const std::string&)> keep_script = {};
  // Values that a witness's variables have where they can, by groups: such states are more easily tried elsewhere.
  std::vector<std::map<std::string, uint64_t>> preferred = {};
  // The proof ends where this obligation is first refuted, if one is named: the witness is one against it, and what was not
  // settled by then is an error.
  std::string stop_at = {};
};

// May be called in several threads at once.
EntryProof prove(const Image& image, const Entry& entry, const ProofOptions& options = {});

}  // namespace vmirom

#endif  // VMIROM_PROOFS_REFINEMENT_PROVER_H_
