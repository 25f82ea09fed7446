#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "model/abi/abi_doc.h"

namespace vmirom {
namespace {

TEST(AbiDocument, checked_in_file_is_what_the_table_says) {
  std::istringstream wanted(abi_document());
  std::ifstream found("docs/abi.md");
  ASSERT_TRUE(found) << "docs/abi.md cannot be read";
  std::string wanted_line, found_line;
  for (int number = 1;; ++number) {
    const bool more = bool(std::getline(wanted, wanted_line));
    ASSERT_EQ(bool(std::getline(found, found_line)), more)
        << "docs/abi.md ends elsewhere; its first line says how to write it";
    if (!more) return;
    ASSERT_EQ(found_line, wanted_line) << "docs/abi.md, line " << number << "; its first line says how to write it again";
  }
}

}  // namespace
}  // namespace vmirom
