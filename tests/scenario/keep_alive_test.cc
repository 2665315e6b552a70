// Our own keep-alive (RFC 9293 3.8.4) and our own waiting for a window (3.8.6.1, 3.8.6.2.1).
#include "scenario.hh"

#include <cstdint>
#include <functional>
#include <utility>

namespace rapport::scenario {

namespace {

using Options = tcp::ConnectionOptions;

With keeping_alive(std::function<void(Options&)> more = {}) {
  return {.options = [more = std::move(more)](Options& o) {
    o.keep_alive = true;
    if (more) more(o);
  }};
}

With every_ten_seconds() {
  return keeping_alive([](Options& o) {
    o.keep_alive_idle = 10_s;
    o.keep_alive_interval = 3_s;
    o.keep_alive_probes = 2;
  });
}

// <SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>, no text (SHLD-12).
Seg probe(const Peer& t) {
  return ack(t.rcv_nxt()).seq(t.snd_nxt() - 1_B);
}

Seg last_word(const Peer& t) {
  return rst().seq(t.snd_nxt()).ack(t.rcv_nxt());
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: two idle hours, nine probes 75 s apart, then it is given up "
    "[MUST-28, MUST-29, SHLD-12, MAY-5]") {
  auto t = peer::in_established(keeping_alive());
  t.after(7200_s - 1_ms).says_nothing();
  t.after(1_ms);
  for (int i = 0; i < 9; ++i) {
    t.says(probe(t)).says_nothing().is(State::Established);
    t.after(75_s - 1_ms).says_nothing().after(1_ms);
  }
  t.says(last_word(t)).says_nothing();
  t.is_told_ended(CloseReason::KeepAliveTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: without being asked nothing is probed, for days [MUST-25, R1122-8]") {
  auto t = peer::in_established();
  t.after(86'400_s * 20).says_nothing().is(State::Established);
}

SCENARIO_TEST(
    "ESTABLISHED: interval and number of probes are the application's [MUST-27, MUST-29]") {
  auto t = peer::in_established(every_ten_seconds());
  t.after(10_s - 1_ms).says_nothing().after(1_ms).says(probe(t));
  t.after(3_s - 1_ms).says_nothing().after(1_ms).says(probe(t));
  t.after(3_s - 1_ms).says_nothing().is(State::Established);
  t.after(1_ms).says(last_word(t)).is_told_ended(CloseReason::KeepAliveTimedOut).is_gone();
}

SCENARIO_TEST("ESTABLISHED: a lost answer kills nobody, the next one counts [MUST-29]") {
  auto t = peer::in_established(every_ten_seconds());
  for (int round = 0; round < 5; ++round) {
    t.after(10_s).says(probe(t)).after(3_s).says(probe(t));
    t.after(1_s).hears(ack()).says_nothing().is(State::Established);
  }
}

SCENARIO_TEST("ESTABLISHED: whatever is heard starts the interval anew [MUST-26]") {
  auto t = peer::in_established(every_ten_seconds());
  t.after(9_s).hears(ack()).says_nothing();
  t.after(9_s).hears(data(10_B)).says(ack(t.irs + 11_B));
  t.after(10_s - 1_ms).says_nothing().after(1_ms).says(probe(t));
}

SCENARIO_TEST("ESTABLISHED: nothing is probed while text is outstanding [MUST-26]") {
  auto t = peer::in_established(every_ten_seconds());
  t.after(9_s).calls_send(100_B).says(data(100_B).seq(t.iss + 1_B));
  for (int i = 0; i < 6; ++i) {  // the same text again and again, but no probe
    t.after_next_timer().says(data(100_B).seq(t.iss + 1_B)).says_nothing();
  }
  t.hears(ack()).says_nothing();
  t.after(10_s - 1_ms).says_nothing().after(1_ms).says(probe(t));
}

SCENARIO_TEST("ESTABLISHED: keep-alive is switched on and off while it lives [MUST-24]") {
  auto t = peer::in_established();
  Options o = t.calls_status().options;
  o.keep_alive = true;
  o.keep_alive_idle = 10_s;
  t.after(5_s).calls_set_options(o);
  t.after(5_s - 1_ms).says_nothing().after(1_ms).says(probe(t)).hears(ack()).says_nothing();
  o.keep_alive = false;
  t.calls_set_options(o).after(86'400_s).says_nothing().is(State::Established);
}

SCENARIO_ROWS("the probe carries one octet of nothing when asked to",
              (std::vector<Row>{{Start::Established, "MAY-6"}, {Start::CloseWait, "MAY-6"}})) {
  auto t = row.begins(keeping_alive([](Options& o) { o.keep_alive_octet = true; }));
  // The octet before SND.NXT is our SYN's: no text that was ever given.
  t.after(7200_s);
  t.holds(t.has_more_to_say(), "it probes");
  t.says(data(1_B).seq(t.snd_nxt() - 1_B).ack(t.rcv_nxt())).says_nothing();
  t.hears(ack()).says_nothing().is(row.state());
  t.calls_send(10_B).says(data(10_B).seq(t.iss + 1_B)).hears(ack()).says_nothing();
}

SCENARIO_ROWS("an idle peer is probed here too",
              (std::vector<Row>{{Start::CloseWait, "MAY-5"}, {Start::FinWait2, "MAY-5"}})) {
  auto t = row.begins(every_ten_seconds());
  t.after(10_s).says(probe(t)).after(3_s).says(probe(t)).after(3_s).says(last_word(t));
  t.is_told_ended(CloseReason::KeepAliveTimedOut).is_gone().and_pools_are_empty();
}

// --- a closed or a small window -----------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: probes of a closed window are as rare as told [SHLD-29, SHLD-30]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.persist_max = 1_s; }});
  t.window_of_peer(0);
  t.hears(ack()).says_nothing().calls_send(100_B).says_nothing();
  for (const auto wait : {200_ms, 400_ms, 800_ms, 1000_ms, 1000_ms, 1000_ms}) {
    t.after(wait - 1_ms).says_nothing().after(1_ms).says(window_probe(t)).says_nothing();
    t.hears(ack(t.iss + 1_B)).says_nothing();
  }
}

SCENARIO_TEST("ESTABLISHED: a window too small is used after 200 ms all the same [U-17, MUST-38]") {
  auto t = peer::in_established();
  t.window_of_peer(128);
  t.hears(ack()).says_nothing().calls_send(1000_B).says_nothing();
  t.after(200_ms - 1_ms).says_nothing().after(1_ms).says(data(128_B)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: the override waits as long as it was told [U-17]") {
  auto t = peer::in_established(
      {.config = [](stack::Config& c) { c.tcp.silly_window_override = 700_ms; }});
  t.window_of_peer(128);
  t.hears(ack()).says_nothing().calls_send(1000_B).says_nothing();
  t.after(700_ms - 1_ms).says_nothing().after(1_ms).says(data(128_B)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: half of the largest window is worth sending [U-19, MUST-38]") {
  auto t = peer::in_established({.window = 1024});
  t.window_of_peer(384);
  t.hears(ack()).says_nothing().calls_send(2000_B).says_nothing();  // less than half
  t.window_of_peer(512);
  t.hears(ack(t.iss + 1_B)).says(data(512_B).seq(t.iss + 1_B)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: a window that opens octet by octet is waited out [MUST-38, U-19]") {
  auto t = peer::in_established({.window_scale = false});
  t.window_of_peer(0);
  t.hears(ack()).says_nothing().calls_send(5000_B).says_nothing();
  for (uint32_t open = 1; open < 100; ++open) {
    t.window_of_peer(open);
    t.hears(ack(t.iss + 1_B)).says_nothing();
  }
  t.window_of_peer(2000);
  t.hears(ack(t.iss + 1_B)).says(data(t.largest_text())).says_nothing();
}

}  // namespace rapport::scenario
