// Obligations about a ROM image as a whole: header, table, frames, offsets and lists, as the linked bytes have them.
//
// What an entry's proof (proofs/refinement) takes from the image's own lists is held against the bytes here: patch-ups,
// exception table, symbols of assembly, debug information. Source of the list: docs/architecture.md, "Obligations".
#ifndef VMIROM_PROOFS_LAYOUT_LAYOUT_H_
#define VMIROM_PROOFS_LAYOUT_LAYOUT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proofs/engine/ledger.h"
#include "rom/image/image.h"

namespace vmirom {

struct ImageObligation {
  std::string name;
  engine::Verdict verdict = engine::Verdict::kMissing;
  std::string detail;  // one line: what fails and where; empty when proved
};

// Every obligation that must be proved, in the certificate's order.
std::vector<std::string> image_obligations();

// The verdict of each, in the same order. Throws nothing: what one obligation meets becomes its verdict, kError when it
// could not be decided and kUnknown when a solver gave up. keep_script as in engine::Ledger::Options.
std::vector<ImageObligation> prove_image(
    const Image& image, const std::function<void(const std::string&, uint32_t, const std::string&)>& keep_script = {});

}  // namespace vmirom

#endif  // VMIROM_PROOFS_LAYOUT_LAYOUT_H_
