#include "conformance/properties/case.h"

#include <cstdio>
#include <sstream>

#include "model/relation/relation.h"

namespace vmirom::conformance {
namespace {

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

uint64_t number(const std::string& word, const std::string& digits) {
  size_t used = 0;
  uint64_t value = 0;
  try {
    value = std::stoull(digits, &used, 16);
  } catch (const std::exception&) {
  }
  if (digits.empty() || used != digits.size())
    throw std::invalid_argument("'" + word + "' has no hexadecimal number where one is due");
  return value;
}

template <class T>
std::vector<T> numbers(const std::string& word, const std::string& list) {
  std::vector<T> values;
  std::istringstream in(list);
  for (std::string digits; std::getline(in, digits, ',');) values.push_back(T(number(word, digits)));
  return values;
}

template <class T>
std::string listed(const std::vector<T>& values) {
  std::string text;
  for (T v : values) text += (text.empty() ? "" : ",") + hex(v);
  return text;
}

void read_word(Case& c, const std::string& word) {
  const size_t equals = word.find('=');
  if (word == "running") {  // the state that the call before left
    c.vcpu.reset();
    return;
  }
  if (equals == std::string::npos) throw std::invalid_argument("'" + word + "' is not NAME=VALUE");
  const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
  bool known = false;
  const auto take = [&](uint32_t& place) { place = uint32_t(number(word, value)), known = true; };
  each_register(c.cpu, [&](const char* n, uint32_t& place) {
    if (name == n) take(place);
  });
  if (c.vcpu && name.rfind("vcpu.", 0) == 0)
    relation::each_field(*c.vcpu, [&](const char* n, uint32_t& place) {
      if (name.substr(5) == n) take(place);
    });
  if (known) return;
  if (name == "work") return take(c.work);
  if (name == "noise") return take(c.noise);
  if (name == "answers") return void(c.answers = numbers<uint32_t>(word, value));
  if (name == "tsc") return void(c.time_stamps = numbers<uint64_t>(word, value));
  const auto indexed = [&](const char* prefix) { return name.rfind(prefix, 0) == 0 && name.back() == ']'; };
  const auto index = [&] {
    const size_t open = name.find('[');
    return uint32_t(number(word, name.substr(open + 1, name.size() - open - 2)));
  };
  if (indexed("gdt[")) return take(c.gdt[index()]);
  if (indexed("ldt[")) return take(c.ldt[index()]);
  if (indexed("traps[")) return take(c.traps[index()]);
  if (name.rfind("own.", 0) == 0) return take(c.own[name.substr(4)]);
  if (indexed("page[")) return void(c.pages[index()] = uint8_t(number(word, value)));
  if (name[0] == '@') {
    uint32_t address = uint32_t(number(word, name.substr(1)));
    for (size_t i = 0; i + 1 < value.size(); i += 2) c.memory[address++] = uint8_t(number(word, value.substr(i, 2)));
    return;
  }
  throw std::invalid_argument("'" + word + "': no state has a part of this name");
}

}  // namespace

GuestPages standard_pages() {
  GuestPages pages;
  constexpr uint8_t kWritable = kRead | kWrite;
  // Page 0 of the arena is absent, and so are 4, 7 and 13.
  constexpr uint8_t kRights[kArenaPages] = {0, kWritable, kWritable, kRead, 0,         kRead,     kWritable,
                                            0, kWritable, kWritable, kRead, kWritable, kWritable, 0};
  for (uint32_t i = 0; i < kArenaPages; ++i)
    if (kRights[i]) pages[kArena / kPageBytes + i] = kRights[i];
  for (uint32_t i = 0; i < kStackPages; ++i) pages[kStack / kPageBytes + i] = kWritable;
  pages[kRomCopy / kPageBytes] = kWritable | kExecute;
  pages[kLastPage / kPageBytes] = kWritable;
  return pages;
}

Case plain_case(const std::string& entry) {
  Case c;
  c.entry = entry;
  c.cpu.esp = kStack + kStackPages * kPageBytes - 256;
  c.cpu.eflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
  c.cpu.cs = kFlatCode;
  c.cpu.ss = c.cpu.ds = c.cpu.es = kFlatData;
  c.vcpu.emplace();
  c.vcpu->initialised = 1;
  c.vcpu->flat_cs = kFlatCode;
  c.vcpu->flat_ds = kFlatData;
  return c;
}

std::string to_text(const Case& c) {
  const Case plain = plain_case(c.entry);
  std::string text = c.entry;
  const auto word = [&](const std::string& name, const std::string& value) { text += " " + name + "=" + value; };
  std::vector<uint32_t> usual;
  each_register(plain.cpu, [&](const char*, uint32_t v) { usual.push_back(v); });
  size_t i = 0;
  each_register(c.cpu, [&](const char* n, uint32_t v) {
    if (v != usual[i++]) word(n, hex(v));
  });
  if (c.vcpu) {
    usual.clear(), i = 0;
    relation::each_field(*plain.vcpu, [&](const char*, uint32_t v) { usual.push_back(v); });
    relation::each_field(*c.vcpu, [&](const char* n, uint32_t v) {
      if (v != usual[i++]) word(std::string("vcpu.") + n, hex(v));
    });
  } else {
    text += " running";
  }
  if (c.work) word("work", hex(c.work));
  if (c.noise) word("noise", hex(c.noise));
  for (auto at = c.memory.begin(); at != c.memory.end();) {
    const uint32_t begin = at->first;
    std::string bytes;
    for (uint32_t next = begin; at != c.memory.end() && at->first == next; ++at, ++next) {
      bytes += "0123456789abcdef"[at->second >> 4];
      bytes += "0123456789abcdef"[at->second & 15];
    }
    word("@" + hex(begin), bytes);
  }
  for (const auto& [index, value] : c.gdt) word("gdt[" + hex(index) + "]", hex(value));
  for (const auto& [index, value] : c.ldt) word("ldt[" + hex(index) + "]", hex(value));
  for (const auto& [index, value] : c.traps) word("traps[" + hex(index) + "]", hex(value));
  for (const auto& [name, value] : c.own) word("own." + name, hex(value));
  for (const auto& [page, rights] : c.pages) word("page[" + hex(page) + "]", hex(rights));
  if (!c.answers.empty()) word("answers", listed(c.answers));
  if (!c.time_stamps.empty()) word("tsc", listed(c.time_stamps));
  return text;
}

std::string to_text(const std::vector<Case>& sequence) {
  std::string text;
  for (const Case& c : sequence) text += (text.empty() ? "" : " ; ") + to_text(c);
  return text;
}

std::vector<Case> cases_from(const std::string& text) {
  std::vector<Case> cases;
  std::istringstream words(text);
  bool begun = false;
  for (std::string word; words >> word;) {
    if (word == ";") {
      begun = false;
    } else if (!begun) {
      if (!find_call(word) && word != "deliver" && word != "interrupt")
        throw std::invalid_argument("'" + word + "' is not the name of a call");
      cases.push_back(plain_case(word));
      begun = true;
    } else {
      read_word(cases.back(), word);
    }
  }
  if (cases.empty()) throw std::invalid_argument("the text holds no case");
  return cases;
}

}  // namespace vmirom::conformance
