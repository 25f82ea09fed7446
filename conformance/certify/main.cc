// vmirom: the command line.
#include <fmt/format.h>
#include <sodium.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "conformance/certify/bench.h"
#include "conformance/certify/certify.h"
#include "conformance/certify/explain.h"
#include "conformance/certify/input.h"
#include "conformance/properties/check.h"

namespace {

using namespace vmirom;
using namespace vmirom::conformance;

constexpr int kBadInput = 2;

int replay_text(const std::string& rom, const std::string& engine, const std::string& text) {
  const Image image = load_rom(rom);
  std::vector<Case> cases;
  std::vector<std::string> differences;
  try {
    cases = cases_from(text);
    const EngineKind kind = engine == "unicorn" ? EngineKind::kUnicorn : EngineKind::kProcessor;
    Harness harness(image, kind, cases.front().pages);
    differences = replay(harness, cases);
  } catch (const std::invalid_argument& e) {
    throw BadInput(fmt::format("the state cannot be run: {}", e.what()));
  }
  for (const std::string& d : differences) fmt::print("{}\n", d);
  if (differences.empty()) fmt::print("the ROM does what the model says\n");
  return differences.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Proves and tests a VMI ROM.", "vmirom");
  app.require_subcommand(1);
  std::string rom, engine = "processor", call, text;
  CertifyOptions options;
  const auto with_rom = [&](CLI::App* command) { command->add_option("--rom", rom, "the ROM's ELF file")->required(); };

  CLI::App* certify_command = app.add_subcommand("certify", "prove and test the ROM's calls, write a certificate");
  with_rom(certify_command);
  certify_command->add_option("--out", options.out, "folder for certificate.json and scripts")->capture_default_str();
  certify_command->add_option("--calls", options.calls, "calls to certify; all by default")->delimiter(',');
  certify_command->add_option("--cases", options.cases, "test cases of each call on each engine")
      ->capture_default_str()
      ->check(CLI::Range(1u, 100'000'000u));
  certify_command->add_option("--seed", options.seed, "of the test cases")->capture_default_str();
  certify_command->add_option("--engine", options.engine, "that tests run on")
      ->capture_default_str()
      ->check(CLI::IsMember({"processor", "unicorn", "both"}));
  certify_command->add_flag("--smtlib", options.smtlib, "keep every claim as an SMT-LIB script");

  CLI::App* explain_command = app.add_subcommand("explain", "slot, bytes, disassembly, stack and contract of a call");
  with_rom(explain_command);
  explain_command->add_option("call", call)->required();

  CLI::App* bench_command = app.add_subcommand("bench", "what the hot calls cost on this processor");
  with_rom(bench_command);

  CLI::App* replay_command = app.add_subcommand("replay", "run one state, or a sequence, again");
  with_rom(replay_command);
  replay_command->add_option("--engine", engine)->capture_default_str()->check(CLI::IsMember({"processor", "unicorn"}));
  replay_command->add_option("state", text, "as a failure prints it")->required();

  try {
    app.parse(argc, argv);
    if (sodium_init() < 0) throw std::runtime_error("libsodium does not start; reinstall libsodium23");
    options.rom = rom;
    const int status = *certify_command   ? certify(options)
                       : *explain_command ? explain(rom, call)
                       : *bench_command   ? bench(rom)
                                          : replay_text(rom, engine, text);
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
      throw std::runtime_error("standard output cannot be written; what was to be said is lost: send it elsewhere");
    return status;
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "vmirom: {}; vmirom --help tells more\n", e.what());
    return kBadInput;
  } catch (const std::exception& e) {
    fmt::print(stderr, "vmirom: {}\n", e.what());
    return kBadInput;
  }
}
