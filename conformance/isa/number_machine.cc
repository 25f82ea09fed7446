#include "conformance/isa/number_machine.h"

#include <cstring>

namespace vmirom::isa {
namespace {

void expect_width(Number value, uint32_t width, const char* what) {
  if (!value.valid() || value.width() != width) throw WrongWidth{std::string(what) + " gets a value of another width"};
}

}  // namespace

bool loads(x86::SegmentRegister s, uint16_t selector) {
  const bool is_data = (selector & ~3) == (ISA_DATA & ~3);
  switch (s) {
    case x86::kCs: return false;
    case x86::kFs: return is_data;
    case x86::kSs: return selector == ISA_DATA;
    default: return selector == 0 || is_data;
  }
}

void NumberMachine::reset(const State& state, const std::vector<Window>& windows, uint32_t length, uint64_t unknown_bits) {
  std::memcpy(registers_, state.registers, sizeof registers_);
  std::memcpy(selectors, state.selectors, sizeof selectors);
  flags = x86::Flags<Number>::from_image({state.eflags, 32});
  system_flags = {state.eflags & ~uint32_t{X86_EFLAGS_STATUS}, 32};
  next_ = eip = state.eip + length;
  memory = windows;
  unknown_bits_ = unknown_bits;
  asked_time_stamp = asked_unknown = false;
}

void NumberMachine::set(x86::Register r, Number value) {
  expect_width(value, 32, "a register");
  registers_[r] = uint32_t(value.value());
}

Number NumberMachine::flags_image() const {
  const auto bit = [](Number flag, uint32_t at) { return uint32_t(flag.value()) << at; };
  return {system_flags.value() | bit(flags.cf(), 0) | bit(flags.pf(), 2) | bit(flags.af(), 4) | bit(flags.zf(), 6) |
              bit(flags.sf(), 7) | bit(flags.of(), 11),
          32};
}

uint8_t* NumberMachine::place(x86::SegmentRegister s, Number address, uint32_t bytes) {
  expect_width(address, 32, "an address");
  if (s == x86::kFs || s == x86::kGs) throw OutOfReach{"memory through FS or GS"};
  const uint32_t at = uint32_t(address.value());
  for (Window& window : memory)
    if (at - window.address <= window.bytes.size() - bytes) return &window.bytes[at - window.address];
  throw OutOfReach{"memory outside the arena"};
}

Number NumberMachine::load(x86::SegmentRegister s, Number address, uint32_t bytes, bool) {
  uint64_t value = 0;
  std::memcpy(&value, place(s, address, bytes), bytes);
  return {value, 8 * bytes};
}

void NumberMachine::store(x86::SegmentRegister s, Number address, Number value) {
  if (s == x86::kCs) throw OutOfReach{"a write through CS"};
  if (value.width() != 8 && value.width() != 16) expect_width(value, 32, "memory");
  const uint64_t bytes = value.value();
  std::memcpy(place(s, address, value.width() / 8), &bytes, value.width() / 8);
}

Number NumberMachine::unknown(uint32_t width) {
  asked_unknown = true;
  return {unknown_bits_, width};
}

void NumberMachine::load_selector(x86::SegmentRegister s, Number selector) {
  expect_width(selector, 16, "a segment register");
  if (!loads(s, uint16_t(selector.value()))) throw OutOfReach{"a selector that the experiment does not load"};
  selectors[s] = uint16_t(selector.value());
}

void NumberMachine::far_jump(Number cs, Number target) {
  expect_width(cs, 16, "CS");
  if (cs.value() != ISA_CODE_32) throw OutOfReach{"another code segment"};
  selectors[x86::kCs] = uint16_t(cs.value());
  jump(target);
}

Number NumberMachine::time_stamp() {
  asked_time_stamp = true;
  return {counter, 64};
}

Number NumberMachine::product(Number a, Number b, bool is_signed) const {
  const auto wide = [&](Number n) { return is_signed ? sign_extend(n, 64) : zero_extend(n, 64); };
  return multiply(wide(a), wide(b));
}

}  // namespace vmirom::isa
