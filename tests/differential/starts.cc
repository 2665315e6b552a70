// The ways into each state, the same for both stacks, as lines of the language.
#include "sequence.hh"

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::differential {

namespace {

struct Wishes {
  bool active = false;
  std::string options = " mss 1400";  // of the peer's SYN
};

using Lines = std::vector<std::string>;

Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Lines established(const Wishes& w) {
  if (w.active) return {"connect", "> SA seq 0 ack 1" + w.options};
  return {"listen", "> S seq 0" + w.options, "> A seq 1 ack 1", "accept"};
}

Lines fin_wait_1(const Wishes& w) {
  return established(w) + Lines{"shutdown"};
}

Lines fin_wait_2(const Wishes& w) {
  return fin_wait_1(w) + Lines{"> A ack 2"};
}

Lines close_wait(const Wishes& w) {
  return established(w) + Lines{"> FA ack 1"};
}

Lines closing(const Wishes& w) {
  return fin_wait_1(w) + Lines{"> FA ack 1"};
}

// The states before ESTABLISHED.
Lines early(std::string_view state, const Wishes& w) {
  if (state == "LISTEN") return {"listen"};
  if (state == "SYN-SENT") return {"connect"};
  if (state == "SYN-RECEIVED") {
    return {w.active ? "connect" : "listen", "> S seq 0" + w.options};
  }
  return {};
}

Lines late(std::string_view state, const Wishes& w) {
  if (state == "ESTABLISHED") return established(w);
  if (state == "FIN-WAIT-1") return fin_wait_1(w);
  if (state == "FIN-WAIT-2") return fin_wait_2(w);
  if (state == "CLOSE-WAIT") return close_wait(w);
  if (state == "CLOSING") return closing(w);
  if (state == "LAST-ACK") return close_wait(w) + Lines{"shutdown"};
  if (state == "TIME-WAIT") return fin_wait_2(w) + Lines{"> FA"};
  if (state == "TIME-WAIT-together") return closing(w) + Lines{"> A ack 2"};
  if (state == "FIN-WAIT-1-orphan") return established(w) + Lines{"close"};
  if (state == "FIN-WAIT-2-orphan") return established(w) + Lines{"close", "> A ack 2"};
  if (state == "full") return established(w) + Lines{"fill", "fill", "fill", "fill"};
  return {};
}

}  // namespace

std::vector<std::string> lines_into(std::string_view start) {
  std::istringstream in{std::string(start)};
  std::string state;
  in >> state;
  Wishes w;
  for (std::string word; in >> word;) {
    if (word == "active") {
      w.active = true;
    } else if (word == "sack") {
      w.options += " sackok";
    } else if (word == "ts") {
      w.options += " ts";
    } else if (word == "ws") {
      w.options += " ws 7";
    } else if (word != "passive") {
      return {};
    }
  }
  const Lines lines = early(state, w);
  return lines.empty() ? late(state, w) : lines;
}

}  // namespace rapport::differential
