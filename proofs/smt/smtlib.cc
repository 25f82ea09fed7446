#include "proofs/smt/smtlib.h"

#include <map>
#include <sstream>
#include <unordered_map>

namespace vmirom::smt {
namespace {

std::string sort_of(uint32_t width) {
  if (width == kBoolean) return "Bool";
  if (width == kArray) return "(Array (_ BitVec 32) (_ BitVec 8))";
  return "(_ BitVec " + std::to_string(width) + ")";
}

std::string literal(uint64_t value, uint32_t width) {
  if (width == kBoolean) return value ? "true" : "false";
  return "(_ bv" + std::to_string(value) + " " + std::to_string(width) + ")";
}

const char* simple_operator(Op op) {
  switch (op) {
    case Op::kMultiply: return "bvmul";
    case Op::kDivide: return "bvudiv";
    case Op::kRemainder: return "bvurem";
    case Op::kAnd: return "bvand";
    case Op::kOr: return "bvor";
    case Op::kXor: return "bvxor";
    case Op::kNot: return "bvnot";
    case Op::kShiftLeft: return "bvshl";
    case Op::kShiftRight: return "bvlshr";
    case Op::kShiftRightArithmetic: return "bvashr";
    case Op::kIf: return "ite";
    case Op::kBoolNot: return "not";
    case Op::kBoolAnd: return "and";
    case Op::kBoolOr: return "or";
    case Op::kEqual: return "=";
    case Op::kLessEqual: return "bvule";
    case Op::kSignedLessEqual: return "bvsle";
    case Op::kSelect: return "select";
    case Op::kStore: return "store";
    default: return nullptr;
  }
}

// One assertion: shared terms are named by nested lets, which solvers read many times faster than chains of define-fun.
class Writer {
 public:
  std::string write(const std::vector<Term>& assertions, const std::string& comment) {
    for (Term a : assertions) count(a);
    std::string all;
    for (Term a : assertions) all += "\n  " + name(a);
    std::ostringstream text;
    std::istringstream lines(comment);
    for (std::string line; std::getline(lines, line);) text << "; " << line << "\n";
    text << "(set-logic " << (functions_.empty() ? "QF_ABV" : "QF_AUFBV") << ")\n" << declarations_.str();
    text << "(assert\n" << lets_.str() << "(and true" << all << ")" << std::string(lets_count_, ')') << ")\n";
    return text.str();
  }

 private:
  void count(Term a) {
    if (++uses_[a.node()] > 1) return;
    for (Term part : a->arguments) count(part);
  }

  // Text that stands for a term, after declaring or naming what needs it.
  std::string name(Term a) {
    if (a.is_constant()) return literal(a.value(), a.width());
    const auto found = names_.find(a.node());
    if (found != names_.end()) return found->second;
    std::string text;
    if (a->op == Op::kVariable) {
      text = "|" + *a->name + "|";
      declarations_ << "(declare-fun " << text << " () " << sort_of(a.width()) << ")\n";
    } else {
      text = define(a);
      if (uses_[a.node()] == 1) return text;
      const std::string label = "t" + std::to_string(lets_count_++);
      lets_ << "(let ((" << label << " " << text << "))\n";
      text = label;
    }
    names_[a.node()] = text;
    return text;
  }

  std::string define(Term a) {
    std::vector<std::string> args;
    for (Term t : a->arguments) args.push_back(name(t));
    if (const char* op = simple_operator(a->op)) return "(" + std::string(op) + joined(args) + ")";
    switch (a->op) {
      case Op::kApply: return "(" + function(a) + joined(args) + ")";
      case Op::kLinear: return sum(a, args);
      case Op::kConcat: {
        std::string text = args.back();
        for (size_t i = args.size() - 1; i-- > 0;) text = "(concat " + args[i] + " " + text + ")";
        return text;
      }
      case Op::kExtract:
        return "((_ extract " + std::to_string(a->value + a.width() - 1) + " " + std::to_string(a->value) + ")" +
               joined(args) + ")";
      case Op::kSignExtend:
        return "((_ sign_extend " + std::to_string(a.width() - a->arguments[0].width()) + ")" + joined(args) + ")";
      default: return {};
    }
  }

  std::string sum(Term a, const std::vector<std::string>& args) {
    std::string text = literal(a->value, a.width());
    for (size_t i = 0; i < args.size(); ++i) {
      const uint64_t c = a->coefficients[i];
      if (c == mask(a.width())) {
        text = "(bvsub " + text + " " + args[i] + ")";
      } else if (c == 1) {
        text = "(bvadd " + text + " " + args[i] + ")";
      } else {
        text = "(bvadd " + text + " (bvmul " + literal(c, a.width()) + " " + args[i] + "))";
      }
    }
    return text;
  }

  std::string function(Term a) {
    const std::string label = "|" + *a->name + "|";
    if (functions_[label]++ == 0) {
      declarations_ << "(declare-fun " << label << " (";
      for (size_t i = 0; i < a->arguments.size(); ++i) declarations_ << (i ? " " : "") << sort_of(a->arguments[i].width());
      declarations_ << ") " << sort_of(a.width()) << ")\n";
    }
    return label;
  }

  static std::string joined(const std::vector<std::string>& args) {
    std::string text;
    for (const std::string& arg : args) text += " " + arg;
    return text;
  }

  std::ostringstream declarations_, lets_;
  std::unordered_map<const Node*, uint32_t> uses_;
  std::unordered_map<const Node*, std::string> names_;
  std::map<std::string, int> functions_;
  uint32_t lets_count_ = 0;
};

}  // namespace

std::string to_smtlib(const std::vector<Term>& assertions, const std::string& comment) {
  return Writer().write(assertions, comment);
}

}  // namespace vmirom::smt
