#include "conformance/certify/progress.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

namespace vmirom::conformance {

Progress::Progress(std::string what, uint32_t total) : what_(std::move(what)), total_(total), shown_(isatty(STDERR_FILENO)) {
  if (!shown_) return;
  // Signals belong to the engines' thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  clock_ = std::thread([this] {
    // The processor engine keeps RDTSC from its thread, and from those that come of it; clocks are read with it.
    prctl(PR_SET_TSC, PR_TSC_ENABLE);
    std::unique_lock lock(mutex_);
    while (!over_.wait_for(lock, std::chrono::seconds(1), [this] { return is_over_; })) draw();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Progress::~Progress() {
  if (!shown_) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_one();
  clock_.join();
  std::fputs("\r\033[K", stderr);
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
