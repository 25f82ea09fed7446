#include "conformance/isa/differential.h"

#include <x86intrin.h>

#include <cstdarg>
#include <cstring>

#include "proofs/x86/arithmetic.h"
#include "proofs/x86/transfer.h"

namespace vmirom::isa {
namespace {

// Of the arena at both ends: no operand begins there, so that small offsets from it still lie within.
constexpr uint32_t kMargin = 0x400;
// From here on, memory that the instruction names outright is mapped where it says: the image's own data.
constexpr uint32_t kImageMemory = 0xf0000000;
constexpr uint32_t kEflagsId = 1u << 21;
// PUSHF shows RF as 0, and it is gone with the next instruction.
constexpr uint32_t kComparedSystemFlags = ~uint32_t{X86_EFLAGS_STATUS | X86_EFLAGS_RF};

void put(uint32_t address, uint32_t value, uint32_t bytes = 4) { std::memcpy(Processor::memory(address), &value, bytes); }

__attribute__((format(printf, 2, 3))) void append(std::string& text, const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text += line;
}

constexpr const char* kRegisterNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
constexpr const char* kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};

bool in_memory(const ZydisDecodedOperand& op) {
  return op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type == ZYDIS_MEMOP_TYPE_MEM;
}

uint32_t effective_address(const ZydisDecodedOperand& op, const State& state) {
  uint32_t sum = op.mem.disp.has_displacement ? uint32_t(op.mem.disp.value) : 0;
  if (op.mem.base != ZYDIS_REGISTER_NONE) sum += state.registers[ZydisRegisterGetId(op.mem.base) & 7];
  if (op.mem.index != ZYDIS_REGISTER_NONE) sum += state.registers[ZydisRegisterGetId(op.mem.index) & 7] * op.mem.scale;
  return sum;
}

}  // namespace

bool shipped_semantics(NumberMachine& machine, const x86::Instruction& instruction) {
  return x86::execute(machine, instruction);
}

Differential::Differential(uint32_t seed) : rng_(seed) {
  for (uint32_t i = 0; i < ISA_ARENA_BYTES; i += 4) put(ISA_ARENA + i, random());
}

uint32_t Differential::value() {
  constexpr uint32_t kEdges[] = {0,      1,      2,       0x7f,       0x80,       0xff,       0x100,      0x7fff,
                                 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001, 0xffffff80, 0xffffffff};
  switch (below(4)) {
    case 0: return kEdges[below(16)];
    case 1: return below(2) ? below(64) : uint32_t(-int32_t(below(64)));
    default: return random();
  }
}

// IF and bit 1 are always set. TF would trap. AC would fault on what is not aligned, and comes only with what is popped.
uint32_t Differential::flags(uint32_t writable) { return 0x202 | (random() & writable); }

// Often across the border between the two pages.
uint32_t Differential::place_in_arena() {
  if (!below(8)) return ISA_ARENA + ISA_ARENA_BYTES / 2 - below(5);
  return ISA_ARENA + kMargin + below(ISA_ARENA_BYTES - 2 * kMargin);
}

uint16_t Differential::selector(x86::SegmentRegister s) {
  if (s == x86::kSs || below(2)) return ISA_DATA;
  return s != x86::kFs && below(2) ? 0 : (ISA_DATA & ~3) + below(4);
}

bool Differential::make(const Bytes& bytes, Case& c) {
  const auto instruction = x86::decode(bytes.data(), bytes.size());
  if (!instruction || instruction->length() != bytes.size()) return report_ = "bytes that are not one instruction", false;
  c = {bytes, *instruction, {}, {}};
  for (uint32_t& r : c.input.registers) r = value();
  c.input.registers[x86::kEsp] = place_in_arena() & (below(4) ? ~3u : ~0u);
  c.input.eflags = flags(X86_EFLAGS_STATUS | X86_EFLAGS_DF | kEflagsId | (below(8) ? 0 : X86_EFLAGS_NT));
  if (instruction->mnemonic() == ZYDIS_MNEMONIC_LEAVE) c.input.registers[x86::kEbp] = place_in_arena();
  // Most quotients of random numbers overflow.
  if (instruction->mnemonic() == ZYDIS_MNEMONIC_DIV && below(4)) c.input.registers[x86::kEdx] = below(64);
  solve_addresses(c);
  fill_memory(c);
  prepare_transfer(c);
  return place_code(c);
}

// Makes operands in memory lie in the arena: the base register, or without one the index, is what is missing. A place that
// no register moves stays where it is, and becomes memory.
void Differential::solve_addresses(Case& c) {
  for (uint32_t i = 0; i < c.instruction.info.operand_count_visible; ++i) {
    const ZydisDecodedOperand& op = c.instruction.operand(i);
    if (!in_memory(op)) continue;
    const uint32_t missing = place_in_arena() - effective_address(op, c.input);
    const bool doubled = op.mem.base != ZYDIS_REGISTER_NONE && op.mem.base == op.mem.index;
    if (op.mem.base != ZYDIS_REGISTER_NONE) {
      uint32_t& base = c.input.registers[ZydisRegisterGetId(op.mem.base) & 7];
      if (doubled) {
        const uint32_t factor = 1 + op.mem.scale;
        base = (missing + base * factor) / factor;
      } else {
        base += missing;
      }
    } else if (op.mem.index != ZYDIS_REGISTER_NONE) {
      uint32_t& index = c.input.registers[ZydisRegisterGetId(op.mem.index) & 7];
      index = (missing + index * op.mem.scale) / op.mem.scale;
    }
    c.places.push_back(effective_address(op, c.input));
  }
}

// New contents around the operands and the top of the stack; elsewhere in the arena stays what earlier cases left.
void Differential::fill_memory(const Case& c) {
  std::vector<uint32_t> places = c.places;
  places.push_back(c.input.registers[x86::kEsp]);
  places.push_back(c.input.registers[x86::kEbp]);
  windows_.assign(1, {ISA_ARENA, Bytes(ISA_ARENA_BYTES)});
  for (uint32_t at : places) {
    if (at - (ISA_ARENA + 16) < ISA_ARENA_BYTES - 32) {
      for (uint32_t i = 0; i < 32; i += 4) put(at - 16 + i, value());
    } else if (at >= kImageMemory && at < ~uint32_t{0x2000} && !c.places.empty() && at == c.places[0]) {
      processor_.map_pages(at);
      windows_.push_back({at & ~0xfffu, Bytes(0x2000)});
      put(at, value());
      put(at + 4, value());
    }
  }
}

// What a selector, flags image or address has to be for the instruction to come to an end.
void Differential::prepare_transfer(Case& c) {
  const ZydisDecodedOperand& first = c.instruction.operand(0);
  const uint32_t esp = c.input.registers[x86::kEsp];
  const bool has_stack = esp - ISA_ARENA < ISA_ARENA_BYTES - 16;
  const uint32_t landing = Processor::landing(below(Processor::kLandings));
  // TF apart, whatever POPF and IRET may find.
  const uint32_t popped_flags = random() & ~uint32_t{X86_EFLAGS_TF};
  const auto set = [&](const ZydisDecodedOperand& op, uint32_t v, uint32_t bytes) {
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      uint32_t& r = c.input.registers[ZydisRegisterGetId(op.reg.value) & 7];
      r = bytes == 4 ? v : (r & 0xffff0000) | v;
    } else if (in_memory(op) && c.places[0] - ISA_ARENA < ISA_ARENA_BYTES - 4) {
      put(c.places[0], v, bytes);
    }
  };
  switch (c.instruction.mnemonic()) {
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_JMP: set(first, landing, 4); break;
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRETD:
      if (!has_stack) break;
      put(esp, landing);
      put(esp + 4, (random() & 0xffff0000) | ISA_CODE_32);
      put(esp + 8, popped_flags);
      break;
    case ZYDIS_MNEMONIC_POPFD:
      if (has_stack) put(esp, popped_flags);
      break;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_POP:
      if (!x86::Operands<NumberMachine>::is_segment_register(first)) break;
      if (const uint32_t s = selector(x86::SegmentRegister(ZydisRegisterGetId(first.reg.value)));
          c.instruction.mnemonic() == ZYDIS_MNEMONIC_MOV)
        set(c.instruction.operand(1), s, 2);
      else if (has_stack)
        put(esp, s, 2);
      break;
    default: break;
  }
}

// The landings: behind the instruction, and where a relative branch goes. A displacement that leads into one of them, or
// out of the region, is replaced.
bool Differential::place_code(Case& c) {
  const ZydisDecodedInstruction& info = c.instruction.info;
  const uint32_t next = ISA_CODE + info.length;
  if (!info.raw.imm[0].is_relative) return processor_.place(c.bytes, {});
  if (processor_.place(c.bytes, next + uint32_t(c.instruction.operand(0).imm.value.u))) return true;
  const uint32_t displacement = info.raw.imm[0].size == 8 ? 0x20 + below(0x40) : 0x20 + below(0x4000);
  std::memcpy(&c.bytes[info.raw.imm[0].offset], &displacement, info.raw.imm[0].size / 8);
  c.instruction = *x86::decode(c.bytes.data(), c.bytes.size());
  return processor_.place(c.bytes, next + displacement);
}

Outcome Differential::run(const Bytes& bytes, const Semantics& semantics) {
  Case c;
  if (!make(bytes, c)) return Outcome::kOutOfReach;
  for (Window& w : windows_) std::memcpy(w.bytes.data(), Processor::memory(w.address), w.bytes.size());
  const auto execute = [&](NumberMachine& machine, uint64_t unknown_bits) {
    machine.reset(c.input, windows_, c.instruction.length(), unknown_bits);
    return semantics(machine, c.instruction);
  };
  try {
    if (!execute(machine_, 0)) return report_ = c.instruction.mnemonic_text() + " is not known", Outcome::kUnknown;
  } catch (const Refused& refused) {
    return report_ = refused.what, Outcome::kRefused;
  } catch (const WrongWidth& wrong) {
    return report_ = describe(c) + "  the semantics: " + wrong.what + "\n", Outcome::kDiffers;
  } catch (const OutOfReach& out_of_reach) {
    return report_ = out_of_reach.what, Outcome::kOutOfReach;
  }
  const uint64_t before = __rdtsc();
  const std::optional<State> found = processor_.run(c.input);
  const uint64_t after = __rdtsc();
  if (!found) {
    report_ = describe(c) + "  the processor: " + processor_.fault() + "\n";
    return Outcome::kDiffers;
  }
  if (machine_.asked_time_stamp) {
    machine_.counter = uint64_t{found->registers[x86::kEdx]} << 32 | found->registers[x86::kEax];
    if (machine_.counter < before || machine_.counter > after) {
      report_ = describe(c) + "  the time stamp is not of that time\n";
      return Outcome::kDiffers;
    }
    execute(machine_, 0);
  }
  // What depends on open bits is open itself.
  const bool open = machine_.asked_unknown;
  if (open) execute(other_, ~uint64_t{0});
  const std::string differences = this->differences(*found, machine_, open ? other_ : machine_);
  if (differences.empty()) return Outcome::kAgrees;
  report_ = describe(c) + differences;
  return Outcome::kDiffers;
}

std::string Differential::describe(const Case& c) const {
  std::string text;
  for (uint8_t byte : c.bytes) append(text, "%02x ", byte);
  text += " " + x86::format(c.instruction, ISA_CODE) + "\n  from";
  for (uint32_t r = 0; r < 8; ++r) append(text, " %s=%08x", kRegisterNames[r], c.input.registers[r]);
  append(text, " eflags=%08x\n", c.input.eflags);
  std::vector<uint32_t> places = c.places;
  places.push_back(c.input.registers[x86::kEsp]);
  for (uint32_t at : places) {
    for (const Window& w : windows_) {
      if (at - w.address >= w.bytes.size() - 16) continue;
      append(text, "  memory at %08x:", at);
      for (uint32_t i = 0; i < 16; ++i) append(text, " %02x", w.bytes[at - w.address + i]);
      text += "\n";
    }
  }
  return text;
}

std::string Differential::differences(const State& found, const NumberMachine& expected, const NumberMachine& other) const {
  std::string text;
  const auto compare = [&](const char* what, uint32_t processor, uint32_t a, uint32_t b) {
    if ((processor ^ a) & ~(a ^ b)) append(text, "  %s: the processor has %08x, the semantics %08x\n", what, processor, a);
  };
  for (uint32_t r = 0; r < 8; ++r)
    compare(kRegisterNames[r], found.registers[r], uint32_t(expected.get(x86::Register(r)).value()),
            uint32_t(other.get(x86::Register(r)).value()));
  for (uint32_t s = 0; s < 6; ++s) compare(kSegmentNames[s], found.selectors[s], expected.selectors[s], other.selectors[s]);
  compare("eip", found.eip, expected.eip, other.eip);
  const auto flag = [&](const char* name, uint32_t bit, Number value) {
    if (value.valid()) compare(name, found.eflags >> bit & 1, uint32_t(value.value()), uint32_t(value.value()));
  };
  flag("CF", 0, expected.flags.cf());
  flag("PF", 2, expected.flags.pf());
  flag("AF", 4, expected.flags.af());
  flag("ZF", 6, expected.flags.zf());
  flag("SF", 7, expected.flags.sf());
  flag("OF", 11, expected.flags.of());
  const auto system = [](const NumberMachine& m) { return uint32_t(m.system_flags.value()) & kComparedSystemFlags; };
  compare("system flags", found.eflags & kComparedSystemFlags, system(expected), system(other));
  for (size_t w = 0; w < expected.memory.size(); ++w) {
    const Bytes &a = expected.memory[w].bytes, &b = other.memory[w].bytes;
    const uint32_t address = expected.memory[w].address;
    if (!std::memcmp(a.data(), Processor::memory(address), a.size())) continue;
    for (uint32_t i = 0; i < a.size(); ++i) {
      const uint8_t processor = *Processor::memory(address + i);
      if ((processor ^ a[i]) & ~(a[i] ^ b[i]))
        append(text, "  memory at %08x: the processor has %02x, the semantics %02x\n", address + i, processor, a[i]);
    }
  }
  return text;
}

}  // namespace vmirom::isa
