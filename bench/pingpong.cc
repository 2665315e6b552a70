// One octet there and one back on one connection, in memory: bursts of one.
#include "couple.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/counters.hh"
#include "report.hh"
#include "work.hh"

#include <array>
#include <cstdint>

namespace rapport::bench {

namespace {

constexpr uint16_t kPort = 80;

struct Game {
  Couple couple{config_at(1, 1, 1), config_at(2, 1, 2), 1024};
  Handle left, right;

  Game() {
    const auto l = couple.right.stack.command(
        tcp::Listen{.local_address = {}, .port = kPort, .remote = {}}, couple.now);
    require(l.has_value(), "listen");
    const auto c = couple.left.stack.command(
        tcp::Connect{.remote = {IpAddress::v4(10, 0, 2, 1), kPort}, .local_address = {}},
        couple.now);
    require(c.has_value(), "connect");
    left = *c;
    for (int i = 0; i < 4; ++i) {
      couple.left.collect();
      while (couple.hand_over(couple.left, couple.right)) {
      }
      couple.right.collect();
      while (couple.hand_over(couple.right, couple.left)) {
      }
    }
    const auto a = couple.right.stack.command(tcp::Accept{*l}, couple.now);
    require(a.has_value(), "accept");
    right = *a;
    tcp::Occurrence o;
    while (couple.left.stack.next_event(o)) {
    }
    while (couple.right.stack.next_event(o)) {
    }
  }

  // `from` sends one octet, `to` reads it when it is told.
  void hit(End& from, Handle sender, End& to) {
    static constexpr std::array<uint8_t, 1> kBall{'o'};
    std::array<uint8_t, 8> text{};
    require(from.stack.command(tcp::Send{sender, kBall}, couple.now).has_value(), "send");
    from.collect();
    from.keep_time(couple.now);
    while (couple.hand_over(from, to)) {
    }
    tcp::Occurrence o;
    uint32_t got = 0;
    while (to.stack.next_event(o)) {
      if (!o.is(tcp::What::Readable)) continue;
      const auto n = to.stack.command(tcp::Receive{o.handle, text}, couple.now);
      got += n.has_value() ? n->v : 0;
    }
    require(got == 1, "one octet");
  }

  void play(uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; ++i) {
      couple.now += 1_us;
      hit(couple.left, left, couple.right);
      hit(couple.right, right, couple.left);
    }
  }
};

}  // namespace

double pingpong(uint32_t rounds) {
  Game game;
  game.play(rounds / 10);
  const double start = seconds();
  game.play(rounds);
  const double took = seconds() - start;
  const tcp::Counters& c = game.couple.left.stack.counters();
  require(c.retransmissions == 0 && c.timeouts == 0, "nothing is sent again");
  return rounds / took;
}

}  // namespace rapport::bench
