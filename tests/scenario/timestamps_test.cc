// Timestamps beyond the rows of RFC 9293's tables (RFC 7323 3 to 5): which clock value is echoed,
// and when an old one counts no more.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

constexpr Duration kDay = 86'400_s;

const With kTimestamps{.timestamps = true};

With without_quick_acks() {
  return {.timestamps = true, .config = [](stack::Config& c) { c.tcp.quick_acks = 0; }};
}

uint32_t echoed(const Peer& t) {
  return t.heard().options.tsecr;
}

}  // namespace

SCENARIO_TEST("ESTABLISHED: after 24 idle days the last timestamp is void [R7323-22]") {
  auto t = peer::in_established(kTimestamps);
  const uint32_t old = t.tsval_now() - 1;
  t.after(kDay * 24 + 3600_s).hears(data(10_B).ts(old, t.tsval_of_stack()));
  t.says(ack(t.irs + 11_B).ts()).calls_receive(10_B);
  t.holds(echoed(t) == old, "it is the one to echo now");
  t.hears(data(10_B).ts(old + 1, t.tsval_of_stack())).says(ack(t.irs + 21_B));
  t.hears(data(10_B).ts(old, t.tsval_of_stack())).says(ack(t.irs + 21_B));  // PAWS again
  t.holds(t.calls_status().receive_queue == 10_B, "what is older is refused");
}

SCENARIO_TEST("ESTABLISHED: a peer whose clock has gone half round is heard again [R7323-22]") {
  auto t = peer::in_established(kTimestamps);
  t.after(kDay * 25).hears(data(10_B)).says(ack(t.irs + 11_B)).calls_receive(10_B);
}

SCENARIO_TEST("ESTABLISHED: for 24 days the last timestamp holds [R7323-22, R7323-19]") {
  auto t = peer::in_established(kTimestamps);
  const uint32_t old = t.tsval_now() - 1;
  t.after(kDay * 23).hears(data(10_B).ts(old, t.tsval_of_stack())).says(ack(t.irs + 1_B));
  t.dropped_as(DropReason::PawsRejected).calls_receive(Error::WouldBlock);
}

// That 2^32 is the modulus is from memory, and plain from the size of the field.
SCENARIO_TEST("ESTABLISHED: timestamps are compared modulo 2^32 [R7323-21]") {
  auto t = peer::in_syn_sent(kTimestamps);
  t.hears(t.syn_of_peer().ack(t.iss + 1_B).ts(0xffff'fff0, t.tsval_of_stack())).says(ack());
  t.hears(data(10_B).ts(5, t.tsval_of_stack())).says(ack(t.irs + 11_B));  // newer, though wrapped
  t.hears(data(10_B).ts(0xffff'fff5, t.tsval_of_stack())).says(ack(t.irs + 11_B));  // older
  t.dropped_as(DropReason::PawsRejected);
}

SCENARIO_TEST("ESTABLISHED: a delayed ACK echoes the first segment that it covers [R7323-17]") {
  auto t = peer::in_established(without_quick_acks());
  const uint32_t first = t.tsval_now() + 5;
  t.hears(data(10_B).ts(first, t.tsval_of_stack())).says_nothing();
  t.hears(data(10_B).seq(t.irs + 11_B).ts(first + 7, t.tsval_of_stack())).says_nothing();
  t.after(40_ms).says(ack(t.irs + 21_B));
  t.holds(echoed(t) == first, "the earlier of the two");
}

SCENARIO_TEST(
    "ESTABLISHED: a segment beyond a hole is not echoed, the one that fills it is "
    "[R7323-18]") {
  auto t = peer::in_established(kTimestamps);
  const uint32_t before = t.tsval_now();
  t.after(1_s).hears(data(10_B).seq(t.irs + 11_B)).says(ack(t.irs + 1_B));
  t.holds(echoed(t) == before, "the last in order");
  t.after(1_s).hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 21_B));
  t.holds(echoed(t) == t.tsval_now(), "the one that filled the hole");
}

SCENARIO_TEST(
    "ESTABLISHED: the last segment come again is echoed: its ACK was lost "
    "[R7323-17, U-6]") {
  auto t = peer::in_established(kTimestamps);
  t.hears(data(10_B)).says(ack(t.irs + 11_B));
  t.after(3_s).hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 11_B));
  t.holds(echoed(t) == t.tsval_now(), "this copy, or its sender takes 3 s for a round trip");
}

SCENARIO_TEST("TIME-WAIT: the FIN come again is echoed: its ACK was lost [R7323-17, SA-TW-18]") {
  auto t = peer::in_time_wait(kTimestamps);
  t.after(3_s).hears(fin().seq(t.rcv_nxt() - 1_B)).says(ack(t.rcv_nxt()));
  t.holds(echoed(t) == t.tsval_now(), "this copy");
}

SCENARIO_TEST("ESTABLISHED: an older segment come again is not echoed [R7323-17]") {
  auto t = peer::in_established(kTimestamps);
  t.hears(data(10_B)).says(ack(t.irs + 11_B)).hears(data(10_B)).says(ack(t.irs + 21_B));
  const uint32_t last = t.tsval_now();
  t.after(3_s).hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 21_B));
  t.holds(echoed(t) == last, "it does not end where our last ACK did");
}

// 1 ms to 1 s a tick: from memory.
SCENARIO_TEST("ESTABLISHED: our clock ticks each millisecond and never goes back [R7323-23]") {
  auto t = peer::in_established(kTimestamps);
  uint32_t last = t.tsval_of_stack();
  for (const auto step : {1_ms, 10_ms, 1000_ms, 500'000_ms}) {
    t.after(step).hears(data(1_B)).says(ack());
    t.holds(t.tsval_of_stack() - last == static_cast<uint32_t>(step.to_ms()), "as time passed");
    last = t.tsval_of_stack();
  }
}

SCENARIO_TEST("SYN-SENT: a SYN echoes nothing [R7323-14]") {
  auto t = peer::in_syn_sent();
  t.holds(t.heard().options.has_timestamps && echoed(t) == 0, "TSecr is zero without ACK");
}

SCENARIO_TEST(
    "ESTABLISHED: every segment carries timestamps once agreed, none where not "
    "[R7323-9, R7323-13]") {
  auto t = peer::in_established(kTimestamps);
  t.calls_send(10_B).says(data(10_B).ts()).after(200_ms).says(data(10_B).ts());
  t.hears(data(10_B)).says(ack().ts()).calls_shutdown_write().says(fin().ts());
  auto u = peer::in_established({.timestamps = false});
  u.hears(data(10_B).ts(u.tsval_now(), 0)).says(ack(u.irs + 11_B).no_ts()).calls_receive(10_B);
  u.calls_send(10_B).says(data(10_B).no_ts());
}

// Long text is summed and copied on its way in: what it leaves must be what short text leaves.
SCENARIO_TEST("ESTABLISHED: text of any length goes through the same checks [R7323-25, R7323-19]") {
  const auto echoes = [](ByteCount n) {
    auto t = peer::in_established({.sack = false, .timestamps = true});
    const uint32_t clock = t.tsval_now();
    const Seq base = t.rcv_nxt();
    std::vector<uint32_t> all;
    const auto hears = [&](uint32_t segment, uint32_t ahead) {
      t.hears(data(n).seq(base + n * segment).ts(clock + ahead, t.tsval_of_stack()));
      t.says(ack());
      all.push_back(echoed(t) - clock);
    };
    hears(0, 5);
    hears(1, 4);  // older: refused
    t.dropped_as(DropReason::PawsRejected).holds(t.rcv_nxt() == base + n, "it is not taken");
    hears(2, 9);  // beyond a hole
    hears(1, 7);
    hears(3, 7);
    hears(4, 20);
    t.calls_receive(n * 5);
    return all;
  };
  auto t = peer::in_closed();
  const std::vector<uint32_t> wanted{5, 5, 5, 7, 7, 20};
  t.holds(echoes(10_B) == wanted, "short text");
  t.holds(echoes(1000_B) == wanted, "long text");
}

}  // namespace rapport::scenario
