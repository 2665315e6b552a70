// Questions of `rapport why` as data, and what an answer holds: two runs from one seed, with and
// without a rule, the harm as numbers taken from both, and a few sentences. The questions are in
// files why_*.cc; why.cc prints.
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/rules.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::sim {
class Recording;
}

namespace rapport::app {

class Stage;

// What is kept of one run: enough for its ladders, no world behind it.
struct Run {
  std::vector<std::string> hosts;
  std::vector<HostRecord> records;
  std::vector<WireRecord> wires;
  std::vector<observe::Remark> remarks;
  std::vector<std::pair<uint32_t, uint32_t>> ladders{{0, 1}};

  // Views of this run.
  [[nodiscard]] observe::Story story() const;
  // Only what belongs to connections from `port` of host `client`, or to none.
  void keep_only(uint32_t client, uint16_t port);
  // The records numbered from `first` up to but not with `last` are left out of the ladder, which
  // says so in `words` on the rail of `host`.
  void leave_out(uint32_t first, uint32_t last, uint32_t host, std::string words);
};

[[nodiscard]] Run run_of(const Stage& stage);

enum class Unit : uint8_t { Number, Octets, Time, BitsPerSecond };  // Time: nanoseconds

// One number, taken from both runs.
struct Figure {
  std::string_view name;  // the key of JSON
  std::string words;
  Unit unit = Unit::Number;
  uint64_t with = 0, without = 0;
};

// Numbers of more than two runs, or over time.
struct Table {
  std::string_view name;  // the key of JSON
  std::string title;
  Unit unit = Unit::Number;
  std::vector<std::string> columns;

  struct Row {
    std::string words;
    std::vector<uint64_t> values;  // one a column
  };

  std::vector<Row> rows;
};

// Two runs that are drawn.
struct Pair {
  std::string origin;  // who made this world: the explorer, or we, and why
  std::string with_title, without_title;
  Run with, without;
};

struct Answer {
  std::string origin;  // who made this world: the explorer, or we, and why
  std::string with_title, without_title;
  std::string with_column = "with the rule", without_column = "without";
  Run with, without;
  std::vector<Pair> also;  // further worlds, drawn behind the first
  std::vector<Figure> figures;
  size_t headlines = 1;  // so many figures at the beginning are the harm in short
  std::vector<Table> tables;
  std::vector<std::string> sentences;
  bool shown = false;  // the rule made the difference in these very runs
};

// What is asked beside the question.
struct Asking {
  uint64_t seed = 1;
  sim::Recording* recording = nullptr;  // of the run without the rule; nullptr: none is wanted
};

struct Question {
  std::string_view name;
  std::string_view line;          // for --list
  std::optional<tcp::Rule> rule;  // what is switched off; none: it is a setting, or the application
  Answer (*answer)(const Asking& asking);
  bool found = false;  // the explorer finds its world; only such a run can be recorded
};

// In the order of --list; one group a file.
[[nodiscard]] std::span<const Question> searched_questions();
[[nodiscard]] std::span<const Question> open_questions();
[[nodiscard]] std::span<const Question> close_questions();
[[nodiscard]] std::span<const Question> attack_questions();
[[nodiscard]] std::span<const Question> reset_questions();
[[nodiscard]] std::span<const Question> old_questions();
[[nodiscard]] std::span<const Question> path_questions();

[[nodiscard]] std::vector<Question> all_questions();

// "3 segments", "64 KiB", "1.5 s", "5.2 Mbit/s"
[[nodiscard]] std::string quantity(uint64_t value, Unit unit);
// 4294967296 -> "4,294,967,296"
[[nodiscard]] std::string grouped(uint64_t value);

}  // namespace rapport::app
