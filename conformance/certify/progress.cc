#include "conformance/certify/progress.h"

#include <unistd.h>

#include <cstdio>

namespace vmirom::conformance {

Progress::Progress(std::string what, uint32_t total) : what_(std::move(what)), total_(total), shown_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::begin(const std::string& step) {
  const std::lock_guard lock(mutex_);
  running_.insert(step);
  draw();
}

void Progress::end(const std::string& step) {
  const std::lock_guard lock(mutex_);
  running_.erase(step);
  ++ended_;
  draw();
}

void Progress::draw() {
  if (!shown_) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  std::string names;
  for (const std::string& step : running_) names += (names.empty() ? "" : ", ") + step;
  std::fprintf(stderr, "\r\033[K%s %u/%u, %.0f s: %s", what_.c_str(), ended_, total_, seconds, names.c_str());
  std::fflush(stderr);
}

}  // namespace vmirom::conformance
