// What people hand to the commands, checked.
#ifndef VMIROM_CONFORMANCE_CERTIFY_INPUT_H_
#define VMIROM_CONFORMANCE_CERTIFY_INPUT_H_

#include <stdexcept>
#include <string>

#include "model/abi/calls.h"
#include "rom/image/image.h"

namespace vmirom::conformance {

// An argument that cannot be used. One line that says what to do.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Loads an image and refuses one whose header, checksum or slots show that it is no ROM of this layout. Throws BadImage.
Image load_rom(const std::string& path);

// "'GetCR9' is not a call; did you mean GetCR0?"
std::string unknown_call(const std::string& name);

// Throws BadInput.
const CallInfo& call_named(const std::string& name);

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_INPUT_H_
