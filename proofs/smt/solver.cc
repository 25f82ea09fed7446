#include "proofs/smt/solver.h"

#include <z3.h>

#include <stdexcept>
#include <unordered_map>

namespace vmirom::smt {
namespace {

void throw_error(Z3_context context, Z3_error_code code) {
  throw std::runtime_error(std::string("Z3: ") + Z3_get_error_msg(context, code));
}

Z3_context new_context() {
  Z3_config config = Z3_mk_config();
  Z3_context context = Z3_mk_context(config);
  Z3_del_config(config);
  Z3_set_error_handler(context, nullptr);
  return context;
}

void check_error(Z3_context context) {
  if (const Z3_error_code code = Z3_get_error_code(context); code != Z3_OK) throw_error(context, code);
}

void set_limit(Z3_context context, Z3_solver solver, uint32_t resource_limit) {
  Z3_params params = Z3_mk_params(context);
  Z3_params_inc_ref(context, params);
  Z3_params_set_uint(context, params, Z3_mk_string_symbol(context, "rlimit"), resource_limit);
  Z3_params_set_uint(context, params, Z3_mk_string_symbol(context, "random_seed"), 1);
  Z3_solver_set_params(context, solver, params);
  Z3_params_dec_ref(context, params);
}

Answer answer_of(Z3_lbool result) {
  return result == Z3_L_TRUE ? Answer::kSatisfiable : result == Z3_L_FALSE ? Answer::kUnsatisfiable : Answer::kUnknown;
}

Z3_sort sort_of(Z3_context c, uint32_t width) {
  if (width == kBoolean) return Z3_mk_bool_sort(c);
  if (width == kArray) return Z3_mk_array_sort(c, Z3_mk_bv_sort(c, 32), Z3_mk_bv_sort(c, 8));
  return Z3_mk_bv_sort(c, width);
}

Z3_func_decl declare(Z3_context c, const std::string& name, const std::vector<uint32_t>& widths, uint32_t width) {
  std::vector<Z3_sort> domain;
  for (uint32_t w : widths) domain.push_back(sort_of(c, w));
  return Z3_mk_func_decl(c, Z3_mk_string_symbol(c, name.c_str()), domain.size(), domain.data(), sort_of(c, width));
}

// Terms as Z3 expressions of one context.
class Lowering {
 public:
  explicit Lowering(Z3_context context) : c_(context) {}

  Z3_ast lower(Term a) {
    const auto found = known_.find(a.node());
    if (found != known_.end()) return found->second;
    std::vector<Z3_ast> x;
    for (Term t : a->arguments) x.push_back(lower(t));
    const Z3_ast result = make(a, x);
    check_error(c_);
    Z3_inc_ref(c_, result);
    known_[a.node()] = result;
    return result;
  }

 private:
  Z3_ast number(uint64_t value, uint32_t width) { return Z3_mk_unsigned_int64(c_, value, sort_of(c_, width)); }

  Z3_ast make(Term a, std::vector<Z3_ast>& x) {
    switch (a->op) {
      case Op::kConstant:
        if (a.width() == kBoolean) return a.value() ? Z3_mk_true(c_) : Z3_mk_false(c_);
        return number(a.value(), a.width());
      case Op::kVariable: return Z3_mk_const(c_, Z3_mk_string_symbol(c_, a->name->c_str()), sort_of(c_, a.width()));
      case Op::kApply: {
        std::vector<uint32_t> widths;
        for (Term t : a->arguments) widths.push_back(t.width());
        return Z3_mk_app(c_, declare(c_, *a->name, widths, a.width()), x.size(), x.data());
      }
      case Op::kLinear: {
        Z3_ast sum = number(a->value, a.width());
        for (size_t i = 0; i < x.size(); ++i) {
          const uint64_t k = a->coefficients[i];
          if (k == mask(a.width())) {
            sum = Z3_mk_bvsub(c_, sum, x[i]);
          } else {
            sum = Z3_mk_bvadd(c_, sum, k == 1 ? x[i] : Z3_mk_bvmul(c_, number(k, a.width()), x[i]));
          }
        }
        return sum;
      }
      case Op::kMultiply: return Z3_mk_bvmul(c_, x[0], x[1]);
      case Op::kDivide: return Z3_mk_bvudiv(c_, x[0], x[1]);
      case Op::kRemainder: return Z3_mk_bvurem(c_, x[0], x[1]);
      case Op::kAnd: return Z3_mk_bvand(c_, x[0], x[1]);
      case Op::kOr: return Z3_mk_bvor(c_, x[0], x[1]);
      case Op::kXor: return Z3_mk_bvxor(c_, x[0], x[1]);
      case Op::kNot: return Z3_mk_bvnot(c_, x[0]);
      case Op::kShiftLeft: return Z3_mk_bvshl(c_, x[0], x[1]);
      case Op::kShiftRight: return Z3_mk_bvlshr(c_, x[0], x[1]);
      case Op::kShiftRightArithmetic: return Z3_mk_bvashr(c_, x[0], x[1]);
      case Op::kConcat: {
        Z3_ast whole = x.back();
        for (size_t i = x.size() - 1; i-- > 0;) whole = Z3_mk_concat(c_, x[i], whole);
        return whole;
      }
      case Op::kExtract: return Z3_mk_extract(c_, a->value + a.width() - 1, a->value, x[0]);
      case Op::kSignExtend: return Z3_mk_sign_ext(c_, a.width() - a->arguments[0].width(), x[0]);
      case Op::kIf: return Z3_mk_ite(c_, x[0], x[1], x[2]);
      case Op::kBoolNot: return Z3_mk_not(c_, x[0]);
      case Op::kBoolAnd: return Z3_mk_and(c_, 2, x.data());
      case Op::kBoolOr: return Z3_mk_or(c_, 2, x.data());
      case Op::kEqual: return Z3_mk_eq(c_, x[0], x[1]);
      case Op::kLessEqual: return Z3_mk_bvule(c_, x[0], x[1]);
      case Op::kSignedLessEqual: return Z3_mk_bvsle(c_, x[0], x[1]);
      case Op::kSelect: return Z3_mk_select(c_, x[0], x[1]);
      case Op::kStore: return Z3_mk_store(c_, x[0], x[1], x[2]);
    }
    return nullptr;
  }

  Z3_context c_;
  std::unordered_map<const Node*, Z3_ast> known_;
};

}  // namespace

struct PathSolver::State {
  Z3_context context = nullptr;
  Z3_solver solver = nullptr;
  std::unique_ptr<Lowering> lowering;
};

PathSolver::PathSolver(uint32_t resource_limit) : state_(std::make_unique<State>()) {
  state_->context = new_context();
  state_->solver = Z3_mk_solver_for_logic(state_->context, Z3_mk_string_symbol(state_->context, "QF_ABV"));
  Z3_solver_inc_ref(state_->context, state_->solver);
  set_limit(state_->context, state_->solver, resource_limit);
  state_->lowering = std::make_unique<Lowering>(state_->context);
}

PathSolver::~PathSolver() {
  Z3_solver_dec_ref(state_->context, state_->solver);
  Z3_del_context(state_->context);
}

void PathSolver::push() { Z3_solver_push(state_->context, state_->solver); }
void PathSolver::pop(uint32_t levels) { Z3_solver_pop(state_->context, state_->solver, levels); }

void PathSolver::assert_term(Term a) { Z3_solver_assert(state_->context, state_->solver, state_->lowering->lower(a)); }

Answer PathSolver::check(Term also) {
  const Z3_ast assumption = state_->lowering->lower(also);
  push();
  Z3_solver_assert(state_->context, state_->solver, assumption);
  const Z3_lbool result = Z3_solver_check(state_->context, state_->solver);
  pop(1);
  return answer_of(result);
}

struct Model::State {
  Z3_context context = nullptr;
  Z3_solver solver = nullptr;
  Z3_model model = nullptr;

  ~State() {
    if (model) Z3_model_dec_ref(context, model);
    if (solver) Z3_solver_dec_ref(context, solver);
    if (context) Z3_del_context(context);
  }

  uint64_t evaluate(Z3_ast a, uint32_t width) {
    Z3_ast value = nullptr;
    if (!Z3_model_eval(context, model, a, true, &value)) return 0;
    if (width == kBoolean) return Z3_get_bool_value(context, value) == Z3_L_TRUE;
    uint64_t number = 0;
    Z3_get_numeral_uint64(context, value, &number);
    return number;
  }
};

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;

uint64_t Model::variable(const std::string& name, uint32_t width) {
  const Z3_context c = state_->context;
  return state_->evaluate(Z3_mk_const(c, Z3_mk_string_symbol(c, name.c_str()), sort_of(c, width)), width);
}

uint64_t Model::apply(const std::string& function, const std::vector<uint64_t>& arguments, uint32_t width) {
  // Every uninterpreted function of the engine takes 32-bit words.
  const Z3_context c = state_->context;
  std::vector<Z3_ast> args;
  for (uint64_t v : arguments) args.push_back(Z3_mk_unsigned_int64(c, v, sort_of(c, 32)));
  const Z3_func_decl f = declare(c, function, std::vector<uint32_t>(arguments.size(), 32), width);
  return state_->evaluate(Z3_mk_app(c, f, args.size(), args.data()), width);
}

uint8_t Model::byte(const std::string& array, uint32_t index) {
  const Z3_context c = state_->context;
  const Z3_ast a = Z3_mk_const(c, Z3_mk_string_symbol(c, array.c_str()), sort_of(c, kArray));
  return state_->evaluate(Z3_mk_select(c, a, Z3_mk_unsigned_int64(c, index, sort_of(c, 32))), 8);
}

namespace {

// A solver of its own over the script, in a context of its own.
std::unique_ptr<Model::State> load(const std::string& script, bool simple, uint32_t resource_limit) {
  auto state = std::make_unique<Model::State>();
  const Z3_context c = state->context = new_context();
  state->solver = simple ? Z3_mk_simple_solver(c) : Z3_mk_solver_for_logic(c, Z3_mk_string_symbol(c, "QF_ABV"));
  Z3_solver_inc_ref(c, state->solver);
  set_limit(c, state->solver, resource_limit);
  Z3_solver_from_string(c, state->solver, script.c_str());
  check_error(c);
  return state;
}

}  // namespace

CheckResult check_script(const std::string& script, uint32_t resource_limit) {
  const std::unique_ptr<Model::State> state = load(script, false, resource_limit);
  const Z3_context c = state->context;
  CheckResult result;
  result.answer = answer_of(Z3_solver_check(c, state->solver));
  const Z3_stats stats = Z3_solver_get_statistics(c, state->solver);
  Z3_stats_inc_ref(c, stats);
  for (uint32_t i = 0; i < Z3_stats_size(c, stats); ++i) {
    if (std::string(Z3_stats_get_key(c, stats, i)) == "rlimit count")
      result.resources = Z3_stats_get_uint_value(c, stats, i);
  }
  Z3_stats_dec_ref(c, stats);
  return result;
}

// The tactics behind check_script can take forever to build a model through the arrays they have eliminated.
std::unique_ptr<Model> find_model(const std::string& script, uint32_t resource_limit) {
  std::unique_ptr<Model::State> state = load(script, true, resource_limit);
  if (Z3_solver_check(state->context, state->solver) != Z3_L_TRUE) return nullptr;
  state->model = Z3_solver_get_model(state->context, state->solver);
  Z3_model_inc_ref(state->context, state->model);
  return std::make_unique<Model>(std::move(state));
}

std::string solver_version() { return Z3_get_full_version(); }

}  // namespace vmirom::smt
