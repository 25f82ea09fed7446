#include "conformance/certify/certify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "conformance/certify/certificate.h"
#include "conformance/certify/input.h"
#include "conformance/certify/progress.h"
#include "conformance/certify/silicon.h"
#include "conformance/properties/check.h"
#include "conformance/properties/harness.h"

namespace vmirom::conformance {
namespace {

using engine::Verdict;

// Proofs that run at the same time; each holds some hundred megabytes.
constexpr unsigned kMostThreads = 8;

// Sequences for each case of a single call: a sequence is some dozens of calls.
constexpr uint32_t kCasesPerSequence = 20;

struct Job {
  EntryReport report;
  EntryProof proof;
};

class Certify {
 public:
  explicit Certify(const CertifyOptions& options) : options_(options), image_(load_rom(options.rom)) {}

  int run() {
    report_.abi = fmt::format("{}.{}", VMI_API_MAJOR, VMI_API_MINOR);
    report_.target = "xen";
    report_.seed = options_.seed;
    choose();
    prepare_folder();
    // An engine that this machine does not have is told before the proofs, not after them.
    for (EngineKind kind : engines()) Harness(image_, kind);
    prove();
    test();
    const std::string path = options_.out + "/certificate.json";
    for (Job& job : jobs_) report_.entries.push_back(job.report);
    write_file(path, certificate_text(image_, report_));
    summarise(path);
    return exit_status(report_.conclusion());
  }

 private:
  void choose() {
    std::set<std::string> wanted(options_.calls.begin(), options_.calls.end());
    for (const std::string& name : wanted)
      if (!find_call(name)) throw BadInput(unknown_call(name));
    for (const Entry& entry : manifest()) {
      if (entry.call && !wanted.empty() && !wanted.count(entry.name)) continue;
      const bool provided = provides(image_, entry);
      if (entry.call && !provided) report_.missing.push_back(entry.name);
      jobs_.push_back({{entry, {}, {}, 0, 0}, {}});
      if (provided) continue;
      for (const std::string& name : entry_obligations()) {
        engine::Obligation missing;
        missing.name = name;
        jobs_.back().report.obligations.push_back(missing);
      }
    }
  }

  void prepare_folder() {
    std::error_code error;
    std::filesystem::create_directories(options_.out, error);
    if (error)
      throw BadInput(options_.out + ": cannot be made a folder: " + error.message() + "; choose another with --out");
    // Better now than after the proofs.
    write_file(options_.out + "/.writable", "");
    std::filesystem::remove(options_.out + "/.writable", error);
    std::filesystem::remove(options_.out + "/certificate.json", error);
    if (options_.smtlib) std::filesystem::remove_all(options_.out + "/smtlib", error);
  }

  auto keep_scripts(const std::string& owner) {
    std::function<void(const std::string&, uint32_t, const std::string&)> keep;
    if (!options_.smtlib) return keep;
    const std::string folder = options_.out + "/smtlib/" + owner;
    std::filesystem::create_directories(folder);
    keep = [folder](const std::string& obligation, uint32_t number, const std::string& script) {
      std::ofstream file(fmt::format("{}/{}.{}.smt2", folder, obligation, number));
      file << script << "(check-sat)\n";
      if (!file.flush()) throw std::runtime_error(folder + ": a script cannot be written; choose another folder with --out");
    };
    return keep;
  }

  void prove() {
    // The longest first, so that no thread is left with one at the end.
    constexpr const char* kLong[] = {"SetLDT", "SetGDT", "Init", "enter_handler", "SetIDT", "deliver"};
    std::vector<Job*> order;
    for (const char* name : kLong)
      for (Job& job : jobs_)
        if (job.report.entry.name == name && job.report.obligations.empty()) order.push_back(&job);
    for (Job& job : jobs_)
      if (job.report.obligations.empty() && std::find(order.begin(), order.end(), &job) == order.end())
        order.push_back(&job);

    Progress progress("proving", uint32_t(order.size() + 1));
    std::atomic<size_t> next{0};
    std::mutex failure_mutex;
    std::exception_ptr failure;
    const auto work = [&] {
      for (size_t i; (i = next++) < order.size() + 1;) {
        // The image as a whole is short enough for the second place.
        if (i == 1 || (i == 0 && order.empty())) {
          progress.begin("image");
          report_.image = prove_image(image_, keep_scripts("image"));
          progress.end("image");
          continue;
        }
        Job& job = *order[i < 1 ? i : i - 1];
        const Entry& entry = job.report.entry;
        progress.begin(entry.name);
        job.proof = vmirom::prove(image_, entry, {keep_scripts(entry.name), placeable_values(entry)});
        progress.end(entry.name);
      }
    };
    // What one thread cannot do, such as write a script, ends the command; the others take no more work.
    const auto guarded_work = [&] {
      try {
        work();
      } catch (...) {
        next = order.size() + 1;
        const std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
      }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads); ++i)
      threads.emplace_back(guarded_work);
    guarded_work();
    for (std::thread& t : threads) t.join();
    if (failure) std::rethrow_exception(failure);

    std::set<std::string> assumptions;
    for (Job* job : order) {
      job->report.obligations = job->proof.obligations;
      const auto [instructions, stack] = worst(job->proof);
      job->report.worst_instructions = instructions;
      job->report.worst_stack_bytes = stack;
      assumptions.insert(job->proof.assumptions.begin(), job->proof.assumptions.end());
    }
    report_.assumptions.assign(assumptions.begin(), assumptions.end());
  }

  // An entry that goes on in a part is as long as both, and as deep as the deeper: the part starts at the same ESP.
  std::pair<uint64_t, uint32_t> worst(const EntryProof& proof) const {
    uint64_t instructions = proof.worst_instructions;
    uint32_t stack = proof.worst_stack_bytes;
    for (const auto& [part, before] : proof.instructions_before) {
      for (const Job& job : jobs_) {
        if (job.report.entry.part != part) continue;
        const auto [more, deeper] = worst(job.proof);
        instructions = std::max(instructions, before + more);
        stack = std::max(stack, deeper);
      }
    }
    return {instructions, stack};
  }

  std::vector<EngineKind> engines() const {
    std::vector<EngineKind> kinds;
    for (EngineKind kind : {EngineKind::kProcessor, EngineKind::kUnicorn})
      if (options_.engine == "both" || options_.engine == name_of(kind)) kinds.push_back(kind);
    return kinds;
  }

  void test() {
    std::vector<Call> calls;
    for (const Job& job : jobs_)
      if (job.report.entry.call && provides(image_, job.report.entry)) calls.push_back(*job.report.entry.call);
    for (EngineKind kind : engines()) {
      Harness harness(image_, kind);
      Progress progress(fmt::format("testing on {},", name_of(kind)), uint32_t(calls.size() + 1));
      for (Job& job : jobs_) {
        const Entry& entry = job.report.entry;
        if (!entry.call || std::find(calls.begin(), calls.end(), *entry.call) == calls.end()) continue;
        progress.begin(entry.name);
        const CheckResult result = check_call(harness, *entry.call, options_.cases, options_.seed);
        progress.end(entry.name);
        job.report.tests.push_back({name_of(kind), result.cases, result.failures});
        note_failure(entry.name, kind, result);
      }
      // Before Init there is nothing to make a sequence of.
      if (std::find(calls.begin(), calls.end(), Call::Init) == calls.end()) continue;
      progress.begin("sequences");
      const CheckResult result =
          check_sequences(harness, calls, std::max(1u, options_.cases / kCasesPerSequence), options_.seed);
      progress.end("sequences");
      report_.sequences.push_back({name_of(kind), result.cases, result.failures});
      note_failure("a sequence of calls", kind, result);
    }
  }

  void note_failure(const std::string& name, EngineKind kind, const CheckResult& result) {
    if (!result.failures) return;
    std::string text = fmt::format("{} on {}, case {}:\n", name, name_of(kind), result.cases);
    size_t at = 0;
    while (at < result.text.size()) {
      const size_t end = std::min(result.text.find('\n', at), result.text.size());
      text += "    " + result.text.substr(at, end - at) + "\n";
      at = end + 1;
    }
    if (!result.replay.empty())
      text += fmt::format("    replay: ./vmirom replay --engine {}{} '{}'\n", name_of(kind), rom_argument(), result.replay);
    failures_.push_back(text);
  }

  std::string rom_argument() const { return " --rom " + options_.rom; }

  void summarise(const std::string& path) {
    uint32_t proved = 0, all = 0;
    uint64_t cases = 0;
    for (const EntryReport& e : report_.entries) {
      for (const auto& o : e.obligations) all += o.verdict != Verdict::kMissing, proved += o.verdict == Verdict::kProved;
      for (const TestRun& t : e.tests) cases += t.cases;
    }
    for (const ImageObligation& o : report_.image) ++all, proved += o.verdict == Verdict::kProved;

    for (const Job& job : jobs_) {
      for (const auto& o : job.report.obligations) {
        if (o.verdict == Verdict::kProved || o.verdict == Verdict::kMissing) continue;
        fmt::print("{} {}: {}: {}\n", engine::name_of(o.verdict), job.report.entry.name, o.name, o.detail);
        if (!job.proof.witness || job.proof.witness->obligation != o.name) continue;
        std::string why;
        const auto state = case_of(image_, job.report.entry, *job.proof.witness, why);
        if (!state) {
          fmt::print("    state: {}\n    silicon: not tried: {}\n", plain_text(*job.proof.witness), why);
          continue;
        }
        const std::string text = to_text(*state);
        fmt::print("    state: {}\n    {}\n    replay: ./vmirom replay --engine processor{} '{}'\n", text,
                   ask_processor(image_, *job.proof.witness, *state), rom_argument(), text);
      }
    }
    for (const ImageObligation& o : report_.image)
      if (o.verdict != Verdict::kProved) fmt::print("{} image: {}: {}\n", engine::name_of(o.verdict), o.name, o.detail);
    for (const std::string& failure : failures_) fmt::print("failed {}", failure);
    if (!report_.missing.empty()) {
      std::string names;
      for (const std::string& name : report_.missing) names += (names.empty() ? "" : " ") + name;
      fmt::print("missing {} calls: {}\n", report_.missing.size(), names);
    }
    uint64_t failed = failures_.size();
    fmt::print("{} of {} obligations proved; {} cases, {} failures; {}\n", proved, all, cases, failed, path);
    fmt::print("{}: {} for API {} on {}\n", image_.path(), name_of(report_.conclusion()), report_.abi, report_.target);
  }

  // A state that no case can hold.
  static std::string plain_text(const Witness& witness) {
    std::string text;
    for (const auto& [name, value] : witness.variables)
      if (value) text += fmt::format("{}{}={:x}", text.empty() ? "" : " ", name, value);
    for (const auto& [name, bytes] : witness.bytes)
      for (const auto& [at, byte] : bytes)
        if (byte) text += fmt::format(" {}[{:x}]={:x}", name, at, byte);
    return text;
  }

  const CertifyOptions& options_;
  const Image image_;
  Report report_;
  std::vector<Job> jobs_;
  std::vector<std::string> failures_;
};

}  // namespace

int certify(const CertifyOptions& options) { return Certify(options).run(); }

}  // namespace vmirom::conformance
