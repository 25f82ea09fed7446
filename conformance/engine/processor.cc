// The processor itself: ROM code runs in place, in compatibility mode.
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "conformance/engine/engine.h"
#include "conformance/engine/gate.h"

extern "C" {
void enter_rom();
void signal_gate(int, siginfo_t*, void*);
int handle_signal(int, siginfo_t*, void*);
extern const char gate_code[], gate_code_end[], gate_in[], gate_exit[], gate_back[];
extern const char gate_hypercall[], gate_hypercall_end[];
}

namespace vmirom::conformance {
namespace {

uint32_t& gate(uint32_t offset) { return *reinterpret_cast<uint32_t*>(uintptr_t{GATE_DATA} + offset); }

// How the run was ended by a signal.
struct Signal {
  int number;
  uint32_t trap, error_code, address;
};
volatile Signal the_signal;

// Run number, and the run that the watchdog last saw: a run that lives for several of its ticks does not end.
volatile uint64_t the_run;
volatile uint64_t watched_run;
volatile int ticks;
constexpr int kMostTicks = 5;
constexpr int kTickMicroseconds = 100'000;

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS, SIGALRM};

}  // namespace

// Of a thread's own descriptors, i386 Linux alone can set any. Its system call takes a pointer below 4 GiB.
static void make_other_segment() {
  static bool done = false;
  if (done) return;
  auto& other = *reinterpret_cast<user_desc*>(uintptr_t{GATE_DATA});
  std::memset(&other, 0, sizeof other);
  other.entry_number = kOtherData >> 3;
  other.base_addr = 0x00401000;
  other.limit = 0xfff;
  other.seg_32bit = 1;
  other.useable = 1;
  constexpr int kSetThreadArea = 243;
  int result;
  asm volatile("int $0x80" : "=a"(result) : "a"(kSetThreadArea), "b"(&other) : "memory", "r8", "r9", "r10", "r11");
  if (result != 0)
    throw EngineError(std::string("set_thread_area: ") + std::strerror(-result) +
                      "; this kernel has no 32-bit processes: use --engine unicorn");
  std::memset(&other, 0, sizeof other);
  done = true;
}

// A call of i386 Linux has no business in a ROM: it becomes a signal like any other fault.
static void refuse_i386_system_calls() {
  static bool done = false;
  if (done) return;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    throw EngineError(std::string("the processor engine cannot set a seccomp filter: ") + std::strerror(errno) +
                      "; allow seccomp here, or use --engine unicorn");
  done = true;
}

class Processor : public Engine {
 public:
  Processor(const Image& image, Memory& memory) : image_(image), memory_(memory) {
    make_other_segment();
    refuse_i386_system_calls();
    std::memcpy(memory.at(kGatePage), gate_code, gate_code_end - gate_code);
    const uint32_t page = image.address_of("hypercall_page");
    const uint32_t bytes = gate_hypercall_end - gate_hypercall;
    for (uint32_t n = 0; n < kPageBytes / 32; ++n) {
      uint8_t* entry = memory.at(page + 32 * n);
      std::memcpy(entry, gate_hypercall, bytes);
      for (uint32_t i = 0; i + 4 <= bytes; ++i) {
        if (std::memcmp(entry + i, "\x78\x56\x34\x12", 4) == 0) std::memcpy(entry + i, &n, 4);
      }
    }
    gate(GATE_ENTRY) = GATE_PAGE + uint32_t(gate_in - gate_code);
    gate(GATE_ENTRY + 4) = kFlatCode;
    gate(GATE_EXIT) = GATE_PAGE + uint32_t(gate_exit - gate_code);

    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0)
      throw EngineError(std::string("PR_SET_TSC: ") + std::strerror(errno) + "; use --engine unicorn");

    stack_t alternate{};
    alternate.ss_sp = signal_stack_;
    alternate.ss_size = sizeof signal_stack_;
    sigaltstack(&alternate, &old_stack_);
    struct sigaction action {};
    action.sa_sigaction = signal_gate;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigfillset(&action.sa_mask);  // the segments found are kept in one place
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &old_actions_[i]);
    const itimerval tick{{0, kTickMicroseconds}, {0, kTickMicroseconds}};
    setitimer(ITIMER_REAL, &tick, nullptr);
  }

  ~Processor() override {
    const itimerval off{};
    setitimer(ITIMER_REAL, &off, nullptr);
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &old_actions_[i], nullptr);
    sigaltstack(&old_stack_, nullptr);
    prctl(PR_SET_TSC, PR_TSC_ENABLE);
  }

  const char* name() const override { return name_of(EngineKind::kProcessor); }

  Stop run(Cpu& cpu) override {
    gate(GATE_EAX) = cpu.eax, gate(GATE_ECX) = cpu.ecx, gate(GATE_EDX) = cpu.edx, gate(GATE_EBX) = cpu.ebx;
    gate(GATE_ESP) = cpu.esp, gate(GATE_EBP) = cpu.ebp, gate(GATE_ESI) = cpu.esi, gate(GATE_EDI) = cpu.edi;
    gate(GATE_EIP) = cpu.eip, gate(GATE_CS) = cpu.cs, gate(GATE_EFLAGS) = cpu.eflags;
    gate(GATE_ES) = cpu.es, gate(GATE_DS) = cpu.ds, gate(GATE_FS) = cpu.fs, gate(GATE_GS) = cpu.gs;
    gate(GATE_REASON) = 0;
    the_run = the_run + 1;
    enter_rom();
    cpu.eax = gate(GATE_EAX), cpu.ecx = gate(GATE_ECX), cpu.edx = gate(GATE_EDX), cpu.ebx = gate(GATE_EBX);
    cpu.esp = gate(GATE_ESP), cpu.ebp = gate(GATE_EBP), cpu.esi = gate(GATE_ESI), cpu.edi = gate(GATE_EDI);
    cpu.eflags = gate(GATE_EFLAGS);
    const auto selector = [](uint32_t offset) { return gate(offset) & 0xffff; };
    cpu.cs = selector(GATE_CS), cpu.ss = selector(GATE_SS), cpu.ds = selector(GATE_DS), cpu.es = selector(GATE_ES);
    cpu.fs = selector(GATE_FS), cpu.gs = selector(GATE_GS);
    switch (gate(GATE_REASON)) {
      case GATE_REASON_RETURN: cpu.eip = kReturnGate; return {StopKind::kLeft};
      case GATE_REASON_HYPERCALL: {
        const uint32_t number = gate(GATE_NUMBER);
        cpu.eip = image_.address_of("hypercall_page") + 32 * number;
        return {StopKind::kHypercall, number};
      }
      default: cpu.eip = gate(GATE_EIP); return after_signal(cpu);
    }
  }

 private:
  Stop after_signal(const Cpu& cpu) const {
    if (the_signal.number == SIGALRM) return {StopKind::kRunaway};
    const bool at_code = memory_.rights(cpu.eip) & kExecute;
    if (!at_code) return {StopKind::kLeft};
    if (the_signal.trap == X86_TRAP_GP && memory_.load(cpu.eip, 2) == 0x310f) return {StopKind::kTimeStamp};
    const uint32_t vector = the_signal.number == SIGSYS ? 0x80 : the_signal.trap;
    return {StopKind::kFault, 0, vector, the_signal.error_code, the_signal.address};
  }

  const Image& image_;
  Memory& memory_;
  stack_t old_stack_{};
  struct sigaction old_actions_[std::size(kSignals)];
  alignas(16) char signal_stack_[64 * 1024];
};

const char* name_of(EngineKind kind) { return kind == EngineKind::kProcessor ? "processor" : "unicorn"; }

std::unique_ptr<Engine> make_processor(const Image& image, Memory& memory) {
  return std::make_unique<Processor>(image, memory);
}

}  // namespace vmirom::conformance

// The harness's own code may look at the clock, which the system implements with RDTSC or RDTSCP: here they work.
static bool read_own_time_stamp(greg_t* r) {
  const auto* code = reinterpret_cast<const uint8_t*>(r[REG_RIP]);
  const bool with_processor = std::memcmp(code, "\x0f\x01\xf9", 3) == 0;
  if (r[REG_TRAPNO] != X86_TRAP_GP || !(with_processor || std::memcmp(code, "\x0f\x31", 2) == 0)) return false;
  prctl(PR_SET_TSC, PR_TSC_ENABLE);
  uint32_t low, high, processor;
  asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(processor));
  prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
  r[REG_RAX] = low, r[REG_RDX] = high;
  if (with_processor) r[REG_RCX] = processor;
  r[REG_RIP] += with_processor ? 3 : 2;
  return true;
}

// On the signal stack, in 64-bit mode. Returns 1 when the ROM is to go on; else the kernel goes on at the way back to
// enter_rom's caller.
int handle_signal(int number, siginfo_t*, void* context) {
  using namespace vmirom::conformance;
  greg_t* const r = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (!gate(GATE_RUNNING)) {
    if (number == SIGSEGV && read_own_time_stamp(r)) return 0;
    if (number != SIGALRM) signal(number, SIG_DFL);
    return 0;
  }
  if (number == SIGALRM) {
    const bool same = watched_run == the_run;
    watched_run = the_run;
    ticks = same ? ticks + 1 : 0;
    // On its way in or out the harness is still in its own 64-bit code.
    const bool in_rom = uint32_t(r[REG_CSGSFS] & 0xffff) == kFlatCode && uint64_t(r[REG_RIP]) < GATE_PAGE;
    if (!in_rom || ticks < kMostTicks) return 1;
    ticks = 0;
  }
  gate(GATE_EAX) = r[REG_RAX], gate(GATE_ECX) = r[REG_RCX], gate(GATE_EDX) = r[REG_RDX], gate(GATE_EBX) = r[REG_RBX];
  gate(GATE_ESP) = r[REG_RSP], gate(GATE_EBP) = r[REG_RBP], gate(GATE_ESI) = r[REG_RSI], gate(GATE_EDI) = r[REG_RDI];
  gate(GATE_EIP) = r[REG_RIP], gate(GATE_EFLAGS) = r[REG_EFL] & ~X86_EFLAGS_RF;  // the processor has set RF for the fault
  gate(GATE_CS) = r[REG_CSGSFS] & 0xffff, gate(GATE_SS) = uint64_t(r[REG_CSGSFS]) >> 48;
  gate(GATE_ES) = gate(GATE_SIGNAL_ES), gate(GATE_DS) = gate(GATE_SIGNAL_DS);
  gate(GATE_FS) = gate(GATE_SIGNAL_FS), gate(GATE_GS) = gate(GATE_SIGNAL_GS);
  gate(GATE_REASON) = GATE_REASON_SIGNAL;
  the_signal.number = number;
  the_signal.trap = r[REG_TRAPNO];
  the_signal.error_code = r[REG_ERR];
  the_signal.address = r[REG_CR2];
  constexpr uint64_t kCode64 = 0x33, kData64 = 0x2b;
  r[REG_CSGSFS] = kCode64 | kData64 << 48;
  r[REG_RIP] = GATE_PAGE + (gate_back - gate_code);
  r[REG_EFL] = 0x202;
  return 0;
}
