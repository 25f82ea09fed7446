#include "conformance/isa/processor.h"

#include <asm/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

extern "C" {
extern const uint8_t isa_gate_begin[], isa_gate_end[], isa_gate_enter_32[], isa_gate_leave_32[], isa_gate_leave_64[];
}

namespace vmirom::isa {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
// Of a landing: 11 bytes that store where it is, 5 that jump to the gate.
constexpr uint32_t kLandingBytes = 16;

volatile sig_atomic_t the_signal = 0;
volatile uint64_t the_faulting_address = 0;
alignas(16) uint8_t the_signal_stack[65536];

uint32_t in_gate(const uint8_t* label) { return ISA_GATE + uint32_t(label - isa_gate_begin); }

void put(uint32_t address, uint32_t value) { std::memcpy(Processor::memory(address), &value, 4); }

uint32_t get(uint32_t address) {
  uint32_t value;
  std::memcpy(&value, Processor::memory(address), 4);
  return value;
}

// A fault below 4 GiB is the instruction's: on at the gate's 64-bit end. Any other is the test's own.
void on_signal(int signal, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (uint64_t(registers[REG_RIP]) >> 32) {
    ::signal(signal, SIG_DFL);
    return;
  }
  the_signal = signal;
  the_faulting_address = registers[REG_RIP];
  registers[REG_RIP] = in_gate(isa_gate_leave_64);
  registers[REG_CSGSFS] =
      int64_t((uint64_t(registers[REG_CSGSFS]) & 0x0000'ffff'ffff'0000) | ISA_CODE_64 | uint64_t{ISA_DATA} << 48);
  registers[REG_EFL] = 0x202;
}

void map(uint32_t address, uint32_t bytes, int protection) {
  void* const at =
      mmap(Processor::memory(address), bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (at == Processor::memory(address)) return;
  if (at != MAP_FAILED) munmap(at, bytes);
  char text[80];
  std::snprintf(text, sizeof text, "no memory can be had at 0x%x: run the test in a process of its own", address);
  throw std::runtime_error(text);
}

}  // namespace

Processor::Processor() {
  map(ISA_GATE, ISA_GATE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(ISA_CONTEXT, ISA_CONTEXT_BYTES, PROT_READ | PROT_WRITE);
  map(ISA_CODE_REGION, ISA_CODE_REGION_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(ISA_ARENA, ISA_ARENA_BYTES, PROT_READ | PROT_WRITE);
  std::memcpy(memory(ISA_GATE), isa_gate_begin, isa_gate_end - isa_gate_begin);
  std::memset(memory(ISA_CODE_REGION), 0xcc, ISA_CODE_REGION_BYTES);
  put(ISA_ENTRY, in_gate(isa_gate_enter_32));
  put(ISA_ENTRY + 4, ISA_CODE_32);
  put(ISA_CODE_POINTER, ISA_CODE);
  syscall(SYS_arch_prctl, ARCH_GET_FS, memory(ISA_FS_BASE));
  for (uint32_t i = 0; i < kLandings; ++i) write_landing(landing(i));

  stack_t stack{};
  stack.ss_sp = the_signal_stack;
  stack.ss_size = sizeof the_signal_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (int signal : kSignals) sigaction(signal, &action, nullptr);
}

Processor::~Processor() {
  for (int signal : kSignals) ::signal(signal, SIG_DFL);
  munmap(memory(ISA_GATE), ISA_GATE_BYTES);
  munmap(memory(ISA_CONTEXT), ISA_CONTEXT_BYTES);
  munmap(memory(ISA_CODE_REGION), ISA_CODE_REGION_BYTES);
  munmap(memory(ISA_ARENA), ISA_ARENA_BYTES);
  for (uint32_t page : mapped_pages_) munmap(memory(page), 4096);
}

void Processor::map_pages(uint32_t address) {
  for (uint32_t page : {address & ~0xfffu, (address & ~0xfffu) + 0x1000})
    if (page - ISA_ARENA >= ISA_ARENA_BYTES && mapped_pages_.insert(page).second) map(page, 4096, PROT_READ | PROT_WRITE);
}

// mov $address, %ss:ISA_OUT_EIP; jmp isa_gate_leave_32
void Processor::write_landing(uint32_t address) {
  uint8_t* const at = memory(address);
  at[0] = 0x36, at[1] = 0xc7, at[2] = 0x05;
  put(address + 3, ISA_OUT_EIP);
  put(address + 7, address);
  at[11] = 0xe9;
  put(address + 12, in_gate(isa_gate_leave_32) - (address + kLandingBytes));
}

bool Processor::place(const std::vector<uint8_t>& instruction, std::optional<uint32_t> target) {
  const uint32_t size = instruction.size();
  if (target) {
    if (*target - ISA_CODE_REGION > ISA_CODE_REGION_BYTES - kLandingBytes) return false;
    if (*target + kLandingBytes > ISA_CODE && *target < ISA_CODE + size + kLandingBytes) return false;
    write_landing(*target);
  }
  std::memcpy(memory(ISA_CODE), instruction.data(), size);
  write_landing(ISA_CODE + size);
  return true;
}

std::optional<State> Processor::run(const State& input) {
  // POPA's order is the reverse of the registers' numbers; ESP's place is passed over.
  for (uint32_t r = 0; r < 8; ++r) put(ISA_IN + 4 * (7 - r), input.registers[r]);
  put(ISA_IN + 32, input.eflags);
  put(ISA_IN_ESP, input.registers[4]);
  put(ISA_OUT_EIP, 0);
  the_signal = 0;
  reinterpret_cast<void (*)()>(uintptr_t{ISA_GATE})();
  if (the_signal) {
    char text[80];
    std::snprintf(text, sizeof text, "signal %d (%s) at 0x%x", int(the_signal), strsignal(the_signal),
                  uint32_t(the_faulting_address));
    fault_ = text;
    return std::nullopt;
  }
  State output;
  for (uint32_t r = 0; r < 8; ++r) output.registers[r] = vmirom::isa::get(ISA_OUT + 4 * (7 - r));
  output.registers[4] = vmirom::isa::get(ISA_OUT_ESP);
  output.eflags = vmirom::isa::get(ISA_OUT + 32);
  output.eip = vmirom::isa::get(ISA_OUT_EIP);
  for (uint32_t s = 0; s < 6; ++s) output.selectors[s] = vmirom::isa::get(ISA_OUT_SELECTORS + 4 * s);
  return output;
}

}  // namespace vmirom::isa
