// Prints docs/abi.md.
#include <iostream>

#include "model/abi/abi_doc.h"

int main() {
  std::cout << vmirom::abi_document();
  return std::cout.flush() ? 0 : 1;
}
