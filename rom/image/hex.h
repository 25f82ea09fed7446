// Numbers as messages have them.
#ifndef VMIROM_ROM_IMAGE_HEX_H_
#define VMIROM_ROM_IMAGE_HEX_H_

#include <cstdint>
#include <cstdio>
#include <string>

namespace vmirom {

// "0x12".
inline std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

}  // namespace vmirom

#endif  // VMIROM_ROM_IMAGE_HEX_H_
