// The differential test: the same sequences to the Linux kernel and to a Stack in memory. What
// differs must be in differences.txt, and each reason named there in docs/differences.md; what is
// in the file must still differ. Exit status: 0, 1 (a difference nobody explains, or an explanation
// of nothing), 2 (a file that cannot be read), 77 (cannot run here).
#include "differences.hh"
#include "kernel.hh"
#include "player.hh"
#include "sequence.hh"
#include "stack_host.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace rapport::differential;

constexpr int kUnexplained = 1, kUnreadable = 2, kSkipped = 77;

struct Arguments {
  std::string folder = DIFFERENTIAL_DIR;
  std::string docs = DIFFERENTIAL_DOCS;
  std::string only;     // sequences whose name contains it
  bool print = false;   // every answer of both
  bool record = false;  // all differences as lines of the file, known reasons kept
};

constexpr const char* kUsage =
    "usage: differential [--only PART] [--print] [--record]\n"
    "  --only PART  only sequences whose names contain PART; the file is then not checked for\n"
    "               explanations that no longer occur\n"
    "  --print      says what both answered\n"
    "  --record     prints the file of differences anew; those without a reason have '?'\n";

std::string contents(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool understood(std::span<char* const> words, Arguments& a) {
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--print") {
      a.print = true;
    } else if (word == "--record") {
      a.record = true;
    } else if (word == "--only" && i + 1 < words.size()) {
      a.only = words[++i];
    } else {
      return false;
    }
  }
  return true;
}

std::expected<std::vector<Sequence>, std::string> sequences(const Arguments& a) {
  std::vector<Sequence> all;
  for (const auto& text : {contents(a.folder + "/sequences.txt"), cross()}) {
    auto some = parse(text);
    if (!some) return std::unexpected(some.error());
    if (some->empty()) return std::unexpected("sequences.txt cannot be read");
    for (auto& s : *some) {
      const std::string name = s.name + " v" + std::to_string(s.family);
      if (name.contains(a.only)) all.push_back(std::move(s));
    }
  }
  return all;
}

void print(const Sequence& s, const std::vector<Answer>& kernel, const std::vector<Answer>& ours) {
  std::cout << s.name << " v" << int{s.family} << '\n';
  for (size_t i = 0; i < kernel.size(); ++i) {
    std::cout << "  " << kernel[i].step << '\n';
    const bool same = kernel[i].said == ours[i].said;
    std::cout << (same ? "      both     " : "      Linux    ") << kernel[i].said << '\n';
    if (!same) std::cout << "      Rapport  " << ours[i].said << '\n';
  }
}

// Takes over the reasons that are known.
void explain(Differences& found, const Differences& known) {
  Differences explained;
  for (Difference d : found) {
    const auto it = known.find(d);
    if (it != known.end()) d.reason = it->reason;
    explained.insert(d);
  }
  found = explained;
}

// The number of complaints.
size_t judge(const Differences& found, const Differences& known, const Arguments& a) {
  size_t complaints = 0;
  const auto complain = [&](const std::string& what) {
    std::cout << what << '\n';
    ++complaints;
  };
  for (const auto& d : found) {
    if (d.reason.empty()) complain("not explained: " + to_string(d));
  }
  const auto explained = reasons_explained(contents(a.docs + "/differences.md"));
  std::set<std::string> used;
  for (const auto& d : known) {
    used.insert(d.reason);
    if (a.only.empty() && !found.contains(d)) complain("does not occur: " + to_string(d));
  }
  for (const auto& reason : used) {
    if (!explained.contains(reason)) complain("not in docs/differences.md: " + reason);
  }
  for (const auto& reason : explained) {
    if (!used.contains(reason)) complain("in docs/differences.md only: " + reason);
  }
  return complaints;
}

// Rule ids of sequences that are no rows of docs/rules, and sequences by hand without one.
std::set<std::string> unknown_rules(const std::vector<Sequence>& all, const Arguments& a) {
  std::set<std::string> known, unknown;
  for (const auto* table : {"segment-arrives", "rfc9293-requirements", "related-rfcs"}) {
    std::istringstream rows(contents(a.docs + "/rules/" + table + ".csv"));
    for (std::string row; std::getline(rows, row);) known.insert(row.substr(0, row.find(',')));
  }
  for (const auto& s : all) {
    std::istringstream rules(s.rules);
    for (std::string rule; rules >> rule;) {
      if (!known.contains(rule)) unknown.insert(s.name + ": " + rule);
    }
    const bool generated = s.name.starts_with("cross/") || s.name.starts_with("clock/");
    if (s.rules.empty() && !generated) unknown.insert(s.name + ": names none");
  }
  return unknown;
}

void summarize(const Differences& found, size_t sequences) {
  std::map<std::string, size_t> by_reason;
  std::set<std::string> differing;
  for (const auto& d : found) {
    ++by_reason[d.reason.empty() ? "?" : d.reason];
    differing.insert(d.sequence);
  }
  std::cout << sequences << " sequences, " << found.size() << " differences in " << differing.size()
            << " of them\n";
  for (const auto& [reason, count] : by_reason)
    std::cout << "  " << count << "  " << reason << '\n';
}

// What is said of a file that cannot be taken as it is; empty: all can.
std::string wrong_with(const std::expected<std::vector<Sequence>, std::string>& all,
                       const std::expected<Differences, std::string>& known, const Arguments& a) {
  if (!all) return "sequences: " + all.error();
  if (all->empty()) return "no sequence of that name";
  if (!known) return "differences.txt: " + known.error();
  std::string wrong;
  for (const auto& one : unknown_rules(*all, a)) wrong += "no such rule: " + one + '\n';
  return wrong;
}

// Compares, and says what there is to say. The exit status.
int report(const std::vector<Sequence>& all, const std::vector<std::vector<Answer>>& theirs,
           const Differences& known, const Arguments& a) {
  std::vector<std::vector<Answer>> ours;
  ours.reserve(all.size());
  for (uint32_t i = 0; const auto& s : all) {
    ours.push_back(play_on_stack(s, ends_of(s.family, i++)));
  }
  for (size_t i = 0; a.print && i < all.size(); ++i) print(all[i], theirs[i], ours[i]);
  Differences found = differences(all, theirs, ours);
  explain(found, known);
  const size_t complaints = a.record ? 0 : judge(found, known, a);
  if (a.record) {
    for (const auto& d : found) std::cout << to_string(d) << '\n';
  } else {
    summarize(found, all.size());
  }
  return complaints == 0 ? 0 : kUnexplained;
}

int run(const Arguments& a) {
  const auto all = sequences(a);
  const auto known = parse_differences(contents(a.folder + "/differences.txt"));
  if (const auto wrong = wrong_with(all, known, a); !wrong.empty()) {
    std::cerr << wrong << '\n';
    return kUnreadable;
  }
  auto kernel = Kernel::make();
  if (!kernel) {
    std::cout << "SKIPPED: " << kernel.error() << '\n';
    return kSkipped;
  }
  const auto theirs = (*kernel)->play(*all);
  if (!theirs) {
    std::cerr << theirs.error() << '\n';
    return kUnexplained;
  }
  if (!a.record && (*kernel)->repeated() > 0) {
    std::cout << (*kernel)->repeated() << " sequences played again\n";
  }
  return report(*all, *theirs, *known, a);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  if (!understood({argv, static_cast<size_t>(argc)}, a)) {
    std::cerr << kUsage;
    return kUnreadable;
  }
  return run(a);
}
