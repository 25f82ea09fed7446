#include <z3.h>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i]); std::string s(std::istreambuf_iterator<char>(in), {});
    auto now = [] { return std::chrono::steady_clock::now(); };
    auto ms = [](auto a, auto b) { return std::chrono::duration<double, std::milli>(b - a).count(); };
    auto t0 = now();
    Z3_config cfg = Z3_mk_config(); Z3_context c = Z3_mk_context(cfg);
    Z3_solver sv = Z3_mk_solver_for_logic(c, Z3_mk_string_symbol(c, "QF_ABV")); Z3_solver_inc_ref(c, sv);
    auto t1 = now();
    Z3_solver_from_string(c, sv, s.c_str());
    auto t2 = now();
    int r = Z3_solver_check(c, sv);
    auto t3 = now();
    Z3_solver_dec_ref(c, sv); Z3_del_context(c);
    auto t4 = now();
    printf("%s %zu bytes: ctx %.1f parse %.1f check %.1f (%d) del %.1f\n", argv[i], s.size(), ms(t0,t1), ms(t1,t2), ms(t2,t3), r, ms(t3,t4));
  }
}
