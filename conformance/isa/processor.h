// Runs one 32-bit instruction on this machine's processor, in place, from a 64-bit Linux process.
//
// Code, data and the gate between the two modes lie at fixed addresses below 4 GiB (layout.h), which are the same addresses
// for the instruction and for the test, so memory is read and written through plain pointers. Only one Processor may exist.
#ifndef VMIROM_CONFORMANCE_ISA_PROCESSOR_H_
#define VMIROM_CONFORMANCE_ISA_PROCESSOR_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conformance/isa/layout.h"

namespace vmirom::isa {

// What an instruction starts from and ends in, memory apart. Registers and selectors are numbered as the processor does.
struct State {
  uint32_t registers[8] = {};
  uint32_t eflags = 0x202;
  uint32_t eip = ISA_CODE;
  uint16_t selectors[6] = {ISA_DATA, ISA_CODE_32, ISA_DATA, ISA_DATA, 0, 0};
};

class Processor {
 public:
  Processor();  // throws std::runtime_error when the addresses are taken
  ~Processor();
  Processor(const Processor&) = delete;

  // Puts an instruction at ISA_CODE, with a landing behind it and at another place that it may go to. False when the two
  // landings would overlap each other or the instruction.
  bool place(const std::vector<uint8_t>& instruction, std::optional<uint32_t> target);

  // Places that an instruction may go to by an address in a register or in memory.
  static constexpr uint32_t kLandings = 16;
  static uint32_t landing(uint32_t i) { return ISA_CODE + 0x8000 + i * 0x111; }

  // Runs it from ISA_CODE until control reaches a landing. Of the input's selectors, those of DS and ES must be ISA_DATA
  // and the others what they are. None when the instruction faults; fault() then says how.
  std::optional<State> run(const State& input);
  const std::string& fault() const { return fault_; }

  // Makes the page of an address, and the next, memory that instructions may use.
  void map_pages(uint32_t address);

  static uint8_t* memory(uint32_t address) { return reinterpret_cast<uint8_t*>(uintptr_t{address}); }

 private:
  void write_landing(uint32_t address);

  std::string fault_;
  std::set<uint32_t> mapped_pages_;
};

}  // namespace vmirom::isa

#endif  // VMIROM_CONFORMANCE_ISA_PROCESSOR_H_
