// docs/abi.md as text: the ABI for people, from the same table and constants as everything else.
#ifndef VMIROM_MODEL_ABI_ABI_DOC_H_
#define VMIROM_MODEL_ABI_ABI_DOC_H_

#include <string>

namespace vmirom {

std::string abi_document();

}  // namespace vmirom

#endif  // VMIROM_MODEL_ABI_ABI_DOC_H_
