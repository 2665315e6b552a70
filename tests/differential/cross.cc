// The generated tables: each state x what arrives x where in the window x what it acknowledges, and
// each state x what arrives x how old it is, one sequence for each cell. After the segment there is
// time for a delayed ACK.
#include "sequence.hh"

#include <array>
#include <string>
#include <string_view>

namespace rapport::differential {

namespace {

struct Start {
  std::string_view words;
  int next = 1;  // what the peer sends next
  int una = 1;   // the stack's SND.UNA and SND.NXT
  int nxt = 1;
  bool has_window = true;
};

constexpr std::array<Start, 14> kStarts{{
    {"LISTEN", 0, 500, 500, false},
    {"SYN-SENT", 0, 0, 1, false},
    {"SYN-RECEIVED passive sack", 1, 0, 1},
    {"SYN-RECEIVED active sack", 1, 0, 1},
    {"ESTABLISHED passive sack", 1, 1, 1},
    {"ESTABLISHED active sack", 1, 1, 1},
    {"ESTABLISHED passive", 1, 1, 1},
    {"FIN-WAIT-1 passive sack", 1, 1, 2},
    {"FIN-WAIT-2 passive sack", 1, 2, 2},
    {"CLOSE-WAIT passive sack", 2, 1, 1},
    {"CLOSING passive sack", 2, 1, 2},
    {"LAST-ACK passive sack", 2, 1, 2},
    {"TIME-WAIT passive sack", 2, 2, 2},
    {"TIME-WAIT-together passive sack", 2, 2, 2},
}};

constexpr std::array<Start, 10> kStartsWithClock{{
    {"SYN-SENT", 0, 0, 1, false},
    {"SYN-RECEIVED passive ts", 1, 0, 1},
    {"SYN-RECEIVED active ts", 1, 0, 1},
    {"ESTABLISHED passive ts", 1, 1, 1},
    {"FIN-WAIT-1 passive ts", 1, 1, 2},
    {"FIN-WAIT-2 passive ts", 1, 2, 2},
    {"CLOSE-WAIT passive ts", 2, 1, 1},
    {"CLOSING passive ts", 2, 1, 2},
    {"LAST-ACK passive ts", 2, 1, 2},
    {"TIME-WAIT passive ts", 2, 2, 2},
}};

struct Age {
  std::string_view name, words;
};

constexpr std::array<Age, 3> kAges{
    {{"older", " tsval -1000"}, {"newer", " tsval 100000"}, {"without", " nots"}}};

struct Kind {
  std::string_view flags, words;
  bool has_ack = false;
};

constexpr std::array<Kind, 9> kKinds{{{"S", "", false},
                                      {"SA", "", true},
                                      {"F", "", false},
                                      {"FA", "", true},
                                      {"R", "", false},
                                      {"RA", "", true},
                                      {"A", "", true},
                                      {"PA", " len 10", true},
                                      {"none", " len 10", false}}};

constexpr std::array<std::string_view, 5> kPlaces{"left", "at-left-edge", "inside", "at-right-edge",
                                                  "beyond"};
constexpr std::array<std::string_view, 3> kAcks{"old", "current", "future"};

std::string place_of(const Start& s, std::string_view place) {
  if (place == "left") return std::to_string(s.next - 20);
  if (place == "inside") return std::to_string(s.next + 100);
  if (place == "at-right-edge") return "edge-1";
  if (place == "beyond") return "edge+100";
  return std::to_string(s.next);
}

int number_of(const Start& s, std::string_view ack) {
  if (ack == "current") return s.nxt;
  if (ack == "future") return s.nxt + 1000;
  return s.una < s.nxt ? s.una : s.una - 1;
}

std::string with_dashes(std::string_view words) {
  std::string name(words);
  for (char& c : name) {
    if (c == ' ') c = '-';
  }
  return name;
}

void add(std::string& all, const Start& s, const Kind& k, std::string_view place) {
  for (const auto ack : kAcks) {
    all.append("sequence cross/").append(with_dashes(s.words)).append("/").append(k.flags);
    if (s.has_window) all.append("/").append(place);
    if (k.has_ack) all.append("/ack-").append(ack);
    all.append("\nstart ").append(s.words).append("\n> ").append(k.flags).append(" seq ");
    all.append(place_of(s, place)).append(k.words);
    if (k.has_ack) all.append(" ack ").append(std::to_string(number_of(s, ack)));
    all.append("\nwait 60\n");
    if (!k.has_ack) return;
  }
}

void add_aged(std::string& all, const Start& s, const Kind& k) {
  const std::string flags(k.flags);
  const std::string start(s.words);
  for (const auto& age : kAges) {
    all.append("sequence clock/").append(with_dashes(start)).append("/").append(flags);
    all.append("/").append(age.name).append("\nstart ").append(start).append("\n> ");
    all.append(flags).append(" seq ").append(std::to_string(s.next)).append(k.words);
    all.append(age.words);
    if (k.has_ack) all.append(" ack ").append(std::to_string(s.nxt));
    all.append("\nwait 60\n");
  }
}

}  // namespace

std::string cross() {
  std::string all;
  for (const auto& start : kStartsWithClock) {
    for (const auto& kind : kKinds) add_aged(all, start, kind);
  }
  for (const auto& start : kStarts) {
    for (const auto& kind : kKinds) {
      for (const auto place : kPlaces) {
        if (start.has_window || place == "at-left-edge") add(all, start, kind, place);
      }
    }
  }
  return all;
}

}  // namespace rapport::differential
