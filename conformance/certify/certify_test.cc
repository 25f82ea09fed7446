// The main job as its users meet it: exit statuses, the certificate's shape, what is said of a broken ROM, bad input.
#include "conformance/certify/certify.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "conformance/certify/certificate.h"
#include "conformance/certify/explain.h"
#include "conformance/certify/input.h"
#include "conformance/certify/silicon.h"

namespace vmirom::conformance {
namespace {

constexpr const char* kShipped = "rom/vmi-xen.elf";

class CertifyTest : public testing::Test {
 protected:
  CertifyTest() {
    EXPECT_GE(sodium_init(), 0);
    std::filesystem::remove_all(out_);
  }

  CertifyOptions options(std::vector<std::string> calls) const {
    CertifyOptions o;
    o.rom = kShipped;
    o.out = out_;
    o.calls = std::move(calls);
    o.cases = 200;
    return o;
  }

  int run(const CertifyOptions& o) {
    testing::internal::CaptureStdout();
    const int status = certify(o);
    said_ = testing::internal::GetCapturedStdout();
    return status;
  }

  nlohmann::json certificate() const { return nlohmann::json::parse(std::ifstream(out_ + "/certificate.json")); }

  // A copy of the shipped image with one byte changed, its checksum right.
  std::string changed(const char* symbol, uint32_t offset, uint8_t value) const {
    const Image image = Image::load(kShipped);
    std::vector<uint8_t> file = image.file();
    const auto place = [&](uint32_t address) -> uint8_t& {
      const Section& s = *image.section_at(address);
      return file[s.offset + (address - s.address)];
    };
    uint8_t& byte = place(image.address_of(symbol) + offset);
    const Section& table = image.section(".vmi_rom");
    if (table.contains(image.address_of(symbol))) place(image.address_of("vmi_rom_checksum")) += byte - value;
    EXPECT_NE(byte, value);
    byte = value;
    const std::string path = testing::TempDir() + "/changed.elf";
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(file.data()), file.size());
    return path;
  }

  const std::string out_ = testing::TempDir() + "/certify_out";
  std::string said_;
};

TEST_F(CertifyTest, CallsThatAreProvidedAreCertified) {
  EXPECT_EQ(run(options({"GetCR0", "EnableInterrupts"})), 0);
  EXPECT_NE(said_.find("certified"), std::string::npos);
  const nlohmann::json c = certificate();
  EXPECT_EQ(c["_type"], "https://in-toto.io/Statement/v1");
  EXPECT_EQ(c["predicateType"], "urn:vmirom:certificate:v1");
  EXPECT_EQ(c["subject"][0]["digest"]["sha256"], sha256(Image::load(kShipped).file()));
  const nlohmann::json& p = c["predicate"];
  EXPECT_EQ(p["verdict"], "certified");
  EXPECT_EQ(p["abi"], "13.3");
  EXPECT_EQ(p["target"], "xen");
  EXPECT_EQ(p["seed"], 1);
  EXPECT_TRUE(p["missing"].empty());
  EXPECT_FALSE(p["assumptions"].empty());
  EXPECT_TRUE(p["tools"].contains("solver"));
  for (const auto& o : p["image"]) EXPECT_EQ(o["verdict"], "proved") << o["name"];
  EXPECT_EQ(p["image"].size(), image_obligations().size());
  // The two calls, and the two parts that calls go on in.
  ASSERT_EQ(p["entries"].size(), 4u);
  for (const auto& e : p["entries"]) {
    EXPECT_TRUE(e["kind"] == "call" ? e["slot"].is_number() : e["slot"].is_null());
    EXPECT_GT(e["worst_instructions"], 0);
    EXPECT_EQ(e["obligations"].size(), entry_obligations().size());
    for (const auto& o : e["obligations"]) {
      EXPECT_EQ(o["verdict"], "proved") << e["name"] << o["name"];
      EXPECT_GT(o["paths"], 0);
      EXPECT_TRUE(o["rlimit"].is_number());
      EXPECT_TRUE(o["bound"].is_null() || o["bound"].is_string());
    }
    if (e["kind"] != "call") continue;
    EXPECT_EQ(e["tests"].size(), 2u);
    for (const auto& t : e["tests"]) {
      EXPECT_EQ(t["cases"], 200);
      EXPECT_EQ(t["failures"], 0);
    }
  }
}

TEST_F(CertifyTest, MissingCallsAreNamed) {
  EXPECT_EQ(run(options({"GetCR0", "CPUID"})), 3);
  EXPECT_NE(said_.find("missing 1 calls: CPUID"), std::string::npos) << said_;
  const nlohmann::json p = certificate()["predicate"];
  EXPECT_EQ(p["verdict"], "incomplete");
  EXPECT_EQ(p["missing"], nlohmann::json({"CPUID"}));
  for (const auto& e : p["entries"]) {
    if (e["name"] != "CPUID") continue;
    for (const auto& o : e["obligations"]) EXPECT_EQ(o["verdict"], "missing");
  }
}

// The same run twice gives the same bytes.
TEST_F(CertifyTest, CertificatesAreDeterministic) {
  run(options({"SetCR2"}));
  const nlohmann::json first = certificate();
  run(options({"SetCR2"}));
  EXPECT_EQ(certificate(), first);
}

// GetCR0 made to read CR2: refuted, and the processor says so too; the tests find it on their own.
TEST_F(CertifyTest, ABrokenRomFailsAndSiliconAgrees) {
  CertifyOptions o = options({"GetCR0"});
  o.rom = changed("vmi.GetCR0", 1, 0x08);
  EXPECT_EQ(run(o), 1);
  EXPECT_NE(said_.find("refuted GetCR0: refinement: EAX"), std::string::npos) << said_;
  EXPECT_NE(said_.find("silicon: agrees: EAX"), std::string::npos) << said_;
  EXPECT_NE(said_.find("failed GetCR0 on processor"), std::string::npos) << said_;
  EXPECT_NE(said_.find("failed GetCR0 on unicorn"), std::string::npos) << said_;
  EXPECT_EQ(certificate()["predicate"]["verdict"], "failed");
}

// Each obligation's scripts are there for another solver.
TEST_F(CertifyTest, ScriptsAreKept) {
  CertifyOptions o = options({"GetCR0"});
  o.smtlib = true;
  EXPECT_EQ(run(o), 0);
  uint32_t scripts = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(out_ + "/smtlib"))
    scripts += file.path().extension() == ".smt2";
  EXPECT_GT(scripts, 20u);
}

TEST_F(CertifyTest, BadInputLeavesNoCertificate) {
  const auto refuses = [&](const CertifyOptions& o) {
    try {
      certify(o);
      ADD_FAILURE() << "was taken";
    } catch (const std::exception& e) {
      const std::string line = e.what();
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
      EXPECT_GT(line.size(), 20u) << line;
    }
    EXPECT_FALSE(std::filesystem::exists(o.out + "/certificate.json"));
  };
  refuses(options({"GetCR9"}));
  CertifyOptions o = options({"GetCR0"});
  o.rom = "nowhere.elf";
  refuses(o);
  o.rom = changed("vmi_rom", VMI_HEADER_SIGNATURE, 'x');
  refuses(o);
  o = options({"GetCR0"});
  o.out = "/proc/none";
  refuses(o);
  // Cut anywhere, an image is refused.
  const std::vector<uint8_t> whole = Image::load(kShipped).file();
  o = options({"GetCR0"});
  o.rom = testing::TempDir() + "/cut.elf";
  for (size_t size : {size_t{0}, size_t{3}, size_t{40}, size_t{52}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(o.rom, std::ios::binary).write(reinterpret_cast<const char*>(whole.data()), size);
    refuses(o);
  }
}

TEST_F(CertifyTest, ExplainShowsTheEntry) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(explain(kShipped, "RDMSR"), 0);
  const std::string said = testing::internal::GetCapturedStdout();
  for (const char* part : {"slot 7 at 0xf50000e0", "Code in the table", "RDMSR_ext", "Stack at entry",
                           "burn_clobbers_frame_t", "relies on", "EDX:EAX"})
    EXPECT_NE(said.find(part), std::string::npos) << part;
  testing::internal::CaptureStdout();
  EXPECT_EQ(explain(kShipped, "CPUID"), 3);
  testing::internal::GetCapturedStdout();
  EXPECT_THROW(explain(kShipped, "Nothing"), BadInput);
}

// Only proved counts.
TEST(Report, Conclusions) {
  Report r;
  EXPECT_EQ(r.conclusion(), Conclusion::kIncomplete);  // nothing was asked
  r.image = {{"header", engine::Verdict::kProved, ""}};
  engine::Obligation o;
  o.verdict = engine::Verdict::kProved;
  r.entries.push_back({{}, {o}, {}, 0, 0});
  EXPECT_EQ(r.conclusion(), Conclusion::kIncomplete);  // proved, and never run
  r.entries[0].tests = {{"processor", 0, 0}};
  EXPECT_EQ(r.conclusion(), Conclusion::kIncomplete);
  const std::vector<TestRun> passed = {{"processor", 10, 0}};
  r.entries[0].tests = passed;
  EXPECT_EQ(r.conclusion(), Conclusion::kCertified);
  for (auto verdict : {engine::Verdict::kUnknown, engine::Verdict::kError, engine::Verdict::kMissing}) {
    r.entries[0].obligations[0].verdict = verdict;
    EXPECT_EQ(r.conclusion(), Conclusion::kIncomplete);
  }
  r.entries[0].obligations[0].verdict = engine::Verdict::kRefuted;
  EXPECT_EQ(r.conclusion(), Conclusion::kFailed);
  r.entries[0].obligations[0].verdict = engine::Verdict::kProved;
  r.entries[0].tests = {{"processor", 10, 1}};
  EXPECT_EQ(r.conclusion(), Conclusion::kFailed);
  r.entries[0].tests = passed;
  r.missing = {"CPUID"};
  EXPECT_EQ(r.conclusion(), Conclusion::kIncomplete);
  EXPECT_EQ(exit_status(Conclusion::kCertified), 0);
  EXPECT_EQ(exit_status(Conclusion::kFailed), 1);
  EXPECT_EQ(exit_status(Conclusion::kIncomplete), 3);
}

}  // namespace
}  // namespace vmirom::conformance
