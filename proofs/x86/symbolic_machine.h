// The ROM's machine code run over all states at once: registers, flags and memory are terms, the code is the image's bytes.
//
// The call table runs at an unknown address L, as in a guest's copy with its patch-ups applied; the body runs where it is
// linked. Memory of the image is known place by place, its large tables are arrays, guest memory is SymbolicMemory.
#ifndef VMIROM_PROOFS_X86_SYMBOLIC_MACHINE_H_
#define VMIROM_PROOFS_X86_SYMBOLIC_MACHINE_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "proofs/x86/cells.h"
#include "proofs/x86/machine.h"
#include "proofs/x86/symbolic_memory.h"
#include "rom/image/image.h"

namespace vmirom {

// The code does what it must not. obligation names the obligation that is refuted on this path.
struct Violation {
  std::string obligation;
  std::string what;
};

// What the machine has to know about its surroundings.
class SymbolicMachine;
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // Whether a segment register loads a selector now, and whether the segment is then flat.
  virtual smt::Term loads(const SymbolicMachine& m, x86::SegmentRegister s, smt::Term selector) = 0;
  virtual smt::Term is_flat(const SymbolicMachine& m, x86::SegmentRegister s, smt::Term selector) = 0;
  // Whether the path has already found all of a range of guest memory accessible.
  virtual bool accessible(smt::Term address, uint32_t bytes, bool write) = 0;
  // The n-th reading of the time-stamp counter, 64 bits.
  virtual smt::Term time_stamp(uint32_t n) = 0;
};

class SymbolicMachine {
 public:
  using Value = smt::Term;

  enum class Stop {
    kLeft,       // control has left the ROM
    kHypercall,  // at an entry of the hypercall page
    kLoopHead,   // at a marked head of a loop
    kPart,       // at the start of a part that is proved on its own
  };

  // initial gives the contents at entry of an aligned dword of writable image memory.
  SymbolicMachine(const Image& image, Surroundings& surroundings, smt::Term table_base, smt::Term esp0,
                  x86::Cells::Initial initial);

  // Runs until something happens that is not the machine's affair. Throws Violation.
  Stop run();

  // Where run() stopped.
  uint32_t hypercall_number() const { return hypercall_number_; }
  const LoopHead& loop_head() const { return *loop_head_; }
  uint32_t part() const { return part_; }  // address

  // Completes a hypercall: result in EAX, as many argument registers lost, back to its caller.
  void answer_hypercall(smt::Term result, uint32_t arguments);

  // A dword or less of image memory, at a known address.
  smt::Term image_load(uint32_t address, uint32_t bytes) const;

  // For x86::execute.
  smt::Term get(x86::Register r) const { return registers_[r]; }
  void set(x86::Register r, smt::Term value) { registers_[r] = value; }
  smt::Term flags_image();
  smt::Term load(x86::SegmentRegister s, smt::Term address, uint32_t bytes, bool will_write);
  void store(x86::SegmentRegister s, smt::Term address, smt::Term value);
  smt::Term selector(x86::SegmentRegister s) const { return selectors[s]; }
  void load_selector(x86::SegmentRegister s, smt::Term selector);
  bool decide(smt::Term condition) { return engine::Explorer::current().decide(condition); }
  smt::Term next() const;
  smt::Term branch_target(const x86::Instruction& instruction);
  void jump(smt::Term target) { target_ = target; }
  void far_jump(smt::Term cs, smt::Term eip);
  void interrupt_return(smt::Term cs, smt::Term eip);
  smt::Term time_stamp() { return surroundings_.time_stamp(time_stamps_++); }
  smt::Term product(smt::Term a, smt::Term b, bool is_signed);
  smt::Term unknown(uint32_t width) { return engine::Explorer::current().fresh("unknown" + std::to_string(width), width); }
  [[noreturn]] void unsupported(const std::string& what);

  x86::Flags<smt::Term> flags;
  smt::Term system_flags;
  smt::Term selectors[6];  // 16 bits
  bool flat[6] = {};       // may be used to address data
  smt::Term eip;

  SymbolicMemory memory;
  x86::Cells data;                          // writable image memory, by address
  std::map<std::string, smt::Term> tables;  // large tables of the image, arrays of bytes by offset
  std::set<std::string> written_tables;

  uint32_t instructions = 0;
  int64_t deepest_stack = 0;  // lowest offset from esp0 written to
  // Stack offsets at or above the entry's ESP that were read.
  std::set<int64_t> caller_stack_read;
  std::set<int64_t> data_read;  // addresses of bytes of the image's variables
  const smt::Term table_base;
  uint32_t slot_begin = 0, slot_end = 0;  // code in the table must stay within these offsets
  std::set<uint32_t> parts;               // addresses at which the run stops

 private:
  struct Table {
    std::string name;
    uint32_t address;
    uint32_t size;
    bool writable;
  };
  enum class PlaceKind { kStack, kConstant, kConstantTable, kData, kTable, kGuest };
  struct Place {
    PlaceKind kind;
    int64_t at = 0;  // stack offset or image address
    const Table* table = nullptr;
    smt::Term offset;   // into the table
    uint32_t size = 0;  // of a table of constants
  };
  struct Fault {};  // thrown out of an instruction that faults at a guarded access

  Place locate(smt::Term address, uint32_t bytes, bool write);
  // Runs a function that has no effect but its result in EAX: all ways through it become one.
  void call_pure();
  const Table* find_table(uint32_t address, bool known) const;
  bool constant_table(uint32_t address, int64_t* begin, uint32_t* size) const;
  void guard(smt::Term address, uint32_t bytes, bool write);
  void raise_fault(uint32_t vector, smt::Term error_code, smt::Term address);
  bool is_guarded() const;
  void step();
  // A step, and all of a call to a pure function when it is one.
  void advance();
  // Offset into the table, or address in the body, of an instruction pointer; none when it is in neither.
  std::optional<uint32_t> code_address(smt::Term a) const;
  bool in_pure_code(uint32_t address) const;
  std::optional<uint32_t> here() const { return code_address(eip); }
  std::string place_text() const;
  [[noreturn]] void violate(const std::string& obligation, const std::string& what) const;

  const Image& image_;
  Surroundings& surroundings_;
  smt::Term registers_[8];
  std::vector<Table> table_places_;
  std::map<uint32_t, x86::Instruction> decoded_;
  const x86::Instruction* current_ = nullptr;
  std::optional<smt::Term> target_;
  uint32_t hypercall_number_ = 0;
  const LoopHead* loop_head_ = nullptr;
  uint32_t part_ = 0;
  bool resuming_ = false;
  uint32_t time_stamps_ = 0;
};

}  // namespace vmirom

#endif  // VMIROM_PROOFS_X86_SYMBOLIC_MACHINE_H_
