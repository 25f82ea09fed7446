#include "conformance/certify/bench.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "conformance/certify/input.h"
#include "conformance/engine/engine.h"
#include "conformance/properties/case.h"
#include "model/relation/relation.h"
#include "proofs/refinement/prover.h"
#include "proofs/x86/decode.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kIterations = 2000;
constexpr uint32_t kRounds = 101;
constexpr uint32_t kBoundaryBudget = 13;

// Net cycles are told, not judged: they are this machine's. Source: docs/architecture.md, "Budgets".
struct Row {
  Call call;
  const char* cycles;
};
constexpr Row kRows[] = {
    {Call::EnableInterrupts, "<= 1"},
    {Call::DisableInterrupts, "0"},
    {Call::GetInterruptMask, "<= 1"},
    {Call::SetInterruptMask, "<= 1"},
    {Call::GetCR0, "-"},
    {Call::GetCR2, "-"},
    {Call::GetCR3, "-"},
    {Call::GetCR4, "-"},
    {Call::SetCR2, "-"},
};

// ESI times: a fence, EAX from EBX, a call of EDI.
constexpr uint8_t kLoop[] = {0x0f, 0xae, 0xe8,  // lfence
                             0x89, 0xd8,        // mov %ebx, %eax
                             0xff, 0xd7,        // call *%edi
                             0x4e,              // dec %esi
                             0x75, 0xf6,        // jne
                             0xc3};             // ret
constexpr uint32_t kLoopAt = kRomCopy + 0xe00;
constexpr uint32_t kEmptyAt = kRomCopy + 0xf00;

// Cycles of this thread in user mode; ticks of the time-stamp counter where the machine does not count them.
class Cycles {
 public:
  Cycles() {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_HW_CPU_CYCLES;
    attributes.exclude_kernel = attributes.exclude_hv = 1;
    file_ = int(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
    // The engine keeps RDTSC to itself; none of the calls measured here uses it.
    if (file_ < 0) prctl(PR_SET_TSC, PR_TSC_ENABLE);
  }
  ~Cycles() {
    if (file_ >= 0) close(file_);
  }
  const char* unit() const { return file_ >= 0 ? "cycles" : "ticks"; }
  uint64_t now() const {
    uint64_t value = 0;
    if (file_ >= 0 && read(file_, &value, sizeof value) == sizeof value) return value;
    return __builtin_ia32_rdtsc();
  }

 private:
  int file_;
};

// A boundary stub runs straight through when there is no work; its function's own instructions are not the stub's.
uint32_t instructions_in(const Image& image, const Symbol& symbol) {
  uint32_t count = 0;
  uint8_t code[VMI_SLOT_BYTES + 16] = {};
  for (uint32_t i = 0; i < std::min<uint32_t>(symbol.size, VMI_SLOT_BYTES); ++i) code[i] = image.byte(symbol.address + i);
  for (uint32_t at = 0; at < symbol.size && at < VMI_SLOT_BYTES; ++count) {
    const auto instruction = x86::decode(code + at, sizeof code - at);
    if (!instruction)
      throw BadImage(image.path() + ": " + image.describe(symbol.address + at) + " is no instruction; run certify");
    at += instruction->length();
  }
  return count;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void place_guest(Memory& memory, const relation::Layout& layout) {
  std::memcpy(memory.at(kLoopAt), kLoop, sizeof kLoop);
  *memory.at(kEmptyAt) = 0xc3;
  const Case plain = plain_case("Pause");
  relation::represent(
      layout, *plain.vcpu, [&](uint32_t a, uint32_t n, uint32_t v) { memory.store(a, v, n); },
      [](const char*) { return 0u; });
}

uint64_t calls_per_second(const Image& image, EngineKind kind) {
  Memory memory(image, standard_pages());
  const auto engine = make_engine(kind, image, memory);
  const Case plain = plain_case("GetCR0");
  const uint32_t slot = image.address_of("vmi.GetCR0");
  memory.store(plain.cpu.esp, kReturnGate, 4);
  const auto start = std::chrono::steady_clock::now();
  uint64_t calls = 0;
  double seconds = 0;
  while (seconds < 0.5) {
    for (uint32_t i = 0; i < 1000; ++i, ++calls) {
      Cpu cpu = plain.cpu;
      cpu.eip = slot;
      const Stop stop = engine->run(cpu);
      if (stop.kind != StopKind::kLeft || cpu.eip != kReturnGate) throw EngineError("GetCR0 does not return; run certify");
    }
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return uint64_t(double(calls) / seconds);
}

}  // namespace

int bench(const std::string& rom) {
  const Image image = load_rom(rom);
  const relation::Layout layout = relation::Layout::from([&](const std::string& path) {
    const Place place = image.place(path);
    return std::pair{place.address, place.size};
  });
  bool within = true;
  {
    Memory memory(image, standard_pages());
    place_guest(memory, layout);
    const auto engine = make_engine(EngineKind::kProcessor, image, memory);
    const Cycles cycles;
    const auto measure = [&](uint32_t target) {
      Cpu cpu = plain_case("Pause").cpu;
      cpu.eip = kLoopAt, cpu.esi = kIterations, cpu.edi = target;
      memory.store(cpu.esp, kReturnGate, 4);
      const uint64_t before = cycles.now();
      const Stop stop = engine->run(cpu);
      const uint64_t after = cycles.now();
      if (stop.kind != StopKind::kLeft || cpu.eip != kReturnGate)
        throw EngineError(image.describe(target) + " does not return; run certify");
      return double(after - before) / kIterations;
    };
    fmt::print("{:<20} {:>12} {:>8}   {:>10} {:>8}\n", "call", "instructions", "budget", std::string("net ") + cycles.unit(),
               "budget");
    const uint32_t stub = instructions_in(image, image.symbol("vmi.RDMSR"));
    within &= stub <= kBoundaryBudget;
    for (const Row& row : kRows) {
      const std::string name(info_of(row.call).name);
      const auto entries = manifest();
      const Entry& entry = *std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
      // Of every state in which nothing is due: proved, not counted.
      const uint64_t instructions = prove(image, entry).worst_instructions;
      within &= instructions > 0 && instructions <= entry.instruction_bound;
      const uint32_t slot = image.address_of(entry.symbol);
      std::vector<double> net;
      for (uint32_t i = 0; i < kRounds; ++i) {
        const double empty = measure(kEmptyAt);
        net.push_back(measure(slot) - empty);
      }
      fmt::print("{:<20} {:>12} {:>8}   {:>+10.1f} {:>8}\n", name, instructions,
                 fmt::format("<= {}", entry.instruction_bound), median(net), row.cycles);
    }
    fmt::print("{:<20} {:>12} {:>8}\n", "boundary stub", stub, fmt::format("<= {}", kBoundaryBudget));
  }
  const uint64_t processor = calls_per_second(image, EngineKind::kProcessor),
                 unicorn = calls_per_second(image, EngineKind::kUnicorn);
  fmt::print("\ncalls a second: processor {}, unicorn {}: {:.1f} times\n", processor, unicorn,
             double(processor) / double(unicorn));
  return within ? 0 : 1;
}

}  // namespace vmirom::conformance
