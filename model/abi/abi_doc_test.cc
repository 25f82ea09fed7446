#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "model/abi/abi_doc.h"
#include "model/abi/calls.h"

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

TEST(Readme, names_what_is_provided) {
  std::ifstream file("README.md");
  const std::string all(std::istreambuf_iterator<char>(file), {});
  const size_t begin = all.find("## What is provided"), end = all.find("\n## ", begin + 1);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << "README.md has no section on what is provided";
  std::string section = all.substr(begin, end - begin);
  std::replace_if(
      section.begin(), section.end(), [](char c) { return c == ',' || c == '|'; }, ' ');
  std::istringstream text(section);
  const std::set<std::string> words(std::istream_iterator<std::string>(text), {});
  size_t provided = 0;
  for (const CallInfo& info : kCalls) {
    const bool wanted = info.stub != Stub::absent;
    provided += wanted;
    EXPECT_EQ(words.count(std::string(info.name)) != 0, wanted) << "README.md, \"What is provided\": " << info.name;
  }
  EXPECT_NE(section.find(std::to_string(provided) + " of the " + std::to_string(std::size(kCalls)) + " calls"),
            std::string::npos)
      << "README.md, \"What is provided\": " << provided << " of " << std::size(kCalls) << " calls are";
}

}  // namespace
}  // namespace vmirom
