// Scenarios of `rapport demo` as data: a name, a line, what is played, and what is said about it.
// The plays are in demo_life.cc, demo_open.cc, demo_close.cc and demo_trouble.cc.
#pragma once

#include "rapport/app/demo_stage.hh"
#include "rapport/observe/facts.hh"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::app {

// What is printed under the ladder: tables, then two or three plain sentences.
class Telling {
 public:
  struct Table {
    std::string title;
    std::vector<std::string> rows;
  };

  void table(std::string title, std::vector<std::string> rows) {
    tables_.push_back({std::move(title), std::move(rows)});
  }

  void say(std::string sentence) { sentences_.push_back(std::move(sentence)); }

  [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }

  [[nodiscard]] const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  std::vector<Table> tables_;
  std::vector<std::string> sentences_;
};

struct Scenario {
  std::string_view name;
  std::string_view line;  // what it shows, for --list
  void (*play)(Stage& stage);
  // Must be true of this very run, whatever the faults made of it.
  void (*tell)(const Stage& stage, const observe::Facts& facts, Telling& telling);
};

// In the order of --list. One group a file.
[[nodiscard]] std::span<const Scenario> life_scenarios();
[[nodiscard]] std::span<const Scenario> open_scenarios();
[[nodiscard]] std::span<const Scenario> close_scenarios();
[[nodiscard]] std::span<const Scenario> trouble_scenarios();

[[nodiscard]] std::vector<Scenario> all_scenarios();
// nullptr when there is none of this name.
[[nodiscard]] const Scenario* find_scenario(std::string_view name);

// Says that faults led the run another way: for plays that did not show what they are for.
void tell_detour(Telling& telling);

}  // namespace rapport::app
