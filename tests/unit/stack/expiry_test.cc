// expire() does bounded work, whatever is due: a call lets at most 256 timers of
// all kinds fire, next_deadline() stays due while work is left, and a SYN,ACK for which there is no
// frame uses up no retry.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <cstdint>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr uint64_t kBound = 256;
constexpr uint32_t kCap = 4096;

void throw_away_frames(stack::Stack& s) {
  while (s.next_frame()) {
  }
}

// B listens; A opens, but hears nothing of what B answers.
class Handshakes {
 public:
  explicit Handshakes(uint32_t frames_of_b = 4096)
      : frames_a(64, 2048),
        frames_b(frames_of_b, 2048),
        a(config(1), frames_a),
        b(config(2), frames_b) {
    std::ignore =
        b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}, .backlog = kCap}, now);
  }

  // Each SYN reaches B, each SYN,ACK is lost.
  void begin(uint32_t how_many) {
    for (uint32_t i = 0; i < how_many; ++i) {
      std::ignore = a.command(
          tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, now);
      Frame syn = a.next_frame();
      b.receive(std::span(&syn, 1), now);
      throw_away_frames(b);
    }
  }

  // Whatever is due at this instant; how many SYN,ACKs went out again. Never more than the bound in
  // one call.
  uint64_t everything_due() {
    const uint64_t before = b.counters().syn_ack_retransmissions;
    for (int calls = 0; b.next_deadline() <= now && calls < 100; ++calls) {
      const uint64_t at_call = b.counters().syn_ack_retransmissions;
      b.expire(now);
      EXPECT_LE(b.counters().syn_ack_retransmissions - at_call, kBound);
      throw_away_frames(b);
    }
    EXPECT_GT(b.next_deadline(), now);
    return b.counters().syn_ack_retransmissions - before;
  }

  FramePool frames_a, frames_b;
  stack::Stack a, b;
  Instant now{1'000'000};

 private:
  static stack::Config config(uint8_t host) {
    stack::Config c = config_of(host, kCap);
    c.tcp.max_half_open = 2 * kCap;  // calm: nobody is given up before its time
    return c;
  }
};

TEST(Expiry, ACallLetsABoundedNumberOfHandshakesFire) {
  Handshakes h;
  h.begin(300);
  h.now += 1_s;
  EXPECT_EQ(h.everything_due(), 300U);
  h.now += 1_s;
  h.begin(2000);
  h.now += 1_s;  // the second retry of the 300 and the first of the 2,000
  EXPECT_EQ(h.everything_due(), 2300U);
  EXPECT_EQ(h.b.population().half_open, 2300U);
  EXPECT_EQ(h.b.counters().most_timers_in_a_turn, kBound);
  EXPECT_EQ(h.b.counters().dropped(DropReason::OutboxFull), 0U);
}

TEST(Expiry, ASynAckWithoutAFrameUsesUpNoRetry) {
  constexpr uint32_t frames = 64;
  Handshakes h(frames);
  h.begin(100);
  h.now += 1_s;
  std::vector<Frame> held;  // the device has not sent them yet
  h.b.expire(h.now);
  for (Frame f = h.b.next_frame(); f; f = h.b.next_frame()) held.push_back(std::move(f));
  EXPECT_EQ(held.size(), frames);
  h.b.expire(h.now);
  EXPECT_FALSE(h.b.next_frame());
  EXPECT_GT(h.b.next_deadline(), h.now) << "it would be asked again and again at one instant";
  EXPECT_LE(h.b.next_deadline(), h.now + 200_ms);
  EXPECT_EQ(h.b.counters().dropped(DropReason::PoolExhausted), 2U);
  held.clear();
  h.now = h.b.next_deadline();
  EXPECT_EQ(h.everything_due(), 36U);
  EXPECT_EQ(h.b.counters().syn_ack_retransmissions, 100U);
  // Their next interval is that of the second retry for all.
  h.now += 1'500_ms;
  EXPECT_EQ(h.everything_due(), 0U);
  h.now += 500_ms;
  EXPECT_EQ(h.everything_due(), 100U);
}

TEST(Expiry, ARepeatedSynWithoutAFrameMayBeAnsweredLater) {
  Handshakes h(1);
  const auto c = h.a.command(
      tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, h.now);
  ASSERT_TRUE(c.has_value());
  Frame syn = h.a.next_frame();
  h.b.receive(std::span(&syn, 1), h.now);
  Frame held = h.b.next_frame();
  ASSERT_TRUE(held);
  for (const bool has_frame : {false, true}) {
    if (has_frame) held.reset();
    h.now += 400_ms;
    h.a.expire(h.now = h.a.next_deadline());
    Frame again = h.a.next_frame();
    ASSERT_TRUE(again);
    h.b.receive(std::span(&again, 1), h.now);
    EXPECT_EQ(static_cast<bool>(h.b.next_frame()), has_frame);
  }
}

TEST(Expiry, ACallLetsABoundedNumberOfTimeWaitsGo) {
  Pair p(1024);
  const auto listener = p.b.command(
      tcp::Listen{.local_address = {}, .port = 80, .remote = {}, .backlog = 1024}, p.now);
  std::vector<Handle> clients;
  for (int i = 0; i < 700; ++i) {
    clients.push_back(*p.a.command(
        tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, p.now));
    p.settle();
    const auto server = p.b.command(tcp::Accept{*listener}, p.now);
    std::ignore = p.a.command(tcp::Close{clients.back()}, p.now);
    p.settle();
    std::ignore = p.b.command(tcp::Close{*server}, p.now);
    p.settle();
  }
  ASSERT_EQ(p.a.population().time_wait, 700U);
  p.now += 60_s;
  for (uint32_t left = 700; left > 0;) {
    ASSERT_LE(p.a.next_deadline(), p.now);
    p.a.expire(p.now);
    const uint32_t now_left = p.a.population().time_wait;
    ASSERT_LE(left - now_left, kBound);
    ASSERT_LT(now_left, left);
    left = now_left;
  }
  EXPECT_GT(p.a.next_deadline(), p.now);
}

TEST(Expiry, ACallAbortsABoundedNumberAtTheEndOfADrain) {
  Pair p(1024);
  std::ignore = p.b.command(
      tcp::Listen{.local_address = {}, .port = 80, .remote = {}, .backlog = 1024}, p.now);
  for (int i = 0; i < 1000; ++i) {
    std::ignore = p.a.command(
        tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, p.now);
    p.settle();
  }
  p.a.drain(p.now, p.now + 100_ms);
  throw_away_frames(p.a);  // no FIN arrives
  p.now += 100_ms;
  for (int calls = 0; p.a.next_deadline() <= p.now; ++calls) {
    ASSERT_LT(calls, 100);
    const uint64_t aborted = p.a.counters().ended_by(CloseReason::Drained);
    p.a.expire(p.now);
    ASSERT_LE(p.a.counters().ended_by(CloseReason::Drained) - aborted, kBound);
    throw_away_frames(p.a);
  }
  EXPECT_EQ(p.a.counters().ended_by(CloseReason::Drained), 1000U);
  EXPECT_EQ(p.a.counters().resets_sent, 1000U);
  EXPECT_TRUE(p.a.drained());
}

}  // namespace
}  // namespace rapport::test
