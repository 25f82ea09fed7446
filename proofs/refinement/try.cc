#include <chrono>
#include <cstdlib>
#include <cstdio>
#include "proofs/refinement/prover.h"
using namespace vmirom;
int main(int argc, char** argv) {
  const Image image = Image::load(argv[1]);
  auto t00 = std::chrono::steady_clock::now();
  for (const Entry& e : manifest()) {
    if (!provides(image, e)) continue;
    bool want = argc == 2;
    for (int i = 2; i < argc; ++i) want |= e.name == argv[i];
    if (!want) continue;
    auto t0 = std::chrono::steady_clock::now();
    std::function<void(const std::string&, uint32_t, const std::string&)> keep;
    if (getenv("KEEP")) keep = [&](const std::string& o, uint32_t n, const std::string& t) { FILE* f = fopen((std::string(getenv("KEEP")) + "/" + e.name + "." + o + "." + std::to_string(n) + ".smt2").c_str(), "w"); fwrite(t.data(), 1, t.size(), f); fclose(f); };
    EntryProof p = prove(image, e, {keep, {}});
    double dt = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
    fflush(stdout); printf("%-20s %5u paths %7.3f s  instr %lu stack %u\n", e.name.c_str(), p.paths, dt, p.worst_instructions, p.worst_stack_bytes);
    for (auto& o : p.obligations) if (o.verdict != engine::Verdict::kProved) printf("   %s %s: %s\n", o.name.c_str(), name_of(o.verdict), o.detail.c_str());
    if (p.witness && getenv("W")) { for (auto& [n, v] : p.witness->variables) printf("      %s=%lx", n.c_str(), v); printf("\n"); }
  }
  printf("total %.2f s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - t00).count());
}
