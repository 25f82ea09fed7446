#include "conformance/mutation/fault_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace vmirom {
namespace {

// Name, obligation, entries with spaces between, image; separated by tabs.
std::vector<Fault> read_list(const std::string& path) {
  std::vector<Fault> faults;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Fault fault;
    std::string entries;
    std::getline(fields, fault.name, '\t');
    std::getline(fields, fault.obligation, '\t');
    std::getline(fields, entries, '\t');
    std::getline(fields, fault.elf, '\t');
    std::istringstream words(entries);
    for (std::string word; words >> word;) fault.entries.push_back(word);
    faults.push_back(fault);
  }
  return faults;
}

class FaultTest : public testing::Test {
 public:
  explicit FaultTest(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

}  // namespace

int run_fault_tests(int argc, char** argv, const std::function<bool(const Fault&)>& wanted,
                    const std::function<void(const Fault&)>& test) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FAULT_LIST [--gtest_filter=...]\n", argv[0]);
    return 2;
  }
  size_t count = 0;
  for (const Fault& fault : read_list(argv[1])) {
    if (!wanted(fault)) continue;
    ++count;
    // A hyphen means something to --gtest_filter.
    std::string name = fault.name + (fault.is_unnoticed() ? "_is_not_noticed_yet" : "_is_refuted");
    std::replace(name.begin(), name.end(), '-', '_');
    testing::RegisterTest("Faults", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> testing::Test* { return new FaultTest([=] { test(fault); }); });
  }
  if (!count) {
    std::fprintf(stderr, "%s: no faults for this test; build //conformance/mutation:fault_list\n", argv[1]);
    return 2;
  }
  return RUN_ALL_TESTS();
}

void print_refuted(const Fault& fault, const std::string& entry, const std::string& detail, double seconds) {
  std::printf("%-52s %-18s %-26s %6.2f s  %s\n", fault.name.c_str(), entry.c_str(), fault.obligation.c_str(), seconds,
              detail.c_str());
}

}  // namespace vmirom
