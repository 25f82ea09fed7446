// Both engines come to the same stops, whatever the code they are given, and leave the process as it was.
#include "conformance/engine/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "model/abi/constants.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kCode = 0x00500000;
constexpr uint32_t kStackPage = 0x00510000;
constexpr uint32_t kReadOnly = 0x00520000;

std::vector<uint32_t> general(const Cpu& c) { return {c.eax, c.ecx, c.edx, c.ebx, c.ebp, c.esi, c.edi}; }
std::vector<uint32_t> selectors(const Cpu& c) { return {c.es, c.cs, c.ss, c.ds, c.fs, c.gs}; }

class OnEngine : public testing::TestWithParam<EngineKind> {
 protected:
  OnEngine()
      : image_(Image::load("rom/vmi-xen.elf")),
        memory_(image_, {{kCode / kPageBytes, kRead | kWrite | kExecute},
                         {kStackPage / kPageBytes, kRead | kWrite},
                         {kReadOnly / kPageBytes, kRead}}),
        engine_(make_engine(GetParam(), image_, memory_)) {
    cpu_.esp = kStackPage + 0x800;
    cpu_.eflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
    cpu_.cs = kFlatCode;
    cpu_.ss = cpu_.ds = cpu_.es = kFlatData;
    memory_.store(cpu_.esp, kReturnGate, 4);
  }

  // Code that the emulator has seen must not change: each piece lies at a place of its own.
  Stop run(std::initializer_list<uint8_t> code) {
    std::memcpy(memory_.at(place_), code.begin(), code.size());
    cpu_.eip = place_;
    place_ += 64;
    return engine_->run(cpu_);
  }

  const Image image_;
  Memory memory_;
  std::unique_ptr<Engine> engine_;
  Cpu cpu_;
  uint32_t place_ = kCode;
};

TEST_P(OnEngine, ReturnsWithEveryRegister) {
  Cpu before = cpu_;
  before.eax = cpu_.eax = 1, before.ecx = cpu_.ecx = 2, before.edx = cpu_.edx = 3, before.ebx = cpu_.ebx = 4;
  before.ebp = cpu_.ebp = 5, before.esi = cpu_.esi = 6, before.edi = cpu_.edi = 7;
  before.ds = cpu_.ds = 0, before.es = cpu_.es = kOtherData, before.fs = cpu_.fs = kOtherData,
  before.gs = cpu_.gs = kFlatData;
  before.eflags = cpu_.eflags |= X86_EFLAGS_DF | X86_EFLAGS_CF;
  EXPECT_EQ(run({0xc3}).kind, StopKind::kLeft);  // ret
  EXPECT_EQ(cpu_.eip, kReturnGate);
  EXPECT_EQ(cpu_.esp, before.esp + 4);
  EXPECT_EQ(general(cpu_), general(before));
  EXPECT_EQ(selectors(cpu_), selectors(before));
  EXPECT_EQ(cpu_.eflags, before.eflags);
}

TEST_P(OnEngine, LeavesForGuestMemory) {
  memory_.store(cpu_.esp, kStackPage + 0x123, 4);
  EXPECT_EQ(run({0xc3}).kind, StopKind::kLeft);
  EXPECT_EQ(cpu_.eip, kStackPage + 0x123);
  memory_.store(cpu_.esp, 0x12345678, 4);  // nothing is mapped there
  EXPECT_EQ(run({0xc3}).kind, StopKind::kLeft);
  EXPECT_EQ(cpu_.eip, 0x12345678u);
}

TEST_P(OnEngine, StopsAtHypercalls) {
  const uint32_t page = image_.address_of("hypercall_page");
  cpu_.eip = page + 32 * 18;
  const Stop stop = engine_->run(cpu_);
  EXPECT_EQ(stop.kind, StopKind::kHypercall);
  EXPECT_EQ(stop.hypercall, 18u);
}

TEST_P(OnEngine, StopsAtTimeStamps) {
  EXPECT_EQ(run({0x0f, 0x31, 0xc3}).kind, GetParam() == EngineKind::kProcessor ? StopKind::kTimeStamp : StopKind::kLeft);
}

TEST_P(OnEngine, FaultsAreStops) {
  cpu_.ebx = kReadOnly;
  Stop stop = run({0x89, 0x03});  // mov %eax, (%ebx)
  EXPECT_EQ(stop.kind, StopKind::kFault);
  EXPECT_EQ(stop.vector, uint32_t{X86_TRAP_PF});
  EXPECT_EQ(stop.address, kReadOnly);

  cpu_.ebx = kReadOnly + kPageBytes - 2;
  stop = run({0x8b, 0x03});  // mov (%ebx), %eax: the second page is absent
  EXPECT_EQ(stop.vector, uint32_t{X86_TRAP_PF});
  EXPECT_EQ(stop.address, kReadOnly + kPageBytes);

  stop = run({0x0f, 0x0b});  // ud2
  EXPECT_EQ(stop.kind, StopKind::kFault);
  EXPECT_EQ(stop.vector, uint32_t{X86_TRAP_UD});

  EXPECT_EQ(run({0xfa}).vector, uint32_t{X86_TRAP_GP});  // cli

  cpu_.ebx = kStackPage, cpu_.ds = 0;
  stop = run({0x8b, 0x03});  // through a null DS
  EXPECT_EQ(stop.kind, StopKind::kFault);
}

// A system call of i386 Linux must not reach it: exit(0) here.
TEST_P(OnEngine, SystemCallsAreFaults) {
  cpu_.eax = 1, cpu_.ebx = 0;
  EXPECT_EQ(run({0xcd, 0x80, 0xc3}).kind, StopKind::kFault);
}

TEST_P(OnEngine, EndlessCodeIsStopped) {
  EXPECT_EQ(run({0xeb, 0xfe}).kind, StopKind::kRunaway);  // jmp .
  EXPECT_EQ(run({0xc3}).kind, StopKind::kLeft);
}

// The clock is read by RDTSC, which the engine keeps for the ROM; thread-local storage lies behind FS.
TEST_P(OnEngine, TheProcessGoesOn) {
  thread_local int local = 5;
  cpu_.fs = cpu_.gs = kOtherData;
  for (int i = 0; i < 60; ++i) {
    cpu_.esp = kStackPage + 0x800;
    ASSERT_EQ(run({0xc3}).kind, StopKind::kLeft);
    ASSERT_EQ(local, 5);
  }
  EXPECT_GT(std::chrono::steady_clock::now().time_since_epoch().count(), 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, OnEngine, testing::Values(EngineKind::kProcessor, EngineKind::kUnicorn),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Memory, TakenAddressesAreRefused) {
  const Image image = Image::load("rom/vmi-xen.elf");
  const Memory first(image, {});
  EXPECT_THROW(Memory(image, {}), EngineError);
}

}  // namespace
}  // namespace vmirom::conformance
