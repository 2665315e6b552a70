// Stack::fingerprint(): the same history gives the same value, and a history that differs in one
// protocol field another.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr IpAddress kLeft = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kRight = IpAddress::v4(10, 0, 0, 2);

using Change = std::function<void(stack::Config&)>;

// A (looked at) is connected to B, which is what it always is.
class Couple {
 public:
  explicit Couple(const Change& change = [](stack::Config&) {})
      : a(changed(change), frames_a), b(config_of(2, 64), frames_b) {
    listener = *b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, now);
    client = *a.command(
        tcp::Connect{.remote = {kRight, 80}, .local_address = {}, .local_port = 5000}, now);
    settle();
    server = *b.command(tcp::Accept{listener}, now);
    events();
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (Frame f = a.next_frame(); f; f = a.next_frame(), moved = true) b.receive({&f, 1}, now);
      for (Frame f = b.next_frame(); f; f = b.next_frame(), moved = true) a.receive({&f, 1}, now);
    }
  }

  // A hears this from B's end of the connection, which has no timestamps.
  void hears(wire::Flags flags, ByteCount beyond) {
    const tcp::Status s = *a.command(tcp::GetStatus{client}, now);
    ASSERT_FALSE(s.timestamps);
    const wire::SegmentHead head{80, 5000, s.rcv_nxt + beyond, s.snd_nxt, flags, 500, 0, nullptr};
    constexpr uint16_t tcp_octets = 20;
    Frame f = frames_b.allocate(0);
    f.reshape(0, 20U + tcp_octets);
    wire::Ipv4 ip;
    ip.source = kRight;
    ip.destination = kLeft;
    ip.protocol = wire::kProtocolTcp;
    wire::build_ipv4(f.data(), ip, tcp_octets);
    wire::build_tcp(f.data() + 20, head, kRight, kLeft, {});
    a.receive({&f, 1}, now);
    while (a.next_frame()) {
    }
  }

  void events() {
    tcp::Occurrence o;
    while (a.next_event(o) || b.next_event(o)) {
    }
  }

  void sends_and_is_acknowledged() {
    const uint8_t octet[1] = {1};
    std::ignore = a.command(tcp::Send{client, octet}, now);
    settle();
    now += 100_ms;
    b.expire(now);
    settle();
    events();
  }

  void sets(const std::function<void(tcp::ConnectionOptions&)>& change) {
    auto o = a.command(tcp::GetStatus{client}, now)->options;
    change(o);
    EXPECT_TRUE(a.command(tcp::SetOptions{client, o}, now).has_value());
    settle();
  }

  FramePool frames_a{64, 2048}, frames_b{64, 2048};
  stack::Stack a, b;
  Instant now{1'000'000'000};
  Handle client, server, listener;

 private:
  static stack::Config changed(const Change& change) {
    stack::Config c = config_of(1, 64);
    change(c);
    return c;
  }
};

// NOLINTBEGIN(misc-const-correctness): it asks for const on what these tests change
TEST(Fingerprint, TheSameHistoryGivesTheSameValue) {
  Couple x;
  Couple y;
  EXPECT_EQ(x.a.fingerprint(), y.a.fingerprint());
  x.sends_and_is_acknowledged();
  EXPECT_NE(x.a.fingerprint(), y.a.fingerprint());
  y.sends_and_is_acknowledged();
  EXPECT_EQ(x.a.fingerprint(), y.a.fingerprint());
}

TEST(Fingerprint, AskingChangesNothing) {
  Couple x;
  const uint64_t before = x.a.fingerprint();
  std::ignore = x.a.command(tcp::GetStatus{x.client}, x.now);
  EXPECT_EQ(x.a.fingerprint(), before);
}

TEST(Fingerprint, EveryOptionOfAConnectionCounts) {
  using O = tcp::ConnectionOptions;
  const std::map<std::string, std::function<void(O&)>> changes = {
      {"no_delay", [](O& o) { o.no_delay = true; }},
      {"quick_ack", [](O& o) { o.quick_ack = true; }},
      {"keep_alive", [](O& o) { o.keep_alive = true; }},
      {"keep_alive_octet", [](O& o) { o.keep_alive_octet = true; }},
      {"soft_errors", [](O& o) { o.soft_errors = false; }},
      {"linger", [](O& o) { o.linger = true; }},
      {"dscp", [](O& o) { o.dscp = 1; }},
      {"ttl", [](O& o) { o.ttl = 63; }},
      {"keep_alive_probes", [](O& o) { o.keep_alive_probes = 8; }},
      {"mss_clamp", [](O& o) { o.mss_clamp = 1400; }},
      {"keep_alive_idle", [](O& o) { o.keep_alive_idle = 7201_s; }},
      {"keep_alive_interval", [](O& o) { o.keep_alive_interval = 76_s; }},
      {"linger_time", [](O& o) { o.linger_time = 1_s; }},
      {"user_timeout", [](O& o) { o.user_timeout = 1_s; }},
      {"send_buffer", [](O& o) { o.send_buffer = 1_KiB; }},
      {"receive_buffer", [](O& o) { o.receive_buffer = 255_KiB; }},
  };
  for (const auto& [name, change] : changes) {
    Couple x;
    // With Extras, and options that are not the defaults: only the one differs.
    x.sets([](O& o) { o.user_timeout = 100_s; });
    const uint64_t before = x.a.fingerprint();
    x.sets(change);
    EXPECT_NE(x.a.fingerprint(), before) << name;
  }
}

TEST(Fingerprint, WhatTheHandshakeAgreedOnCounts) {
  const std::map<std::string, Change> changes = {
      {"SACK", [](stack::Config& c) { c.tcp.offer_sack = false; }},
      {"window scaling", [](stack::Config& c) { c.tcp.offer_window_scale = false; }},
      {"timestamps", [](stack::Config& c) { c.tcp.offer_timestamps = false; }},
      {"the timestamp's offset",
       [](stack::Config& c) { c.tcp.randomise_timestamp_offset = false; }},
      {"the shift", [](stack::Config& c) { c.tcp.defaults.receive_buffer = 1024_KiB; }},
      {"every draw", [](stack::Config& c) { c.tcp.seed = 99; }},
  };
  const Couple plain;
  for (const auto& [name, change] : changes) {
    EXPECT_NE(Couple(change).a.fingerprint(), plain.a.fingerprint()) << name;
  }
}

TEST(Fingerprint, TheMomentOfWhatWasHeardSentAndChallengedCounts) {
  const std::map<std::string, std::function<void(Couple&)>> happenings = {
      {"heard", [](Couple& x) { x.hears(wire::kAck, 0_B); }},
      {"sent", [](Couple& x) { x.sends_and_is_acknowledged(); }},
      {"challenged", [](Couple& x) { x.hears(wire::kRst, 5_B); }},
  };
  for (const auto& [name, happens] : happenings) {
    const Change bare = [](stack::Config& c) { c.tcp.offer_timestamps = false; };
    Couple early(bare);
    Couple late(bare);
    Couple as_early(bare);
    late.now += 2_ms;
    for (Couple* x : {&early, &late, &as_early}) {
      happens(*x);
      x->now = Instant{9'000'000'000};
      if (name != "heard") x->hears(wire::kAck, 0_B);  // what was heard last is alike
    }
    EXPECT_EQ(early.a.fingerprint(), as_early.a.fingerprint()) << name;
    EXPECT_NE(early.a.fingerprint(), late.a.fingerprint()) << name;
  }
}

TEST(Fingerprint, ListenersCount) {
  const auto listening = [](const tcp::Listen& l) {
    Couple x;
    EXPECT_TRUE(x.a.command(l, x.now).has_value());
    return x.a.fingerprint();
  };
  const tcp::Listen plain{.local_address = {}, .port = 90, .remote = {}};
  const uint64_t value = listening(plain);
  EXPECT_EQ(listening(plain), value);
  EXPECT_NE(Couple().a.fingerprint(), value);
  tcp::Listen other = plain;
  other.port = 91;
  EXPECT_NE(listening(other), value);
  other = plain;
  other.backlog = 127;
  EXPECT_NE(listening(other), value);
  other = plain;
  other.local_address = kLeft;
  EXPECT_NE(listening(other), value);
  other = plain;
  other.remote = {kRight, 1};
  EXPECT_NE(listening(other), value);
  tcp::ConnectionOptions o;
  o.user_timeout = 5_s;
  other = plain;
  other.options = &o;
  EXPECT_NE(listening(other), value);
}

TEST(Fingerprint, WhatTimeWaitRemembersCounts) {
  const auto time_wait = [](uint8_t ttl) {
    Couple x([ttl](stack::Config& c) { c.tcp.defaults.ttl = ttl; });
    std::ignore = x.a.command(tcp::Close{x.client}, x.now);
    x.settle();
    std::ignore = x.b.command(tcp::Close{x.server}, x.now);
    x.settle();
    x.events();
    EXPECT_EQ(x.a.population().time_wait, 1U);
    return x.a.fingerprint();
  };
  EXPECT_EQ(time_wait(64), time_wait(64));
  EXPECT_NE(time_wait(64), time_wait(63));
}

// NOLINTEND(misc-const-correctness)

}  // namespace
}  // namespace rapport::test
