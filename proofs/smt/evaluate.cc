#include "proofs/smt/evaluate.h"

namespace vmirom::smt {
namespace {

int64_t as_signed(uint64_t value, uint32_t width) {
  const uint64_t sign = uint64_t{1} << (width - 1);
  return int64_t((value ^ sign) - sign);
}

}  // namespace

uint64_t Evaluator::value(Term a) {
  const auto found = known_.find(a.node());
  if (found != known_.end()) return found->second;
  uint64_t result = compute(a);
  if (a.width() != kBoolean) result &= mask(a.width());
  known_[a.node()] = result;
  return result;
}

uint8_t Evaluator::element(Term array, uint32_t index) {
  for (;;) {
    if (array->op == Op::kStore) {
      if (value(array->arguments[1]) == index) return value(array->arguments[2]);
      array = array->arguments[0];
    } else if (array->op == Op::kIf) {
      array = value(array->arguments[0]) ? array->arguments[1] : array->arguments[2];
    } else {
      return assignment_.byte(*array->name, index);
    }
  }
}

uint64_t Evaluator::compute(Term a) {
  const auto& args = a->arguments;
  const auto arg = [&](size_t i) { return value(args[i]); };
  const uint32_t w = a.width();
  switch (a->op) {
    case Op::kConstant: return a->value;
    case Op::kVariable: return assignment_.variable(*a->name, w);
    case Op::kApply: {
      std::vector<uint64_t> values;
      for (Term t : args) values.push_back(value(t));
      return assignment_.apply(*a->name, values, w);
    }
    case Op::kLinear: {
      uint64_t sum = a->value;
      for (size_t i = 0; i < args.size(); ++i) sum += a->coefficients[i] * arg(i);
      return sum;
    }
    case Op::kMultiply: return arg(0) * arg(1);
    case Op::kDivide: return arg(1) ? arg(0) / arg(1) : ~uint64_t{0};
    case Op::kRemainder: return arg(1) ? arg(0) % arg(1) : arg(0);
    case Op::kAnd: return arg(0) & arg(1);
    case Op::kOr: return arg(0) | arg(1);
    case Op::kXor: return arg(0) ^ arg(1);
    case Op::kNot: return ~arg(0);
    case Op::kShiftLeft: return arg(1) >= w ? 0 : arg(0) << arg(1);
    case Op::kShiftRight: return arg(1) >= w ? 0 : arg(0) >> arg(1);
    case Op::kShiftRightArithmetic: return as_signed(arg(0), w) >> std::min<uint64_t>(arg(1), w - 1);
    case Op::kConcat: {
      uint64_t whole = 0;
      for (size_t i = 0; i < args.size(); ++i) whole = whole << args[i].width() | arg(i);
      return whole;
    }
    case Op::kExtract: return arg(0) >> a->value;
    case Op::kSignExtend: return as_signed(arg(0), args[0].width());
    case Op::kIf: return arg(0) ? arg(1) : arg(2);
    case Op::kBoolNot: return !arg(0);
    case Op::kBoolAnd: return arg(0) && arg(1);
    case Op::kBoolOr: return arg(0) || arg(1);
    case Op::kEqual: return arg(0) == arg(1);
    case Op::kLessEqual: return arg(0) <= arg(1);
    case Op::kSignedLessEqual: return as_signed(arg(0), args[0].width()) <= as_signed(arg(1), args[0].width());
    case Op::kSelect: return element(args[0], arg(1));
    case Op::kStore: break;
  }
  return 0;
}

}  // namespace vmirom::smt
