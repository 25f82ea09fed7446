// Compares the table of calls with a list of calls kept elsewhere, in CSV.
//
// The list's first line names its columns; name, slot_13, call_3, family, inputs and outputs are compared. A row whose slot
// is "-" is a call of API 3.0 alone, which the table must not have. Prints one line for each difference. Ends with 0 when
// there is none, 1 when there is one, 2 when the list cannot be used.
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/abi/calls.h"

namespace vmirom {
namespace {

using Row = std::map<std::string, std::string>;

struct BadList : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Fields of a line; a quoted field may hold commas, and "" for a quote.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) throw BadList("a quoted field does not end on its line: " + line);
  return fields;
}

std::vector<Row> read_list(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw BadList("cannot be read");
  const std::vector<std::string> columns = fields_of(line);
  for (const char* needed : {"name", "slot_13", "call_3", "family", "inputs", "outputs"})
    if (std::set<std::string>(columns.begin(), columns.end()).count(needed) == 0)
      throw BadList(std::string("no column ") + needed);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = fields_of(line);
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() != columns.size()) throw BadList("a row has " + std::to_string(fields.size()) + " fields: " + line);
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < fields.size(); ++i) row[columns[i]] = fields[i];
  }
  return rows;
}

class Comparison {
 public:
  void compare(const Row& row) {
    const std::string& name = row.at("name");
    const CallInfo* info = find_call(name);
    if (!seen_.insert(name).second) return differ(name, "is listed twice");
    if (row.at("slot_13") == "-") {
      if (info) differ(name, "has no slot in the list, and slot " + std::to_string(info->slot) + " in the table");
      return;
    }
    if (!info) return differ(name, "is not in the table");
    same(name, "slot", row.at("slot_13"), std::to_string(info->slot));
    same(name, "number", row.at("call_3"), info->number_3);
    same(name, "family", row.at("family"), info->family);
    same(name, "inputs", row.at("inputs"), info->inputs);
    same(name, "outputs", row.at("outputs"), info->outputs);
  }

  void finish() {
    for (const CallInfo& info : kCalls)
      if (seen_.count(std::string(info.name)) == 0) differ(std::string(info.name), "is not in the list");
  }

  size_t calls() const { return seen_.size(); }
  size_t differences() const { return differences_; }

 private:
  void same(const std::string& name, const char* what, const std::string& list, std::string_view table) {
    if (list != table)
      differ(name, std::string(what) + ": \"" + list + "\" in the list, \"" + std::string(table) + "\" in the table");
  }
  void differ(const std::string& name, const std::string& how) {
    std::printf("%s: %s\n", name.c_str(), how.c_str());
    ++differences_;
  }

  std::set<std::string> seen_;
  size_t differences_ = 0;
};

int run(const std::string& path) {
  Comparison comparison;
  for (const Row& row : read_list(path)) comparison.compare(row);
  comparison.finish();
  std::printf("%zu calls compared, %zu differences\n", comparison.calls(), comparison.differences());
  return comparison.differences() ? 1 : 0;
}

}  // namespace
}  // namespace vmirom

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: table_check LIST.csv\n");
    return 2;
  }
  try {
    return vmirom::run(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[1], e.what());
    return 2;
  }
}
