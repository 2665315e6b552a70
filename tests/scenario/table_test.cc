// The table test: each state, reached both ways where there are two, hears every kind of segment at
// every place of the window with every kind of ACK number, and must answer as decisions.txt says.
// A cell that the table leaves open fails, and so does a line that decides nothing.
#include "answers.hh"
#include "decisions.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

constexpr ByteCount kText = 10_B;
constexpr ByteCount kInside = 100_B;
constexpr ByteCount kNoWindow = 1000_B;  // stands for one where there is none
constexpr ByteCount kLongAgo{2'000'000};

const std::vector<table::Decision>& decisions() {
  static const auto all = table::read_decisions(SCENARIO_DECISIONS);
  return all;
}

// Closed at once by both: TIME-WAIT by way of CLOSING, behind a listener.
Peer in_time_wait_by_closing() {
  auto t = peer::in_closing({.passive = true});
  t.hears(ack()).says_nothing();
  return t;
}

Peer begins(const std::string& state) {
  if (state == "CLOSED") return peer::in_closed();
  if (state == "LISTEN") return peer::in_listen();
  if (state == "SYN-SENT") return peer::in_syn_sent();
  if (state == "SYN-RECEIVED/passive") return peer::in_syn_received_passive();
  if (state == "SYN-RECEIVED/active") return peer::in_syn_received_active();
  if (state == "ESTABLISHED") return peer::in_established();
  if (state == "FIN-WAIT-1") return peer::in_fin_wait_1();
  if (state == "FIN-WAIT-2") return peer::in_fin_wait_2();
  if (state == "CLOSE-WAIT") return peer::in_close_wait();
  if (state == "CLOSING") return peer::in_closing();
  if (state == "LAST-ACK") return peer::in_last_ack();
  if (state == "TIME-WAIT/fin-wait-2") return peer::in_time_wait();
  return in_time_wait_by_closing();
}

Seg segment_of(const std::string& kind) {
  if (kind.starts_with("SYN")) return syn();
  if (kind.starts_with("FIN")) return fin().no_ack();
  if (kind.starts_with("RST")) return rst();
  return kind == "data" ? data(kText).no_ack() : none();
}

ByteCount length_of(const std::string& kind) {
  if (kind == "data") return kText;
  return kind.starts_with("SYN") || kind.starts_with("FIN") ? 1_B : 0_B;
}

Seq sequence_of(const Peer& t, const std::string& where) {
  const ByteCount window = t.rcv_wnd() > 0_B ? t.rcv_wnd() : kNoWindow;
  if (where == "left") return t.rcv_nxt() - kInside;
  if (where == "inside") return t.rcv_nxt() + kInside;
  if (where == "last") return t.rcv_nxt() + window - 1_B;
  return where == "right" ? t.rcv_nxt() + window : t.rcv_nxt();
}

Seq ack_of(const Peer& t, const std::string& which) {
  if (which == "ancient") return t.snd_una() - kLongAgo;
  if (which == "future") return t.snd_nxt() + 1_B;
  if (which == "current") return t.snd_nxt();
  return t.snd_una() == t.snd_nxt() ? t.snd_una() - 1_B : t.snd_una();  // nothing new
}

void answers(Peer& t, const table::Decision& d, const table::Cell& cell) {
  const Seq seq = sequence_of(t, cell.where);
  const Seq number = ack_of(t, cell.ack);
  const Seq behind = seq + length_of(cell.segment);
  const Seq next = t.rcv_nxt();
  const Seq sent = t.snd_nxt();
  Seg s = segment_of(cell.segment).seq(seq);
  if (cell.ack != "none") s.ack(number);
  t.hears(s);
  if (d.answer == "ack-of-it" && !t.has_more_to_say()) t.after(500_ms);
  if (d.answer == "ack") t.says(ack(next).seq(sent));
  // In SYN-SENT our SYN is acknowledged too: SND.NXT is what it was in all states.
  if (d.answer == "ack-of-it") t.says(ack(behind).seq(sent));
  if (d.answer == "syn-ack") t.says(syn().ack(seq + 1_B));
  if (d.answer == "reset") t.says(rst().seq(number));
  if (d.answer == "reset-of-it") t.says(rst().seq(Seq{0}).ack(behind));
  t.says_nothing();
}

void is_next(Peer& t, const std::string& next) {
  const State lives = t.stack().state_of(t.local, t.remote);
  const bool listening = next == "LISTEN";
  t.holds(name(lives) == (listening ? "CLOSED" : next),
          "the state is " + next + ", not " + std::string(name(lives)));
  if (!listening) return;
  const auto status = t.stack().command(tcp::GetStatus{.target = t.listener}, t.now());
  t.holds(status && status->state == State::Listen, "the listener is still there");
}

void plays(const table::Cell& cell) {
  auto t = begins(cell.state);
  const table::Decision* d = table::decide(decisions(), cell);
  t.holds(d != nullptr, "decisions.txt decides this cell: " + in_words(cell));
  t.tells("cell   " + in_words(cell) + ": decisions.txt:" + std::to_string(d->line));
  answers(t, *d, cell);
  is_next(t, d->next == "=" ? cell.state.substr(0, cell.state.find('/')) : d->next);
}

bool add_states() {
  for (const auto& state : table::states()) {
    const auto story = [state] {
      for (const auto& cell : table::cells_of(state)) plays(cell);
    };
    add(__FILE__, __LINE__, state + ": every cell of the table is as decided [U-5]", story);
  }
  return true;
}

[[maybe_unused]] const bool told = add_states();

std::set<std::string> known_rules() {
  std::set<std::string> known;
  for (const auto& file : std::filesystem::directory_iterator(SCENARIO_RULES_DIR)) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) known.insert(line.substr(0, line.find(',')));
  }
  return known;
}

}  // namespace

TEST(Table, DecidesEveryCellAndHasNoIdleLine) {
  std::map<int, int> decided;
  std::map<std::string, int> answers;
  size_t cells = 0;
  for (const auto& state : table::states()) {
    for (const auto& cell : table::cells_of(state)) {
      ++cells;
      const auto* d = table::decide(decisions(), cell);
      ASSERT_NE(d, nullptr) << in_words(cell) << " is left open";
      ++decided[d->line];
      ++answers[d->answer];
    }
  }
  const auto known = known_rules();
  for (const auto& d : decisions()) {
    EXPECT_TRUE(decided.contains(d.line)) << "decisions.txt:" << d.line << " decides nothing";
    for (const auto& rule : d.rules) {
      EXPECT_TRUE(known.contains(rule)) << "decisions.txt:" << d.line << ": " << rule;
    }
  }
  std::cout << cells << " cells, " << decisions().size() << " lines;";
  for (const auto& [answer, n] : answers) std::cout << ' ' << answer << ' ' << n;
  std::cout << '\n';
}

}  // namespace rapport::scenario
