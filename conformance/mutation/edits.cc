#include "conformance/mutation/edits.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <sstream>

namespace vmirom {
namespace {

std::string as_text(const uint8_t* begin, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char byte[4];
    std::snprintf(byte, sizeof byte, i ? " %02x" : "%02x", begin[i]);
    text += byte;
  }
  return text;
}

}  // namespace

std::string replace_text(const std::string& text, const std::string& find, const std::string& replacement, size_t times) {
  if (find.empty()) throw BadEdit("the text to find is empty");
  std::string result;
  size_t from = 0, found = 0;
  for (size_t at; (at = text.find(find, from)) != std::string::npos; from = at + find.size(), ++found)
    result += text.substr(from, at - from) + replacement;
  if (found != times)
    throw BadEdit("found " + std::to_string(found) + " times, not " + std::to_string(times) + ": \"" + find + "\"");
  return result + text.substr(from);
}

std::vector<uint8_t> parse_bytes(const std::string& text) {
  std::vector<uint8_t> bytes;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.size() != 2 || word.find_first_not_of("0123456789abcdef") != std::string::npos)
      throw BadEdit("\"" + word + "\" is not a byte of two hexadecimal digits");
    bytes.push_back(std::stoul(word, nullptr, 16));
  }
  return bytes;
}

std::vector<uint8_t> replace_bytes(const Image& image, const std::string& symbol, uint32_t offset,
                                   const std::vector<uint8_t>& old_bytes, const std::vector<uint8_t>& new_bytes,
                                   bool keep_sum) {
  if (old_bytes.empty() || old_bytes.size() != new_bytes.size()) throw BadEdit("old and new bytes are not equally many");
  const uint32_t address = image.address_of(symbol) + offset;
  const std::string place = symbol + "+" + std::to_string(offset);
  const Section* section = image.section_at(address);
  if (!section || !section->contains(address + old_bytes.size() - 1)) throw BadEdit(place + " does not lie in the image");
  std::vector<uint8_t> file = image.file();
  uint8_t* there = file.data() + section->offset + (address - section->address);
  if (!std::equal(old_bytes.begin(), old_bytes.end(), there))
    throw BadEdit(place + " holds " + as_text(there, old_bytes.size()) + ", not " +
                  as_text(old_bytes.data(), old_bytes.size()));
  std::copy(new_bytes.begin(), new_bytes.end(), there);

  const Section& rom = image.section(".vmi_rom");
  uint8_t* begin = file.data() + rom.offset;
  uint8_t& sum = begin[image.address_of("vmi_rom_checksum") - rom.address];
  if (!keep_sum) sum -= std::accumulate(begin, begin + rom.size, uint8_t{0});
  return file;
}

}  // namespace vmirom
