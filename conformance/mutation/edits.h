// One-place changes to a source or to a finished image: how faults are planted.
#ifndef VMIROM_CONFORMANCE_MUTATION_EDITS_H_
#define VMIROM_CONFORMANCE_MUTATION_EDITS_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "rom/image/image.h"

namespace vmirom {

// The place is not what the fault's author saw. The text says what was looked for and what is there.
struct BadEdit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The text with every occurrence of find replaced; throws BadEdit unless there are exactly so many.
std::string replace_text(const std::string& text, const std::string& find, const std::string& replacement, size_t times);

// Bytes written in hexadecimal: "f3 90". Throws BadEdit.
std::vector<uint8_t> parse_bytes(const std::string& text);

// The image's file with bytes at symbol + offset replaced by as many others; throws BadEdit unless the old ones are there.
// With keep_sum false the ROM's checksum follows.
std::vector<uint8_t> replace_bytes(const Image& image, const std::string& symbol, uint32_t offset,
                                   const std::vector<uint8_t>& old_bytes, const std::vector<uint8_t>& new_bytes,
                                   bool keep_sum);

}  // namespace vmirom

#endif  // VMIROM_CONFORMANCE_MUTATION_EDITS_H_
