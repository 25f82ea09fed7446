// Unicorn: the same bytes, emulated.
#include <unicorn/unicorn.h>

#include <cstring>

#include "conformance/engine/engine.h"
#include "model/abi/constants.h"

namespace vmirom::conformance {
namespace {

constexpr uint32_t kBoot = kGatePage + 0x900;
constexpr uint32_t kBootData = 0x08;

// Basic blocks of one run.
constexpr uint64_t kMostBlocks = 4'000'000;

void check(uc_err error, const char* what) {
  if (error != UC_ERR_OK) throw EngineError(std::string("Unicorn: ") + what + ": " + uc_strerror(error));
}

uint64_t segment_descriptor(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

class Unicorn : public Engine {
 public:
  Unicorn(const Image& image, Memory& memory) : memory_(memory), hypercall_page_(image.address_of("hypercall_page")) {
    check(uc_open(UC_ARCH_X86, UC_MODE_32, &uc_), "uc_open");
    for (const Region& r : memory.regions()) {
      const uint32_t rights = (r.rights & kRead ? UC_PROT_READ : 0) | (r.rights & kWrite ? UC_PROT_WRITE : 0) |
                              (r.rights & kExecute ? UC_PROT_EXEC : 0);
      check(uc_mem_map_ptr(uc_, r.begin, r.size, rights, r.bytes), "uc_mem_map_ptr");
    }
    uc_hook hook;
    check(uc_hook_add(uc_, &hook, UC_HOOK_MEM_INVALID, reinterpret_cast<void*>(on_memory), this, 1, 0), "uc_hook_add");
    check(uc_hook_add(uc_, &hook, UC_HOOK_INTR, reinterpret_cast<void*>(on_interrupt), this, 1, 0), "uc_hook_add");
    check(uc_hook_add(uc_, &hook, UC_HOOK_INSN_INVALID, reinterpret_cast<void*>(on_invalid), this, 1, 0), "uc_hook_add");
    check(uc_hook_add(uc_, &hook, UC_HOOK_BLOCK, reinterpret_cast<void*>(on_block), this, 1, 0), "uc_hook_add");
    check(uc_hook_add(uc_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(on_hypercall), this, hypercall_page_,
                      hypercall_page_ + kPageBytes - 1),
          "uc_hook_add");
    load_descriptors();
    // EIP is exact only at instructions with a hook; at any other, a fault is told at the start of its basic block.
    for (const ExceptionEntry& e : image.exceptions())
      check(uc_hook_add(uc_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(on_guarded), this, e.instruction, e.instruction),
            "uc_hook_add");
    for (const Section& s : image.sections()) {
      if (!s.executable) continue;
      for (uint32_t a = s.address; a + 1 < s.address + s.size; ++a) {
        if (image.byte(a) == 0x0f && image.byte(a + 1) == 0x31)
          check(uc_hook_add(uc_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(on_time_stamp), this, a, a), "uc_hook_add");
      }
    }
  }

  ~Unicorn() override { uc_close(uc_); }

  const char* name() const override { return name_of(EngineKind::kUnicorn); }

  Stop run(Cpu& cpu) override {
    void* values[std::size(kRegisters)];
    uint32_t* const fields[] = {&cpu.eax, &cpu.ecx,    &cpu.edx, &cpu.ebx, &cpu.esp, &cpu.ebp, &cpu.esi,
                                &cpu.edi, &cpu.eflags, &cpu.es,  &cpu.ds,  &cpu.fs,  &cpu.gs};
    for (size_t i = 0; i < std::size(fields); ++i) values[i] = fields[i];
    stop_ = {StopKind::kLeft};
    stopped_ = false;
    blocks_ = 0;
    check(uc_reg_write_batch(uc_, const_cast<int*>(kRegisters), values, std::size(fields)), "uc_reg_write_batch");
    // The emulator does not cut the target of a branch to 32 bits where it has added a displacement: it goes on from there.
    uint32_t from = cpu.eip;
    do {
      uncut_ = false;
      uc_emu_start(uc_, from, kReturnGate, 0, 0);
      from = target_;
    } while (uncut_);
    uint32_t whole[std::size(kRegisters) + 3] = {};
    for (size_t i = 0; i < std::size(fields); ++i) values[i] = &whole[i];
    check(uc_reg_read_batch(uc_, const_cast<int*>(kRegisters), values, std::size(fields)), "uc_reg_read_batch");
    for (size_t i = 0; i < std::size(fields); ++i) *fields[i] = whole[i];
    uc_reg_read(uc_, UC_X86_REG_EIP, &cpu.eip);
    uint32_t cs = 0, ss = 0;
    uc_reg_read(uc_, UC_X86_REG_CS, &cs);
    uc_reg_read(uc_, UC_X86_REG_SS, &ss);
    cpu.cs = cs & 0xffff, cpu.ss = ss & 0xffff;
    if (stop_.kind == StopKind::kFault && stop_.vector == kFetch) return {StopKind::kLeft};
    if (stop_.kind == StopKind::kLeft && !stopped_ && (memory_.rights(cpu.eip) & kExecute) && cpu.eip != kReturnGate)
      return {StopKind::kFault, 0, X86_TRAP_UD, 0, 0};
    return stop_;
  }

 private:
  static constexpr uint32_t kFetch = 0x200;
  static constexpr int kRegisters[] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,    UC_X86_REG_ESP,
                                       UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI, UC_X86_REG_EFLAGS, UC_X86_REG_ES,
                                       UC_X86_REG_DS,  UC_X86_REG_FS,  UC_X86_REG_GS};

  // Linux's 32-bit user segments, at level 3.
  void load_descriptors() {
    const auto put = [&](uint32_t selector, uint64_t descriptor) {
      std::memcpy(memory_.at(kGateDescriptors + (selector & ~7u)), &descriptor, 8);
    };
    put(kFlatCode, segment_descriptor(0x0000ffff, 0x00cffb00));
    put(kFlatData, segment_descriptor(0x0000ffff, 0x00cff300));
    put(kBootData, segment_descriptor(0x0000ffff, 0x00cf9300));
    put(kOtherData, segment_descriptor(kOtherDataLow, kOtherDataHigh));
    const uc_x86_mmr gdtr{0, kGateDescriptors, 0x7f, 0};
    check(uc_reg_write(uc_, UC_X86_REG_GDTR, &gdtr), "GDTR");
    // The emulator starts at level 0, and only an IRET leads out of it.
    const uint32_t frame[] = {kReturnGate, kFlatCode, X86_EFLAGS_FIXED, kGateStack, kFlatData};
    std::memcpy(memory_.at(kGateStack - sizeof frame), frame, sizeof frame);
    const uint32_t esp = kGateStack - sizeof frame, boot_data = kBootData;
    *memory_.at(kBoot) = 0xcf;
    check(uc_reg_write(uc_, UC_X86_REG_SS, &boot_data), "SS");
    check(uc_reg_write(uc_, UC_X86_REG_ESP, &esp), "ESP");
    check(uc_emu_start(uc_, kBoot, kReturnGate, 0, 0), "IRET to level 3");
    uint32_t cs = 0, ss = 0;
    uc_reg_read(uc_, UC_X86_REG_CS, &cs);
    uc_reg_read(uc_, UC_X86_REG_SS, &ss);
    if (cs != kFlatCode || ss != kFlatData) throw EngineError("Unicorn does not reach level 3");
  }

  void end(const Stop& stop) {
    if (!stopped_) stop_ = stop;
    stopped_ = true;
    uc_emu_stop(uc_);
  }

  static bool on_memory(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t, void* self) {
    Unicorn& u = *static_cast<Unicorn*>(self);
    if (u.stopped_) return false;
    const bool write = type == UC_MEM_WRITE_PROT || type == UC_MEM_WRITE_UNMAPPED;
    const bool fetch = type == UC_MEM_FETCH_PROT || type == UC_MEM_FETCH_UNMAPPED;
    if (fetch && address >> 32) {
      u.uncut_ = true;
      u.target_ = uint32_t(address);
      return false;
    }
    uint32_t at = uint32_t(address);
    const uint8_t needed = write ? kWrite : kRead;
    if ((u.memory_.rights(at) & needed) && uint64_t{at % kPageBytes} + size > kPageBytes)
      at = (at / kPageBytes + 1) * kPageBytes;
    u.stopped_ = true;
    u.stop_ = {StopKind::kFault, 0, fetch ? kFetch : uint32_t{X86_TRAP_PF}, 0, at};
    return false;
  }

  static void on_interrupt(uc_engine*, uint32_t number, void* self) {
    static_cast<Unicorn*>(self)->end({StopKind::kFault, 0, number, 0, 0});
  }

  static bool on_invalid(uc_engine*, void* self) {
    static_cast<Unicorn*>(self)->end({StopKind::kFault, 0, X86_TRAP_UD, 0, 0});
    return false;
  }

  static void on_block(uc_engine*, uint64_t, uint32_t, void* self) {
    Unicorn& u = *static_cast<Unicorn*>(self);
    if (++u.blocks_ > kMostBlocks) u.end({StopKind::kRunaway});
  }

  static void on_hypercall(uc_engine*, uint64_t address, uint32_t, void* self) {
    Unicorn& u = *static_cast<Unicorn*>(self);
    u.end({StopKind::kHypercall, (uint32_t(address) - u.hypercall_page_) / 32});
  }

  static void on_guarded(uc_engine*, uint64_t, uint32_t, void*) {}

  static void on_time_stamp(uc_engine*, uint64_t, uint32_t, void* self) {
    static_cast<Unicorn*>(self)->end({StopKind::kTimeStamp});
  }

  Memory& memory_;
  const uint32_t hypercall_page_;
  uc_engine* uc_ = nullptr;
  Stop stop_;
  bool stopped_ = false;
  bool uncut_ = false;
  uint32_t target_ = 0;
  uint64_t blocks_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_processor(const Image& image, Memory& memory);

std::unique_ptr<Engine> make_engine(EngineKind kind, const Image& image, Memory& memory) {
  if (kind == EngineKind::kProcessor) return make_processor(image, memory);
  return std::make_unique<Unicorn>(image, memory);
}

}  // namespace vmirom::conformance
