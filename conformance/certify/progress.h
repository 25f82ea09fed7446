// Says on a terminal what is being done, how far it is and how long it has taken; silent in a pipe.
#ifndef VMIROM_CONFORMANCE_CERTIFY_PROGRESS_H_
#define VMIROM_CONFORMANCE_CERTIFY_PROGRESS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace vmirom::conformance {

class Progress {
 public:
  // total: how many steps there will be. what: "proving", "testing on the processor".
  Progress(std::string what, uint32_t total);
  ~Progress();  // removes the line
  Progress(const Progress&) = delete;

  void begin(const std::string& step);
  void end(const std::string& step);

 private:
  void draw();

  const std::string what_;
  const uint32_t total_;
  const bool shown_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  uint32_t ended_ = 0;
  std::set<std::string> running_;
  std::thread clock_;  // draws once a second while steps take long
};

}  // namespace vmirom::conformance

#endif  // VMIROM_CONFORMANCE_CERTIFY_PROGRESS_H_
