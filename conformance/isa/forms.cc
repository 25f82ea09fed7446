#include "conformance/isa/forms.h"

namespace vmirom::isa {
namespace {

constexpr struct {
  ZydisMnemonic mnemonic;
  const char* reason;
} kNotRun[] = {
    {ZYDIS_MNEMONIC_INT, "a hypercall: what comes of it is the hypervisor's, and the machine stops before it"},
    {ZYDIS_MNEMONIC_INT3, "between functions; traps, and the semantics do not know it"},
    {ZYDIS_MNEMONIC_UD2, "faults always, and the semantics do not know it"},
};

std::string size_text(const char* kind, uint32_t bits) { return kind + std::to_string(bits); }

std::string operand_text(const x86::Instruction& in, uint32_t i) {
  const ZydisDecodedOperand& op = in.operand(i);
  switch (op.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      if (ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_SEGMENT) return ZydisRegisterGetString(op.reg.value);
      // Where the register is not encoded it is part of the form: a shift by CL, EAX of the short forms.
      if (op.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT || op.encoding == ZYDIS_OPERAND_ENCODING_NONE)
        return ZydisRegisterGetString(op.reg.value);
      return size_text("r", op.size) + (op.reg.value == ZYDIS_REGISTER_ESP ? "(esp)" : "");
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      return size_text(op.imm.is_relative ? "rel" : "imm",
                       in.info.raw.imm[op.encoding == ZYDIS_OPERAND_ENCODING_UIMM8 && in.info.raw.imm[1].size ? 1 : 0].size);
    case ZYDIS_OPERAND_TYPE_MEMORY: {
      std::string text = op.mem.type == ZYDIS_MEMOP_TYPE_AGEN ? "address" : size_text("m", op.size);
      std::string parts;
      const auto part = [&](const std::string& p) { parts += (parts.empty() ? "" : "+") + p; };
      if (op.mem.base != ZYDIS_REGISTER_NONE) part(op.mem.base == ZYDIS_REGISTER_ESP ? "esp" : "base");
      if (op.mem.index != ZYDIS_REGISTER_NONE) part("index*" + std::to_string(op.mem.scale));
      if (in.info.raw.disp.size) part(size_text("disp", in.info.raw.disp.size));
      if (in.has_prefix(ZYDIS_ATTRIB_HAS_SEGMENT)) text = ZydisRegisterGetString(op.mem.segment) + (":" + text);
      return text + "[" + parts + "]";
    }
    default: return "far pointer";
  }
}

}  // namespace

std::string form_of(const x86::Instruction& in) {
  std::string text;
  if (in.has_prefix(ZYDIS_ATTRIB_HAS_LOCK)) text += "lock ";
  if (in.has_prefix(ZYDIS_ATTRIB_HAS_REP)) text += "rep ";
  if (in.has_prefix(ZYDIS_ATTRIB_HAS_REPNE)) text += "repne ";
  text += in.mnemonic_text();
  if (in.info.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) text += " far";
  for (uint32_t i = 0; i < in.info.operand_count_visible; ++i) text += (i ? ", " : " ") + operand_text(in, i);
  return text;
}

const char* why_not_run(ZydisMnemonic mnemonic) {
  for (const auto& [m, reason] : kNotRun)
    if (m == mnemonic) return reason;
  return nullptr;
}

std::map<std::string, Form> forms_of(const Image& image) {
  std::map<std::string, Form> forms;
  const auto sweep = [&](uint32_t begin, uint32_t end) {
    for (uint32_t at = begin; at < end;) {
      std::vector<uint8_t> bytes;
      while (bytes.size() < ZYDIS_MAX_INSTRUCTION_LENGTH && at + bytes.size() < end)
        bytes.push_back(image.byte(at + uint32_t(bytes.size())));
      const auto in = x86::decode(bytes.data(), bytes.size());
      if (!in)
        throw BadImage(image.path() + ": no instruction at " + image.describe(at) + ": keep data out of code sections");
      bytes.resize(in->length());
      Form& form = forms[form_of(*in)];
      if (!form.instructions++) form.mnemonic = in->mnemonic(), form.place = image.describe(at);
      form.encodings.insert(bytes);
      at += in->length();
    }
  };
  for (const Section& s : image.sections())
    if (s.allocated && s.executable && s.name != ".vmi_rom") sweep(s.address, s.address + s.size);
  // Between the slots, and before and behind them, lie data.
  for (const auto& [name, symbol] : image.symbols())
    if (name.rfind("vmi.", 0) == 0) sweep(symbol.address, symbol.address + symbol.size);
  return forms;
}

}  // namespace vmirom::isa
