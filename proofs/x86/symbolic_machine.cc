#include "proofs/x86/symbolic_machine.h"

#include <algorithm>
#include <cstdio>

#include "proofs/x86/arithmetic.h"
#include "proofs/x86/transfer.h"
#include "rom/image/hex.h"

namespace vmirom {
namespace {

using smt::Term;

constexpr uint32_t kInstructionLimit = 20000;

Term word(uint32_t value) { return smt::constant(value, 32); }

// The image's tables that code indexes with unknown indices, and whether code may write them.
constexpr struct {
  const char* name;
  bool writable;
} kTables[] = {{"gdt_copy", false}, {"ldt_copy", false}, {"gdt_frames", false}, {"ldt_frames", false}, {"trap_table", true}};

}  // namespace

SymbolicMachine::SymbolicMachine(const Image& image, Surroundings& surroundings, Term base, Term esp0,
                                 x86::Cells::Initial initial)
    : memory(esp0), data(std::move(initial)), table_base(base), image_(image), surroundings_(surroundings) {
  for (const auto& [name, writable] : kTables) {
    const Symbol& symbol = image.symbol(name);
    table_places_.push_back({name, symbol.address, symbol.size, writable});
    tables[name] = smt::variable(name, smt::kArray);
  }
  const char* names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  for (uint32_t r = 0; r < 8; ++r) registers_[r] = smt::variable(names[r], 32);
  registers_[x86::kEsp] = esp0;
  const char* segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (uint32_t s = 0; s < 6; ++s) selectors[s] = smt::variable(segments[s], 16);
  const Term eflags = smt::variable("eflags", 32);
  flags = x86::Flags<Term>::from_image(eflags);
  system_flags = smt::bit_and(eflags, word(~uint32_t{X86_EFLAGS_STATUS}));
}

void SymbolicMachine::violate(const std::string& obligation, const std::string& what) const {
  throw Violation{obligation, what + " at " + place_text()};
}

void SymbolicMachine::unsupported(const std::string& what) { violate("allowed-instructions", what); }

std::string SymbolicMachine::place_text() const {
  const auto at = here();
  return at ? image_.describe(*at) : "an address outside the ROM";
}

std::optional<uint32_t> SymbolicMachine::code_address(Term a) const {
  uint64_t offset;
  const uint32_t rom = image_.address_of("vmi_rom");
  if (smt::constant_difference(a, table_base, &offset)) {
    if (offset < image_.address_of("vmi_rom_end") - rom) return rom + offset;
    return std::nullopt;
  }
  if (!a.is_constant()) return std::nullopt;
  const Section* section = image_.section_at(a.value());
  // The table as linked is the table at L = the wedge; nothing else in the body jumps there.
  if (!section || !section->executable || section->name == ".vmi_rom") return std::nullopt;
  return uint32_t(a.value());
}

SymbolicMachine::Stop SymbolicMachine::run() {
  const uint32_t page = image_.address_of("hypercall_page");
  for (;;) {
    const auto at = here();
    if (!at) return Stop::kLeft;
    if (*at - page < 4096) {
      if ((*at - page) % 32) violate("refinement", "jump into the middle of a hypercall");
      hypercall_number_ = (*at - page) / 32;
      return Stop::kHypercall;
    }
    if (!resuming_) {
      if (parts.count(*at)) {
        part_ = *at;
        return Stop::kPart;
      }
      for (const LoopHead& head : image_.loops()) {
        if (head.address == *at) {
          loop_head_ = &head;
          resuming_ = true;
          return Stop::kLoopHead;
        }
      }
    }
    resuming_ = false;
    advance();
  }
}

bool SymbolicMachine::in_pure_code(uint32_t address) const {
  return address >= image_.address_of("vmi_pure_begin") && address < image_.address_of("vmi_pure_end");
}

void SymbolicMachine::advance() {
  step();
  if (current_->mnemonic() != ZYDIS_MNEMONIC_CALL) return;
  if (const auto to = here(); to && in_pure_code(*to)) call_pure();
}

namespace {

// Whether cells from a place upwards hold what they held then.
bool unchanged(const x86::Cells& now, const x86::Cells& then, int64_t from) {
  for (auto cell = now.cells().lower_bound(from); cell != now.cells().end(); ++cell) {
    if (!cell->second.written) continue;
    const auto before = then.cells().find(cell->first);
    if (before == then.cells().end() || before->second.word != cell->second.word || before->second.byte != cell->second.byte)
      return false;
  }
  return true;
}

}  // namespace

void SymbolicMachine::call_pure() {
  struct Registers {
    Term value[8];
  };
  struct Way {
    Registers registers;
    uint32_t instructions;
    int64_t deepest_stack;
  };
  const auto registers = [&] {
    Registers all;
    std::copy(std::begin(registers_), std::end(registers_), all.value);
    return all;
  };
  const Registers registers_before = registers();
  const x86::Flags<Term> flags_before = flags;
  const SymbolicMemory memory_before = memory;
  const x86::Cells data_before = data;
  const std::map<std::string, Term> tables_before = tables;
  const Term system_flags_before = system_flags;
  Term selectors_before[6];
  std::copy(std::begin(selectors), std::end(selectors), selectors_before);
  bool flat_before[6];
  std::copy(std::begin(flat), std::end(flat), flat_before);
  const uint32_t time_stamps_before = time_stamps_;
  const Term entry = eip;
  const uint32_t instructions_before = instructions;
  const auto restore = [&] {
    std::copy(std::begin(registers_before.value), std::end(registers_before.value), registers_);
    flags = flags_before, memory = memory_before, data = data_before, eip = entry, instructions = instructions_before;
  };
  int64_t at;
  if (!memory.on_stack(get(x86::kEsp), &at)) violate("stack", "a stack pointer that is not known");
  const Term back = memory.stack.load(at, 4);

  const auto ways = engine::Explorer::current().all_ways<Way>([&] {
    restore();
    do {
      if (!here() || !in_pure_code(*here())) violate("refinement", "a function marked as pure leaves its section");
      advance();
    } while (eip != back);
    int64_t esp;
    if (!memory.on_stack(get(x86::kEsp), &esp) || esp != at + 4) violate("stack", "a function marked as pure moves ESP");
    // What it stored below the caller's frame is dead now, and it must not have stored elsewhere.
    if (!unchanged(memory.stack, memory_before.stack, esp) || !unchanged(data, data_before, INT64_MIN) ||
        memory.guest != memory_before.guest || memory.reads.size() != memory_before.reads.size() ||
        tables != tables_before || system_flags != system_flags_before || time_stamps_ != time_stamps_before ||
        !std::equal(std::begin(selectors), std::end(selectors), selectors_before) ||
        !std::equal(std::begin(flat), std::end(flat), flat_before))
      violate("write-footprint", "a function marked as pure has an effect");
    return Way{registers(), instructions, deepest_stack};
  });
  if (ways.empty()) throw engine::Infeasible{};
  restore();
  eip = back;
  for (uint32_t r = 0; r < 8; ++r) {
    Term merged = ways.back().second.registers.value[r];
    for (size_t i = ways.size() - 1; i-- > 0;)
      merged = smt::if_then_else(ways[i].first, ways[i].second.registers.value[r], merged);
    registers_[r] = merged;
  }
  for (const auto& [conditions, way] : ways) {
    instructions = std::max(instructions, way.instructions);
    deepest_stack = std::min(deepest_stack, way.deepest_stack);
  }
  flags = x86::Flags<Term>::stored({}, {}, {}, {}, {}, {});
  memory.stack.forget_below(at + 4);
}

void SymbolicMachine::step() {
  const uint32_t at = *here();
  const uint32_t rom = image_.address_of("vmi_rom");
  if (at - rom < image_.address_of("vmi_rom_end") - rom && !(at - rom >= slot_begin && at - rom < slot_end))
    violate("slot", "code outside the call's own slot");
  auto found = decoded_.find(at);
  if (found == decoded_.end()) {
    uint8_t bytes[15];
    size_t size = 0;
    while (size < sizeof bytes && image_.section_at(at + size)) bytes[size] = image_.byte(at + size), ++size;
    const auto instruction = x86::decode(bytes, size);
    if (!instruction) violate("allowed-instructions", "bytes that are no instruction");
    found = decoded_.emplace(at, *instruction).first;
  }
  current_ = &found->second;
  if (at - rom >= slot_begin && at - rom < slot_end && at - rom + current_->length() > slot_end)
    violate("slot", "an instruction that runs over the slot's end");
  if (++instructions > kInstructionLimit)
    throw engine::ExplorationError("more than " + std::to_string(kInstructionLimit) + " instructions on one path");
  target_.reset();
  try {
    if (!x86::execute(*this, *current_)) violate("allowed-instructions", "instruction " + current_->mnemonic_text());
    eip = target_ ? *target_ : next();
  } catch (const Fault&) {
    // The machine is at the trap wrapper already.
  }
}

Term SymbolicMachine::next() const { return smt::add(eip, word(current_->length())); }

Term SymbolicMachine::branch_target(const x86::Instruction& instruction) {
  const uint32_t displacement = uint32_t(instruction.operand(0).imm.value.u);
  const Term relative = smt::add(next(), word(displacement));
  const uint32_t rom = image_.address_of("vmi_rom");
  const uint32_t field = *here() + instruction.info.raw.imm[0].offset - rom;
  const auto& patchups = image_.patchups();
  // Init has made the displacement what it is as linked plus the distance from L to the linked table.
  if (std::find(patchups.begin(), patchups.end(), field) != patchups.end())
    return smt::add(relative, smt::subtract(word(rom), table_base));
  return relative;
}

Term SymbolicMachine::flags_image() {
  const auto bit = [&](Term flag, uint32_t at) {
    const Term value = flag.valid() ? smt::from_boolean(flag, 1) : unknown(1);
    return smt::shift_left(smt::zero_extend(value, 32), word(at));
  };
  Term image = system_flags;
  image = smt::bit_or(image, bit(flags.cf(), 0));
  image = smt::bit_or(image, bit(flags.pf(), 2));
  image = smt::bit_or(image, bit(flags.af(), 4));
  image = smt::bit_or(image, bit(flags.zf(), 6));
  image = smt::bit_or(image, bit(flags.sf(), 7));
  return smt::bit_or(image, bit(flags.of(), 11));
}

SymbolicMachine::Place SymbolicMachine::locate(Term address, uint32_t bytes, bool write) {
  Place place{PlaceKind::kGuest, 0, nullptr, {}};
  if (memory.on_stack(address, &place.at)) {
    place.kind = PlaceKind::kStack;
    return place;
  }
  const char* obligation = write ? "write-footprint" : "read-footprint";
  const smt::Linear sum = smt::as_linear(address);
  const bool known = sum.parts.empty();
  // A table is told by the constant part of the address, and the index is then proved to be within.
  if (const Table* table = find_table(uint32_t(sum.constant), known)) {
    const Term offset = smt::subtract(address, word(table->address));
    if (!engine::Explorer::current().implied(smt::less_equal(offset, word(table->size - bytes))))
      violate(obligation, "access beyond " + table->name);
    if (write && !table->writable) violate(obligation, "write to " + table->name + ", which the hypervisor guards");
    return {PlaceKind::kTable, 0, table, offset};
  }
  const uint32_t at = uint32_t(sum.constant);
  if (!known) {
    if (write || !constant_table(at, &place.at, &place.size)) return place;
    place.offset = smt::subtract(address, word(place.at));
    if (!engine::Explorer::current().implied(smt::less_equal(place.offset, word(place.size - bytes))))
      violate(obligation, "access beyond " + image_.describe(place.at));
    place.kind = PlaceKind::kConstantTable;
    return place;
  }
  const Section* section = image_.section_at(at);
  if (section && section->contains(at + bytes - 1)) {
    place.at = at;
    place.kind = section->writable ? PlaceKind::kData : PlaceKind::kConstant;
    if (!section->writable && write) violate(obligation, "write to the ROM's constants at " + hex(at));
    // Init reads the table as linked; nothing reads the rest of the code.
    if (section->executable && section->name != ".vmi_rom")
      violate(obligation, "data access to the ROM's code at " + hex(at));
  } else if (at > VMI_WEDGE - bytes) {
    violate(obligation, "access outside the image at " + hex(at));
  }
  return place;
}

// The table that an address lies in; where its index is not known, also one that it lies just below.
const SymbolicMachine::Table* SymbolicMachine::find_table(uint32_t address, bool known) const {
  for (const Table& table : table_places_)
    if (address - table.address < table.size) return &table;
  if (known) return nullptr;
  for (const Table& table : table_places_)
    if (table.address - address <= kStackAbove) return &table;
  return nullptr;
}

// The object of constants that an address lies in.
bool SymbolicMachine::constant_table(uint32_t address, int64_t* begin, uint32_t* size) const {
  const Section* section = image_.section_at(address);
  if (!section || section->writable || section->executable) return false;
  for (const auto& [name, symbol] : image_.symbols()) {
    if (address - symbol.address >= symbol.size) continue;
    *begin = symbol.address;
    *size = symbol.size;
    return true;
  }
  return false;
}

bool SymbolicMachine::is_guarded() const {
  const uint32_t at = *here();
  return std::any_of(image_.exceptions().begin(), image_.exceptions().end(),
                     [&](const ExceptionEntry& e) { return e.instruction == at; });
}

// Memory that is not the ROM's is reached by guarded instructions alone, below the wedge, and may fault.
void SymbolicMachine::guard(Term address, uint32_t bytes, bool write) {
  const char* obligation = write ? "write-footprint" : "read-footprint";
  if (!is_guarded()) violate(obligation, "unguarded access to guest memory");
  if (surroundings_.accessible(address, bytes, write)) return;
  if (!engine::Explorer::current().implied(smt::less_equal(address, word(VMI_WEDGE - bytes))))
    violate(obligation, "access to guest memory that may reach the wedge");
  const Term first = smt::shift_right(address, word(12));
  const Term last = smt::shift_right(smt::add(address, word(bytes - 1)), word(12));
  const Term needed = word(write ? 3 : 1);
  const auto allows = [&](Term page) {
    return smt::equal(smt::bit_and(memory.access(SymbolicWord(page)).term(), needed), needed);
  };
  const Term first_allows = allows(first);
  if (decide(smt::logical_and(first_allows, smt::logical_or(smt::equal(first, last), allows(last))))) return;
  const Term page = smt::if_then_else(first_allows, last, first);
  const Term present = smt::bit_and(memory.access(SymbolicWord(page)).term(), word(1));
  raise_fault(X86_TRAP_PF, smt::bit_or(present, word(write ? X86_PF_WRITE : 0)),
              smt::if_then_else(first_allows, smt::shift_left(last, word(12)), address));
}

// What the hypervisor does with a fault at ring 1: a frame on the current stack, and on at the trap wrapper.
void SymbolicMachine::raise_fault(uint32_t vector, Term error_code, Term address) {
  if (vector == X86_TRAP_PF) data.store(image_.place("shared_info_page.vcpu_info[0].arch.cr2").address, address);
  const Term image = flags_image();
  Term esp = get(x86::kEsp);
  const auto push = [&](Term value) {
    esp = smt::subtract(esp, word(4));
    set(x86::kEsp, esp);
    store(x86::kSs, esp, value);
  };
  push(image);
  // The upper half of the CS dword is the hypervisor's.
  push(smt::concat({unknown(16), selectors[x86::kCs]}));
  push(eip);
  push(error_code);
  system_flags = smt::bit_and(system_flags, word(~uint32_t{X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF}));
  eip = word(image_.address_of("trap_wrappers") + vector * VMI_TRAP_WRAPPER_BYTES);
  throw Fault{};
}

Term SymbolicMachine::load(x86::SegmentRegister s, Term address, uint32_t bytes, bool will_write) {
  if (!flat[s]) violate("read-footprint", "read through a segment that need not be flat data");
  const Place place = locate(address, bytes, false);
  switch (place.kind) {
    case PlaceKind::kStack:
      for (uint32_t i = 0; i < bytes; ++i) {
        const int64_t at = place.at + i;
        if (memory.stack.written(at)) continue;
        if (at < 0) violate("read-footprint", "read of stack below the entry's ESP that was not written");
        caller_stack_read.insert(at);
      }
      return memory.stack.load(place.at, bytes);
    case PlaceKind::kConstant: {
      std::vector<Term> parts;
      for (uint32_t i = bytes; i-- > 0;) parts.push_back(smt::constant(image_.byte(place.at + i), 8));
      return smt::concat(parts);
    }
    case PlaceKind::kConstantTable: {
      // Choices over the index, one for each run of equal elements.
      if (bytes != 1) unsupported("a table of constants wider than bytes");
      Term value = smt::constant(image_.byte(place.at + place.size - 1), 8);
      for (uint32_t i = place.size - 1; i-- > 0;) {
        const uint8_t byte = image_.byte(place.at + i);
        if (byte != image_.byte(place.at + i + 1))
          value = smt::if_then_else(smt::less_equal(place.offset, word(i)), smt::constant(byte, 8), value);
      }
      return value;
    }
    case PlaceKind::kData:
      for (uint32_t i = 0; i < bytes; ++i) data_read.insert(place.at + i);
      return data.load(place.at, bytes);
    case PlaceKind::kTable: return load_bytes(tables[place.table->name], place.offset, bytes);
    case PlaceKind::kGuest: break;
  }
  guard(address, bytes, will_write);
  return memory.load_term(address, bytes);
}

void SymbolicMachine::store(x86::SegmentRegister s, Term address, Term value) {
  if (!flat[s]) violate("write-footprint", "write through a segment that need not be flat data that can be written");
  const uint32_t bytes = value.width() / 8;
  const Place place = locate(address, bytes, true);
  switch (place.kind) {
    case PlaceKind::kStack:
      deepest_stack = std::min(deepest_stack, place.at);
      if (place.at < -int64_t{kStackBelow}) violate("stack", "more than " + std::to_string(kStackBelow) + " bytes of stack");
      return memory.stack.store(place.at, value);
    case PlaceKind::kData: return data.store(place.at, value);
    case PlaceKind::kTable:
      written_tables.insert(place.table->name);
      tables[place.table->name] = store_bytes(tables[place.table->name], place.offset, value);
      return;
    case PlaceKind::kConstant:
    case PlaceKind::kConstantTable: return;  // locate has refused it
    case PlaceKind::kGuest: break;
  }
  guard(address, bytes, true);
  memory.store_term(address, value);
}

Term SymbolicMachine::image_load(uint32_t address, uint32_t bytes) const {
  return const_cast<x86::Cells&>(data).load(address, bytes);
}

void SymbolicMachine::load_selector(x86::SegmentRegister s, Term selector) {
  if (!decide(surroundings_.loads(*this, s, selector))) {
    if (!is_guarded()) violate("refinement", "load of a selector that may fault");
    // #NP where the descriptor is there and only its segment is not; the ROM has to cope with either.
    const bool absent = decide(smt::equal(engine::Explorer::current().fresh("absent", 1), smt::constant(1, 1)));
    raise_fault(absent ? X86_TRAP_NP : X86_TRAP_GP, smt::zero_extend(smt::bit_and(selector, smt::constant(0xfffc, 16)), 32),
                word(0));
  }
  selectors[s] = selector;
  flat[s] = engine::Explorer::current().implied(surroundings_.is_flat(*this, s, selector));
}

void SymbolicMachine::far_jump(Term cs, Term target) {
  auto& explorer = engine::Explorer::current();
  if (cs != selectors[x86::kCs] && !(explorer.implied(surroundings_.loads(*this, x86::kCs, cs)) &&
                                     explorer.implied(surroundings_.is_flat(*this, x86::kCs, cs))))
    violate("refinement", "far transfer to a code segment that may not load");
  selectors[x86::kCs] = cs;
  target_ = target;
}

void SymbolicMachine::interrupt_return(Term cs, Term target) {
  auto& explorer = engine::Explorer::current();
  // Out of the ROM the segment need not be flat.
  if (cs != selectors[x86::kCs] && !explorer.implied(surroundings_.loads(*this, x86::kCs, cs)))
    violate("refinement", "IRET to a code segment that may not load");
  if (cs != selectors[x86::kCs] && code_address(target)) violate("refinement", "IRET within the ROM changes CS");
  selectors[x86::kCs] = cs;
  target_ = target;
}

Term SymbolicMachine::product(Term a, Term b, bool is_signed) {
  if (!a.is_constant() && !b.is_constant()) unsupported("multiplication of two unknowns");
  const auto wide = [&](Term t) { return is_signed ? smt::sign_extend(t, 64) : smt::zero_extend(t, 64); };
  return smt::multiply(wide(a), wide(b));
}

void SymbolicMachine::answer_hypercall(Term result, uint32_t arguments) {
  for (uint32_t i = 0; i < arguments; ++i)
    set(x86::kHypercallArguments[i], engine::Explorer::current().fresh("clobbered", 32));
  set(x86::kEax, result);
  const Term back = load(x86::kSs, get(x86::kEsp), 4, false);
  set(x86::kEsp, smt::add(get(x86::kEsp), word(4)));
  eip = back;
}

}  // namespace vmirom
