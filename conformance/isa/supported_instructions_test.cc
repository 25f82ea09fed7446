// Whatever the semantics accept, in the image or not, does on this processor what they say: all opcodes of the one- and
// two-byte maps, all ModRM bytes, the prefixes that change an instruction's meaning.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "conformance/isa/differential.h"
#include "conformance/isa/forms.h"

namespace vmirom::isa {
namespace {

constexpr uint32_t kReports = 3;

// What the semantics know. Longer or shorter than what the test finds, this list is wrong.
const std::set<std::string> kMnemonics = {
    "adc",    "add",    "and",    "bsf",    "bsr",    "bswap",   "bt",     "btr",     "bts",    "call",   "cdq",
    "cmovb",  "cmovbe", "cmovl",  "cmovle", "cmovnb", "cmovnbe", "cmovnl", "cmovnle", "cmovno", "cmovnp", "cmovns",
    "cmovnz", "cmovo",  "cmovp",  "cmovs",  "cmovz",  "cmp",     "cwde",   "dec",     "div",    "imul",   "inc",
    "iretd",  "jb",     "jbe",    "jl",     "jle",    "jmp",     "jnb",    "jnbe",    "jnl",    "jnle",   "jno",
    "jnp",    "jns",    "jnz",    "jo",     "jp",     "js",      "jz",     "lea",     "leave",  "mov",    "movsx",
    "movzx",  "mul",    "neg",    "nop",    "not",    "or",      "pause",  "pop",     "popfd",  "push",   "pushfd",
    "rdtsc",  "ret",    "rol",    "ror",    "sar",    "sbb",     "setb",   "setbe",   "setl",   "setle",  "setnb",
    "setnbe", "setnl",  "setnle", "setno",  "setnp",  "setns",   "setnz",  "seto",    "setp",   "sets",   "setz",
    "shl",    "shld",   "shr",    "shrd",   "sub",    "test",    "tzcnt",  "xchg",    "xor"};

struct Tally {
  std::map<std::string, uint64_t> compared;  // by mnemonic
  std::set<std::string> forms;
  uint64_t encodings = 0, cases = 0;
  uint32_t reports = 0;
};

// An absolute address is made one in the arena.
void prepare(const x86::Instruction& in, Bytes& bytes, uint32_t random) {
  for (uint32_t i = 0; i < in.info.operand_count_visible; ++i) {
    const ZydisDecodedOperand& op = in.operand(i);
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || in.info.raw.disp.size != 32) continue;
    if (op.mem.base != ZYDIS_REGISTER_NONE || op.mem.index != ZYDIS_REGISTER_NONE) continue;
    const uint32_t at = ISA_ARENA + 0x800 + random % 0x1000;
    std::memcpy(&bytes[in.info.raw.disp.offset], &at, 4);
  }
}

// Tries the encoding that the bytes begin, ended at random. False after too many differences.
bool run(Differential& differential, const Bytes& start, std::mt19937& rng, uint32_t cases, Tally& tally) {
  Bytes bytes = start;
  while (bytes.size() < ZYDIS_MAX_INSTRUCTION_LENGTH) bytes.push_back(uint8_t(rng()));
  const auto in = x86::decode(bytes.data(), bytes.size());
  if (!in) return true;
  bytes.resize(in->length());
  prepare(*in, bytes, rng());
  ++tally.encodings;
  for (uint32_t i = 0; i < cases; ++i) {
    switch (differential.run(bytes)) {
      case Outcome::kUnknown: return true;
      case Outcome::kAgrees:
        ++tally.compared[in->mnemonic_text()];
        ++tally.cases;
        if (!i) tally.forms.insert(form_of(*in));
        break;
      case Outcome::kDiffers:
        ADD_FAILURE() << differential.report();
        if (++tally.reports == kReports) return false;
        break;
      default: break;
    }
  }
  return true;
}

// An opcode that the decoder refuses may have a ModRM byte that it likes.
bool may_have_modrm(Bytes bytes) {
  bytes.insert(bytes.end(), ZYDIS_MAX_INSTRUCTION_LENGTH - bytes.size(), 0);
  const auto in = x86::decode(bytes.data(), bytes.size());
  return !in || in->has_prefix(ZYDIS_ATTRIB_HAS_MODRM);
}

bool is_prefix(uint32_t byte) {
  return (byte & 0xe7) == 0x26 || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 || byte == 0xf2 || byte == 0xf3;
}

TEST(SupportedInstructions, each_agrees_with_the_processor) {
  const std::vector<Bytes> kPrefixes = {{},     {0x66}, {0xf3}, {0xf2},       {0xf0},       {0x67},       {0x26},
                                        {0x2e}, {0x36}, {0x3e}, {0x66, 0xf0}, {0x66, 0xf3}, {0x66, 0x67}, {0xf3, 0xf0}};
  Differential differential(20240602);
  std::mt19937 rng(20240603);
  Tally tally;
  for (const Bytes& prefixes : kPrefixes) {
    for (bool two_bytes : {false, true}) {
      for (uint32_t opcode = 0; opcode < 256; ++opcode) {
        if (!two_bytes && (opcode == 0x0f || is_prefix(opcode))) continue;
        Bytes start = prefixes;
        if (two_bytes) start.push_back(0x0f);
        start.push_back(uint8_t(opcode));
        const uint32_t cases = prefixes.empty() ? 16 : 4;
        if (!may_have_modrm(start)) {
          for (uint32_t i = 0; i < 64; ++i)
            if (!run(differential, start, rng, cases, tally)) FAIL() << "and no further";
          continue;
        }
        for (uint32_t modrm = 0; modrm < 256; ++modrm) {
          Bytes bytes = start;
          bytes.push_back(uint8_t(modrm));
          if (!run(differential, bytes, rng, cases, tally)) FAIL() << "and no further";
        }
      }
    }
  }
  std::set<std::string> found;
  for (const auto& [mnemonic, cases] : tally.compared) {
    found.insert(mnemonic);
    EXPECT_GE(cases, 500u) << mnemonic;
  }
  EXPECT_EQ(found, kMnemonics);
  std::printf("%zu mnemonics, %zu forms, %llu encodings tried, %llu cases compared\n", found.size(), tally.forms.size(),
              (unsigned long long)tally.encodings, (unsigned long long)tally.cases);
}

// The other opcode maps, VEX and EVEX, prefixes in any order: nothing there passes for an instruction that the semantics
// know but are it.
TEST(SupportedInstructions, arbitrary_bytes_that_the_semantics_accept_agree_with_the_processor) {
  Differential differential(20240607);
  std::mt19937 rng(20240608);
  Tally tally;
  constexpr uint8_t kBeginnings[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x0f, 0xc4, 0xc5, 0x62, 0x8f};
  for (uint32_t i = 0; i < 400'000; ++i) {
    Bytes bytes;
    for (uint32_t n = rng() % 4; n; --n) bytes.push_back(kBeginnings[rng() % std::size(kBeginnings)]);
    if (i & 1) bytes.insert(bytes.end(), {0x0f, uint8_t(rng() & 1 ? 0x38 : 0x3a)});
    if (!run(differential, bytes, rng, 2, tally)) FAIL() << "and no further";
  }
  EXPECT_GT(tally.cases, 10'000u);
  std::printf("%llu encodings tried, %llu cases compared\n", (unsigned long long)tally.encodings,
              (unsigned long long)tally.cases);
}

}  // namespace
}  // namespace vmirom::isa
