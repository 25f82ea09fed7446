// A fault that no longer fits its source must stop the build, not vanish.
#include "conformance/mutation/edits.h"

#include <gtest/gtest.h>

namespace vmirom {
namespace {

TEST(Edits, text_is_replaced_as_often_as_expected) {
  EXPECT_EQ(replace_text("push a; push b; ret", "push", "pop", 2), "pop a; pop b; ret");
  EXPECT_EQ(replace_text("a\nb\n", "a\nb", "b\na", 1), "b\na\n");
}

TEST(Edits, text_that_is_missing_or_occurs_more_often_is_refused) {
  EXPECT_THROW(replace_text("push a; push b", "pop", "push", 1), BadEdit);
  EXPECT_THROW(replace_text("push a; push b", "push", "pop", 1), BadEdit);
  EXPECT_THROW(replace_text("push a", "", "pop", 1), BadEdit);
}

TEST(Edits, bytes_are_two_digits_each) {
  EXPECT_EQ(parse_bytes("f3 90 00"), (std::vector<uint8_t>{0xf3, 0x90, 0x00}));
  EXPECT_THROW(parse_bytes("f390"), BadEdit);
  EXPECT_THROW(parse_bytes("f3 9g"), BadEdit);
}

}  // namespace
}  // namespace vmirom
