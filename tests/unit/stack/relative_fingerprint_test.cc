// Stack::relative_fingerprint(): the same life at another time and with other secrets has the same
// value; what may make a difference from now on has another.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr IpAddress kLeft = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kRight = IpAddress::v4(10, 0, 0, 2);

struct Birth {
  Instant at{1'000'000'000};
  uint64_t seed = 1;
  std::function<void(tcp::Config&)> change = [](tcp::Config&) {};
};

// A opens to B, 5 ms each way; what is under way may be lost. An outsider counts along.
class Life {
 public:
  explicit Life(const Birth& birth)
      : now(birth.at), a(config(birth, 1), frames_a_), b(config(birth, 2), frames_b_) {
    tcp::Listen listen;
    listen.port = 80;
    listener = *b.command(listen, now);
  }

  void opens() {
    client = *a.command(
        tcp::Connect{.remote = {kRight, 80}, .local_address = {}, .local_port = 5000}, now);
    trips(4);
    server = *b.command(tcp::Accept{listener}, now);
    trips(0);
  }

  // So many times 5 ms pass, frames arriving after each.
  void trips(int n) {
    carry(true);
    for (int i = 0; i < n; ++i) {
      passes(5_ms);
      carry(true);
    }
  }

  void passes(Duration d) {
    now += d;
    while (a.next_deadline() <= now) a.expire(now);
    while (b.next_deadline() <= now) b.expire(now);
  }

  // What both have to say is lost.
  void loses() {
    carry(false);
    events();
  }

  void says(stack::Stack& s, Handle h, size_t octets) {
    const std::array<uint8_t, 64> text{1, 2, 3};
    std::ignore = s.command(tcp::Send{h, std::span(text).first(octets)}, now);
  }

  void reads(stack::Stack& s, Handle h) {
    std::array<uint8_t, 64> into{};
    std::ignore = s.command(tcp::Receive{h, into}, now);
  }

  [[nodiscard]] uint64_t of_a() {
    const stack::Origin o = origin(0);
    return a.relative_fingerprint(now, {&o, 1});
  }

  [[nodiscard]] uint64_t of_b() {
    const stack::Origin o = origin(1);
    return b.relative_fingerprint(now, {&o, 1});
  }

  Instant now;
  FramePool frames_a_{256, 2048}, frames_b_{256, 2048};
  stack::Stack a, b;
  Handle listener, client, server;

 private:
  static stack::Config config(const Birth& birth, uint8_t host) {
    stack::Config c = config_of(host, 8);
    c.tcp.seed = birth.seed * 2 + host;
    c.tcp.two_msl = 2_s;
    birth.change(c.tcp);
    return c;
  }

  // What both have to say now, to each other; their answers wait for the next time.
  void carry(bool arrives) {
    std::vector<Frame> of_a;
    std::vector<Frame> of_b;
    while (Frame f = a.next_frame()) of_a.push_back(std::move(f));
    while (Frame f = b.next_frame()) of_b.push_back(std::move(f));
    for (Frame& f : of_a) pass(f, 0, b, arrives);
    for (Frame& f : of_b) pass(f, 1, a, arrives);
    events();
  }

  void pass(Frame& f, size_t from, stack::Stack& to, bool arrives) {
    const auto ip = wire::parse_ipv4(f.bytes());
    ASSERT_TRUE(ip.has_value());
    wire::Segment s;
    ASSERT_EQ(wire::parse_tcp(ip->payload, ip->source, ip->destination,
                              wire::Checksum::AlreadyVerified, s),
              DropReason::None);
    if (s.flags.any(wire::kSyn)) iss_.at(from) = s.seq;
    if (s.options.has_timestamps) clock_.at(from) = s.options.tsval - now.tick().v;
    if (arrives) to.receive({&f, 1}, now);
  }

  void events() {
    tcp::Occurrence o;
    while (a.next_event(o) || b.next_event(o)) {
    }
  }

  [[nodiscard]] stack::Origin origin(size_t who) const {
    stack::Origin o;
    o.remote = who == 0 ? Endpoint{kRight, 80} : Endpoint{kLeft, 5000};
    o.local_port = who == 0 ? 5000 : 80;
    o.iss = iss_.at(who);
    o.irs = iss_.at(1 - who);
    o.clock = clock_.at(who) + now.tick().v;
    o.peer_clock = clock_.at(1 - who) + now.tick().v;
    return o;
  }

  std::array<Seq, 2> iss_{};
  std::array<uint32_t, 2> clock_{};
};

// A whole life, looked at on the way: opening, text that is lost and sent again, closing,
// TIME-WAIT.
std::map<std::string, std::pair<uint64_t, uint64_t>> stations(const Birth& birth) {
  Life l(birth);
  std::map<std::string, std::pair<uint64_t, uint64_t>> seen;
  const auto look = [&](const std::string& where) { seen[where] = {l.of_a(), l.of_b()}; };
  look("listening");
  l.client = *l.a.command(
      tcp::Connect{.remote = {kRight, 80}, .local_address = {}, .local_port = 5000}, l.now);
  l.trips(1);
  look("half open");
  l.trips(3);
  l.server = *l.b.command(tcp::Accept{l.listener}, l.now);
  look("established");
  l.says(l.a, l.client, 10);
  l.loses();
  look("lost");
  l.passes(250_ms);
  l.trips(3);
  look("sent again");
  l.reads(l.b, l.server);
  std::ignore = l.a.command(tcp::ShutdownWrite{l.client}, l.now);
  l.trips(3);
  look("half closed");
  std::ignore = l.b.command(tcp::Close{l.server}, l.now);
  l.trips(3);
  look("time-wait");
  l.passes(1_s);
  look("time-wait, a second later");
  l.passes(2_s);
  l.trips(1);
  look("over");
  return seen;
}

TEST(RelativeFingerprint, IsThatOfTheSameLifeAtAnotherTimeAndWithOtherSecrets) {
  const auto first = stations({});
  for (const Birth& other : {Birth{.seed = 77}, Birth{.at = Instant{} + 12'345_s},
                             Birth{.at = Instant{} + 4'294'966_s, .seed = 5}}) {
    const auto again = stations(other);
    ASSERT_EQ(first.size(), again.size());
    for (const auto& [where, values] : first) {
      EXPECT_EQ(values.first, again.at(where).first) << where << ": A";
      EXPECT_EQ(values.second, again.at(where).second) << where << ": B";
    }
  }
}

TEST(RelativeFingerprint, DiffersFromStationToStation) {
  std::set<uint64_t> values;
  const auto seen = stations({});
  for (const auto& [where, both] : seen) {
    if (where == "over") continue;
    EXPECT_TRUE(values.insert(both.first ^ both.second * 3).second) << where;
  }
  EXPECT_EQ(seen.at("over").second, seen.at("listening").second) << "nothing of it is left";
}

TEST(RelativeFingerprint, ForgetsALifeThatIsOver) {
  Life fresh({});
  fresh.opens();
  Life second({});
  second.opens();
  std::ignore = second.a.command(tcp::Close{second.client}, second.now);
  second.trips(2);
  std::ignore = second.b.command(tcp::Close{second.server}, second.now);
  second.trips(3);
  second.passes(3_s);
  second.trips(1);
  second.opens();
  EXPECT_EQ(fresh.of_a(), second.of_a());
  EXPECT_EQ(fresh.of_b(), second.of_b());
}

using Doing = std::function<void(Life&)>;

// What A's value may not be blind to: each makes an open connection another one.
const std::map<std::string, Doing>& doings() {
  static const std::map<std::string, Doing> all{
      {"text under way",
       [](Life& l) {
         l.says(l.a, l.client, 1);
         l.loses();
       }},
      {"more text under way",
       [](Life& l) {
         l.says(l.a, l.client, 2);
         l.loses();
       }},
      {"text under way for a millisecond",
       [](Life& l) {
         l.says(l.a, l.client, 1);
         l.loses();
         l.passes(1_ms);
       }},
      {"text sent again",
       [](Life& l) {
         l.says(l.a, l.client, 1);
         l.loses();
         l.passes(250_ms);
         l.loses();
       }},
      {"unread text",
       [](Life& l) {
         l.says(l.b, l.server, 1);
         l.trips(2);
       }},
      {"text beyond a hole",
       [](Life& l) {
         l.says(l.b, l.server, 1);
         l.loses();
         l.says(l.b, l.server, 1);
         l.trips(2);
       }},
      {"the peer's FIN",
       [](Life& l) {
         std::ignore = l.b.command(tcp::ShutdownWrite{l.server}, l.now);
         l.trips(2);
       }},
      {"our FIN",
       [](Life& l) {
         std::ignore = l.a.command(tcp::ShutdownWrite{l.client}, l.now);
         l.loses();
       }},
      {"an orphan",
       [](Life& l) {
         std::ignore = l.a.command(tcp::Close{l.client}, l.now);
         l.loses();
       }},
      {"a reset",
       [](Life& l) {
         std::ignore = l.b.command(tcp::Abort{l.server}, l.now);
         l.trips(1);
       }},
      {"text that was acknowledged",
       [](Life& l) {
         l.says(l.a, l.client, 5);
         l.trips(2);
         l.reads(l.b, l.server);
         l.trips(2);
       }},
      {"keep-alive",
       [](Life& l) {
         tcp::ConnectionOptions o;
         o.keep_alive = true;
         std::ignore = l.a.command(tcp::SetOptions{l.client, o}, l.now);
       }},
      {"keep-alive for a while",
       [](Life& l) {
         tcp::ConnectionOptions o;
         o.keep_alive = true;
         std::ignore = l.a.command(tcp::SetOptions{l.client, o}, l.now);
         l.passes(3_ms);
       }},
      {"a user timeout",
       [](Life& l) {
         tcp::ConnectionOptions o;
         o.user_timeout = 9_s;
         std::ignore = l.a.command(tcp::SetOptions{l.client, o}, l.now);
       }},
      {"Nagle off",
       [](Life& l) {
         tcp::ConnectionOptions o;
         o.no_delay = true;
         std::ignore = l.a.command(tcp::SetOptions{l.client, o}, l.now);
       }},
      {"another listener",
       [](Life& l) {
         tcp::Listen listen;
         listen.port = 99;
         std::ignore = l.a.command(listen, l.now);
       }},
      {"a drain",
       [](Life& l) {
         l.a.drain(l.now, l.now + 9_s);
         l.loses();
       }},
      {"half a millisecond", [](Life& l) { l.passes(Duration{500'000}); }},
  };
  return all;
}

TEST(RelativeFingerprint, SeesEveryDifferenceThatMatters) {
  std::map<uint64_t, std::string> seen;
  Life plain({});
  plain.opens();
  seen[plain.of_a()] = "nothing";
  for (const auto& [what, doing] : doings()) {
    Life l({});
    l.opens();
    doing(l);
    const auto [at, fresh] = seen.try_emplace(l.of_a(), what);
    EXPECT_TRUE(fresh) << what << " looks like " << at->second;
  }
}

TEST(RelativeFingerprint, SeesWhatTheHandshakeAgreedOn) {
  const std::map<std::string, std::function<void(tcp::Config&)>> changes{
      {"nothing", [](tcp::Config&) {}},
      {"no scaling", [](tcp::Config& c) { c.offer_window_scale = false; }},
      {"no SACK", [](tcp::Config& c) { c.offer_sack = false; }},
      {"no timestamps", [](tcp::Config& c) { c.offer_timestamps = false; }},
      {"a small window", [](tcp::Config& c) { c.defaults.receive_buffer = 4096_B; }},
      {"fewer quick ACKs", [](tcp::Config& c) { c.quick_acks = 3; }},
  };
  std::map<uint64_t, std::string> seen;
  for (const auto& [what, change] : changes) {
    Birth birth;
    birth.change = change;
    Life l(birth);
    l.opens();
    const auto [at, fresh] = seen.try_emplace(l.of_a(), what);
    EXPECT_TRUE(fresh) << what << " looks like " << at->second;
  }
}

TEST(RelativeFingerprint, SeesTimeWaitRun) {
  Life l({});
  l.opens();
  std::ignore = l.a.command(tcp::Close{l.client}, l.now);
  l.trips(2);
  std::ignore = l.b.command(tcp::Close{l.server}, l.now);
  l.trips(3);
  ASSERT_EQ(l.a.state_of({kLeft, 5000}, {kRight, 80}), tcp::State::TimeWait);
  const uint64_t before = l.of_a();
  EXPECT_EQ(before, l.of_a()) << "asking changes nothing";
  l.passes(1_ms);
  EXPECT_NE(before, l.of_a()) << "2MSL runs";
}

}  // namespace
}  // namespace rapport::test
