// SA-ALL: what holds in many states at once: PAWS, throttling, the user timeout, retransmission,
// keep-alive probes, bursts, and the invariants of RST and of bare ACKs.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

const With kTimestamps{.timestamps = true};

std::vector<Start> with_syn_received() {
  auto all = synchronized_starts();
  all.insert(all.begin(), {Start::SynReceivedActive, Start::SynReceivedPassive});
  return all;
}

std::vector<Start> every_start() {
  auto all = with_syn_received();
  all.insert(all.begin(), {Start::Closed, Start::Listen, Start::SynSent});
  return all;
}

Seg answer(const Peer& t) {
  return ack(t.rcv_nxt()).seq(t.snd_nxt());
}

// The states in which we have something to say that is not acknowledged, with text before a FIN.
struct Sending {
  const char* title;
  State state;
  bool closes, peer_closed;
};

constexpr Sending kSending[] = {{"FIN-WAIT-1", State::FinWait1, true, false},
                                {"CLOSE-WAIT", State::CloseWait, false, true},
                                {"CLOSING", State::Closing, true, true},
                                {"LAST-ACK", State::LastAck, true, true}};

// Text of `segments` full segments and perhaps a FIN are queued; what is sent of them is expected
// by the caller. CLOSING: the peer's FIN crosses ours.
Peer sending(const Sending& s, ByteCount text, const With& with = {}) {
  auto t = peer::in_established(with);
  const Seq una = t.iss + 1_B;
  if (s.peer_closed && s.state != State::Closing) t.hears(fin()).says(ack(t.irs + 2_B));
  t.calls_send(text).may_have_said_anything();
  if (s.closes) t.calls_shutdown_write().may_have_said_anything();
  if (s.state == State::Closing) t.hears(fin().ack(una)).says(ack(t.irs + 2_B));
  t.is(s.state).forgets_what_was_told();
  return t;
}

bool add_sending(const char* file, int line, const std::string& title,
                 void (*story)(const Sending&)) {
  for (const auto& s : kSending) {
    add(file, line, std::string(s.title) + ": " + title, [&s, story] { story(s); });
  }
  return true;
}

// How the reset rows end for a row's state.
void ended_by_reset(Peer& t, const Row& row) {
  switch (row.start) {
    case Start::Closed: t.is(State::Closed); return;
    case Start::Listen:
    case Start::SynReceivedPassive: t.is(State::Listen).is_told_nothing(); return;
    case Start::TimeWait: t.is(State::TimeWait); return;  // choice 1
    case Start::SynSent:
    case Start::SynReceivedActive: t.is_told_ended(CloseReason::Refused).is_gone(); return;
    default: t.is_told_ended(CloseReason::ResetByPeer).is_gone(); return;
  }
}

}  // namespace

SCENARIO_ROWS("a segment older than the last timestamp is answered and dropped (PAWS)",
              also("R7323-19", rows_of("SA-ALL-01", with_syn_received(), kTimestamps))) {
  auto t = row.begins();
  const uint32_t old = t.tsval_now() - 1;
  t.hears(data(10_B).ack(t.snd_una()).ts(old, t.tsval_of_stack()));
  t.says(answer(t).ts()).is(row.state()).is_told_nothing();
  auto u = row.begins();
  u.hears(ack().ts(old - 1'000'000, u.tsval_of_stack())).says(answer(u)).is(row.state());
  // A SYN too, before it is looked at as one: it must not end a handshake (SA-SYNRCVD-11).
  auto v = row.begins();
  v.hears(syn().seq(v.rcv_nxt()).ts(v.tsval_now() - 1'000, 0)).says(answer(v)).is(row.state());
}

SCENARIO_ROWS("PAWS is not for resets",
              also("R7323-20", rows_of("SA-ALL-02", synchronized_starts(), kTimestamps))) {
  auto t = row.begins();
  t.hears(rst().ts(t.tsval_now() - 1'000'000, 0)).says_nothing();
  ended_by_reset(t, row);
}

SCENARIO_ROWS("the timestamp of a reset is not taken over",
              rows_of("SA-ALL-02", synchronized_starts(), kTimestamps)) {
  auto t = row.begins();
  t.hears(rst().seq(t.rcv_nxt() + 5_B).ts(t.tsval_now() + 1'000'000, 0)).says(answer(t));
  t.after(1_ms).may_have_said_anything();
  // TS.Recent stayed: this is no old segment.
  t.hears(ack(t.snd_una())).says_nothing().is(row.state());
}

SCENARIO_ROWS("a segment without the timestamp that was agreed on is dropped",
              also("R7323-11, R7323-12",
                   rows_of("SA-ALL-03", synchronized_starts(), kTimestamps))) {
  auto t = row.begins();
  t.hears(data(10_B).no_ts()).says_nothing().is(row.state()).is_told_nothing();
  t.hears(data(10_B).seq(t.rcv_nxt() - 10_B).no_ts()).says_nothing().is(row.state());
  t.hears(ack().no_ts()).says_nothing().is(row.state());
}

SCENARIO_ROWS("a half-open entry drops what lacks the timestamp that was agreed on",
              also("R7323-12", rows_of("SA-ALL-03", {Start::SynReceivedPassive}, kTimestamps))) {
  auto t = row.begins();
  t.hears(ack(t.snd_nxt()).no_ts()).says_nothing().dropped_as(DropReason::TimestampMissing);
  t.is(row.state());
}

SCENARIO_ROWS("damaged segments change nothing and are never answered",
              also("MUST-3", rows_of("SA-ALL-04", every_start()))) {
  auto t = row.begins();
  const Seq number = t.snd_nxt();
  t.hears(ack(number).wrong_checksum()).says_nothing().dropped_as(DropReason::TcpChecksum);
  t.hears(rst().ack(number).wrong_checksum()).says_nothing();
  t.hears(syn().wrong_checksum()).says_nothing();
  t.hears(ack(number).cut_to(19)).says_nothing().dropped_as(DropReason::TcpTooShort);
  t.hears(ack(number).data_offset(4)).says_nothing().dropped_as(DropReason::TcpDataOffset);
  t.hears(ack(number).data_offset(15)).says_nothing().dropped_as(DropReason::TcpDataOffset);
  t.is(row.state()).is_told_nothing();
}

SCENARIO_ROWS("challenges are throttled",
              also("R5961-4", rows_of("SA-ALL-05", synchronized_starts()))) {
  auto t = row.begins();
  const Seg provocation = rst().seq(t.rcv_nxt() + 5_B);
  t.hears(provocation).says(answer(t));
  for (int i = 0; i < 10; ++i) t.hears(provocation).says_nothing();
  t.after(600_ms).may_have_said_anything();  // a FIN of ours may have left again
  t.hears(provocation).says(answer(t)).is(row.state());
}

SCENARIO_ROWS("the user timeout ends what is not acknowledged, and says so",
              also("U-24",
                   rows_of("SA-ALL-06",
                           {Start::SynSent, Start::SynReceivedActive, Start::Established,
                            Start::EstablishedPassive, Start::FinWait1, Start::CloseWait,
                            Start::Closing, Start::LastAck},
                           {.options = [](tcp::ConnectionOptions& o) { o.user_timeout = 5_s; }}))) {
  auto t = row.begins();
  if (row.state() == State::Established || row.state() == State::CloseWait) {
    t.calls_send(10_B).says(data(10_B));
  }
  t.after(5_s - 1_ms).may_have_said_anything().is(row.state()).is_not_told(What::Ended);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::UserTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("the front of the queue leaves again when its ACK does not come",
              also("U-25",
                   rows_of("SA-ALL-07",
                           {Start::SynSent, Start::SynReceivedActive, Start::SynReceivedPassive,
                            Start::Established, Start::EstablishedPassive, Start::FinWait1,
                            Start::CloseWait, Start::Closing, Start::LastAck}))) {
  auto t = row.begins();
  Seg front = fin().seq(t.snd_nxt() - 1_B).ack(t.rcv_nxt());
  switch (row.state()) {
    case State::SynSent: front = syn().seq(t.iss); break;
    case State::SynReceived: front = syn().seq(t.iss).ack(t.irs + 1_B); break;
    case State::Established:
    case State::CloseWait:
      front = data(10_B).seq(t.iss + 1_B).ack(t.rcv_nxt());
      t.calls_send(10_B).says(front);
      break;
    default: break;
  }
  for (int i = 0; i < 3; ++i) t.after_next_timer().says(front).says_nothing().is(row.state());
}

SCENARIO_ROWS("a keep-alive probe is answered, its octet thrown away",
              also("U-6", rows_of("SA-ALL-08", synchronized_starts()))) {
  auto t = row.begins();
  t.hears(ack(t.snd_una()).seq(t.rcv_nxt() - 1_B)).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.hears(data(1_B).seq(u.rcv_nxt() - 1_B).ack(u.snd_una()).filled_with(0));
  u.says(answer(u)).is(row.state()).is_told_nothing();
}

SCENARIO_ROWS("a burst of segments is acknowledged once",
              rows_of("SA-ALL-09", {Start::Established, Start::EstablishedPassive, Start::FinWait1,
                                    Start::FinWait2})) {
  auto t = row.begins();
  const Seq next = t.rcv_nxt();
  const Seq una = t.snd_una();
  t.hears_burst({data(100_B).seq(next).ack(una), data(100_B).seq(next + 100_B).ack(una),
                 data(100_B).seq(next + 200_B).ack(una)});
  t.says(ack(next + 300_B)).says_nothing().is(row.state());
  t.calls_receive(300_B);
}

SCENARIO_ROWS("a reset never draws a reset", also("U-10", rows_of("SA-ALL-10", every_start()))) {
  // Peer fails the story when a RST answers a RST; every kind from everywhere is tried.
  for (const auto where : {0_B, 1_B, 1000_B, 0x7fffffff_B, 0x80000000_B, 0xffffffff_B}) {
    for (const auto number : {0_B, 1_B, 2_B, 0x80000000_B, 0xffffffff_B}) {
      auto t = row.begins();
      t.hears(rst().seq(t.rcv_nxt() + where).ack(t.snd_nxt() + number)).may_have_said_anything();
      auto u = row.begins();
      u.hears(rst().seq(u.rcv_nxt() + where)).may_have_said_anything();
    }
  }
}

SCENARIO_ROWS("with a closed window an exact reset counts and no other",
              rows_of("SA-ALL-11", with_syn_received(), {.window_closed = true})) {
  auto t = row.begins();
  t.hears(rst().seq(t.rcv_nxt() + 1_B)).says_nothing().is(row.state());
  t.hears(rst().seq(t.rcv_nxt() - 1_B)).says_nothing().is(row.state());
  t.hears(rst()).says_nothing();
  ended_by_reset(t, row);
}

SCENARIO_ROWS("a reset with SYN, FIN, URG and text is a reset",
              also("SHLD-2", rows_of("SA-ALL-12", every_start()))) {
  for (int kind = 0; kind < 5; ++kind) {
    auto t = row.begins();
    Seg s = rst();
    if (row.start == Start::SynSent) s.ack(t.iss + 1_B);
    if (kind == 0 || kind == 4) s.syn();
    if (kind == 1 || kind == 4) s.fin();
    if (kind == 2 || kind == 4) s.urg(100);
    if (kind == 3 || kind == 4) s.text(100_B);
    t.hears(s).says_nothing();
    ended_by_reset(t, row);
  }
}

[[maybe_unused]] static const bool told_third_duplicate = add_sending(
    __FILE__, __LINE__, "the third duplicate ACK makes the oldest segment leave again [SA-ALL-13]",
    [](const Sending& s) {
      auto t = sending(s, 4000_B);
      const Seq una = t.iss + 1_B;
      t.hears(ack(una)).says_nothing();
      t.hears(ack(una)).says_nothing();
      t.hears(ack(una)).says(data(t.largest_text()).seq(una).ack(t.rcv_nxt())).says_nothing();
      t.is(s.state);
    });

[[maybe_unused]] static const bool told_zero_window =
    add_sending(__FILE__, __LINE__,
                "a closed window is probed, and then text and FIN follow [SA-ALL-14, MUST-36]",
                [](const Sending& s) {
                  auto t = sending(s, 100_B, {.window = 0});
                  const Seq una = t.iss + 1_B;
                  for (int i = 0; i < 5; ++i) {
                    t.after_next_timer().says(window_probe(t)).says_nothing();
                    t.hears(ack(una)).says_nothing().is(s.state);
                  }
                  t.window_of_peer(1000);
                  Seg rest = data(100_B).seq(una).ack(t.rcv_nxt());
                  if (s.closes) rest.fin();
                  t.hears(ack(una)).says(rest).says_nothing().is(s.state);
                });

SCENARIO_ROWS("an acceptable bare ACK is never answered",
              rows_of("SA-ALL-16", synchronized_starts())) {
  auto t = row.begins();
  // A third one would make our FIN leave again (SA-ALL-13).
  const int repeats = t.snd_una() == t.snd_nxt() ? 5 : 2;
  for (int i = 0; i < repeats; ++i) t.hears(ack(t.snd_una())).says_nothing().is(row.state());
}

SCENARIO_ROWS("an acceptable bare ACK is not answered by a closed window either",
              rows_of("SA-ALL-16", synchronized_starts(), {.window_closed = true})) {
  auto t = row.begins();
  // A third one would make our FIN leave again (SA-ALL-13).
  const int repeats = t.snd_una() == t.snd_nxt() ? 5 : 2;
  for (int i = 0; i < repeats; ++i) t.hears(ack(t.snd_una())).says_nothing().is(row.state());
}

}  // namespace rapport::scenario
