// The list of planted faults that the build hands to the tests.
#ifndef VMIROM_CONFORMANCE_MUTATION_FAULT_TABLE_H_
#define VMIROM_CONFORMANCE_MUTATION_FAULT_TABLE_H_

#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace vmirom {

// A row of conformance/mutation/faults.bzl and the image it is planted in.
struct Fault {
  std::string name;
  std::string obligation;            // that must be refuted; "image:..." about the image as a whole; "none" notices it
  std::vector<std::string> entries;  // to prove
  std::string elf;                   // path

  bool is_about_image() const { return obligation.starts_with("image:"); }
  bool is_unnoticed() const { return obligation == "none"; }
};

// One test for each fault that is wanted, named <fault>_is_refuted or <fault>_is_not_noticed_yet, from the list that is the
// program's only argument of its own. Returns the exit status.
int run_fault_tests(int argc, char** argv, const std::function<bool(const Fault&)>& wanted,
                    const std::function<void(const Fault&)>& test);

// What the processor has spent since; other work on the machine does not count.
class ProcessorTime {
 public:
  double seconds() const { return double(std::clock() - start_) / CLOCKS_PER_SEC; }

 private:
  const std::clock_t start_ = std::clock();
};

// The line about a fault that was found.
void print_refuted(const Fault& fault, const std::string& entry, const std::string& detail, double seconds);

}  // namespace vmirom

#endif  // VMIROM_CONFORMANCE_MUTATION_FAULT_TABLE_H_
