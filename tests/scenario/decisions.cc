// Reading decisions.txt, and finding the line that decides a cell.
#include "decisions.hh"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace rapport::scenario::table {

namespace {

using Words = std::vector<std::string>;

constexpr size_t kFields = 7;

[[noreturn]] void refuse(int line, const std::string& why) {
  throw std::runtime_error("decisions.txt:" + std::to_string(line) + ": " + why);
}

Words words_of(const std::string& text) {
  std::istringstream in(text);
  Words all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

std::vector<Words> fields_of(const std::string& line) {
  std::vector<Words> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '|');) fields.push_back(words_of(field));
  return fields;
}

bool has(const Words& all, const std::string& word) {
  return std::ranges::find(all, word) != all.end();
}

bool fits(const Words& wanted, const std::string& word) {
  return wanted.front() == "*" || has(wanted, word);
}

void check_words(int line, const Words& given, const Words& known) {
  if (given.empty()) refuse(line, "an empty field");
  for (const auto& word : given) {
    if (word != "*" && word != "none" && !has(known, word)) refuse(line, "what is " + word + "?");
  }
}

Decision decision_of(int line, const std::vector<Words>& f) {
  static const Words answers{"silence", "ack", "ack-of-it", "syn-ack", "reset", "reset-of-it"};
  static const Words nexts{"=",          "CLOSED",     "LISTEN",  "SYN-RECEIVED", "ESTABLISHED",
                           "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "TIME-WAIT"};
  if (f.size() != kFields || f[5].size() != 1 || f[6].size() != 1) refuse(line, "not seven fields");
  check_words(line, f[1], states());
  check_words(line, f[2], segments());
  check_words(line, f[3], places());
  check_words(line, f[4], acks());
  if (f[0].empty() || !has(answers, f[5][0]) || !has(nexts, f[6][0])) {
    refuse(line, "no rule, or an answer or a state that there is not");
  }
  return {line, f[0], f[1], f[2], f[3], f[4], f[5][0], f[6][0]};
}

}  // namespace

std::string in_words(const Cell& cell) {
  return cell.state + ", " + cell.segment + ", " + cell.where + ", ACK " + cell.ack;
}

std::vector<Decision> read_decisions(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::vector<Decision> all;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.empty() && line[0] != '#') all.push_back(decision_of(number, fields_of(line)));
  }
  return all;
}

const Words& states() {
  static const Words all{"CLOSED",
                         "LISTEN",
                         "SYN-SENT",
                         "SYN-RECEIVED/passive",
                         "SYN-RECEIVED/active",
                         "ESTABLISHED",
                         "FIN-WAIT-1",
                         "FIN-WAIT-2",
                         "CLOSE-WAIT",
                         "CLOSING",
                         "LAST-ACK",
                         "TIME-WAIT/fin-wait-2",
                         "TIME-WAIT/closing"};
  return all;
}

const Words& segments() {
  static const Words all{"SYN",     "SYN-ACK", "FIN",  "FIN-ACK", "RST",
                         "RST-ACK", "ACK",     "data", "nothing"};
  return all;
}

const Words& places() {
  static const Words all{"left", "edge", "inside", "last", "right"};
  return all;
}

const Words& acks() {
  static const Words all{"ancient", "old", "current", "future"};
  return all;
}

bool has_ack(const std::string& segment) {
  return segment.ends_with("ACK") || segment == "data";
}

std::vector<Cell> cells_of(const std::string& state) {
  std::vector<Cell> all;
  for (const auto& segment : segments()) {
    for (const auto& where : places()) {
      for (const auto& ack : has_ack(segment) ? acks() : Words{"none"}) {
        all.push_back({state, segment, where, ack});
      }
    }
  }
  return all;
}

const Decision* decide(const std::vector<Decision>& table, const Cell& cell) {
  const auto found = std::ranges::find_if(table, [&cell](const Decision& d) {
    return fits(d.states, cell.state) && fits(d.segments, cell.segment)
           && fits(d.places, cell.where) && fits(d.acks, cell.ack);
  });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace rapport::scenario::table
