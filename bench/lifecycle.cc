// Lifecycles in memory. Each turn opens 32 connections and moves every other one a step on:
//   SYN -> <- SYN,ACK    octet -> <- octet    FIN -> <- FIN    ACK ->
// so that about 128 are under way and bursts are full. The client closes first and keeps TIME-WAIT.
// The clock moves a fixed step for each lifecycle, so that 2MSL holds 65,536 of them.
#include "couple.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "report.hh"
#include "work.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rapport::bench {

namespace {

constexpr uint32_t kTimeWaits = 65'536;
constexpr uint32_t kOpenings = 32;  // a turn
constexpr uint8_t kClientAddresses = 4;
constexpr uint16_t kPort = 80;
constexpr uint8_t kSyn = 2;

// When each four-tuple of the client was last seen on the wire.
class Tuples {
 public:
  explicit Tuples(Duration two_msl) : two_msl_(two_msl), seen_(size_t{kClientAddresses} << 16) {}

  void sees(std::span<Frame> burst, Instant now) {
    for (const Frame& f : burst) {
      const uint8_t* p = f.data();
      const size_t address = p[15] - 1U;  // 10.0.1.N
      const size_t port = size_t{p[20]} << 8 | p[21];
      Instant& last = seen_[address << 16 | port];
      const bool opens = (p[33] & kSyn) != 0;
      if (opens && last.ns != 0 && now - last < two_msl_) ++early_;
      last = now;
    }
  }

  [[nodiscard]] uint64_t early() const { return early_; }

 private:
  Duration two_msl_;
  std::vector<Instant> seen_;
  uint64_t early_ = 0;
};

stack::Config client_config() {
  return config_at(1, kClientAddresses, 1);
}

}  // namespace

struct Lifecycles::State {
  Couple couple{client_config(), config_at(2, 1, 2), 8192};
  Duration two_msl = client_config().tcp.two_msl;
  // A little less than 2MSL / 65,536: never fewer than that many.
  Duration step{two_msl.ns / (kTimeWaits + 2 * kOpenings)};
  Tuples tuples{two_msl};
  Handle listener;
  uint32_t least = UINT32_MAX;
  uint64_t opened = 0, segments_before = 0, bursts_before = 0, opened_before = 0;

  State();
  void open();
  void client_acts();
  void server_acts();
  void turn(uint32_t openings);

  [[nodiscard]] uint64_t segments() const { return couple.left.segments + couple.right.segments; }
};

Lifecycles::State::State() {
  const auto l = couple.right.stack.command(
      tcp::Listen{.local_address = {}, .port = kPort, .remote = {}, .backlog = 1024}, couple.now);
  require(l.has_value(), "listen");
  listener = *l;
  while (couple.left.stack.population().time_wait < kTimeWaits) turn(kOpenings);
  opened_before = opened;
  segments_before = segments();
  bursts_before = couple.left.bursts + couple.right.bursts;
}

void Lifecycles::State::open() {
  couple.now += step;
  const auto source = static_cast<uint8_t>(1 + opened % kClientAddresses);
  const tcp::Connect c{.remote = {IpAddress::v4(10, 0, 2, 1), kPort},
                       .local_address = IpAddress::v4(10, 0, 1, source)};
  require(couple.left.stack.command(c, couple.now).has_value(), "connect");
  ++opened;
}

void Lifecycles::State::client_acts() {
  stack::Stack& s = couple.left.stack;
  static constexpr std::array<uint8_t, 1> kAsk{'?'};
  std::array<uint8_t, 8> text{};
  tcp::Occurrence o;
  while (s.next_event(o)) {
    if (o.is(tcp::What::Connected)) {
      require(s.command(tcp::Send{o.handle, kAsk}, couple.now).has_value(), "client's send");
    }
    if (o.is(tcp::What::Readable)) {
      const auto n = s.command(tcp::Receive{o.handle, text}, couple.now);
      require(n.has_value() && *n == 1_B && text[0] == '!', "the answer");
      require(s.command(tcp::Close{o.handle}, couple.now).has_value(), "client's close");
    }
  }
}

void Lifecycles::State::server_acts() {
  stack::Stack& s = couple.right.stack;
  static constexpr std::array<uint8_t, 1> kAnswer{'!'};
  std::array<uint8_t, 8> text{};
  tcp::Occurrence o;
  while (s.next_event(o)) {
    if (o.is(tcp::What::Acceptable)) {
      while (s.command(tcp::Accept{listener}, couple.now).has_value()) {
      }
    }
    if (o.is(tcp::What::Readable)) {
      const auto n = s.command(tcp::Receive{o.handle, text}, couple.now);
      require(n.has_value() && *n == 1_B && text[0] == '?', "the question");
      require(s.command(tcp::Send{o.handle, kAnswer}, couple.now).has_value(), "server's send");
    }
    if (o.is(tcp::What::PeerFinished)) {
      require(s.command(tcp::Close{o.handle}, couple.now).has_value(), "server's close");
    }
  }
}

void Lifecycles::State::turn(uint32_t openings) {
  for (uint32_t i = 0; i < openings; ++i) open();
  couple.left.keep_time(couple.now);
  couple.right.keep_time(couple.now);
  couple.left.collect();
  while (!couple.left.sent.empty()) {
    tuples.sees(couple.left.sent.front(), couple.now);
    couple.hand_over(couple.left, couple.right);
    server_acts();
    couple.right.collect();
  }
  while (couple.hand_over(couple.right, couple.left)) client_acts();
}

Lifecycles::Lifecycles() : state_(std::make_unique<State>()) {}

Lifecycles::~Lifecycles() = default;

double Lifecycles::run(uint32_t lifecycles) {
  State& s = *state_;
  const auto ended = [&s] {
    return s.couple.left.stack.counters().ended_by(CloseReason::ClosedByUs);
  };
  const uint64_t before = ended();
  const double start = seconds();
  while (ended() - before < lifecycles) {
    s.turn(kOpenings);
    s.least = std::min(s.least, s.couple.left.stack.population().time_wait);
  }
  const double took = seconds() - start;
  const tcp::Counters& client = s.couple.left.stack.counters();
  const tcp::Counters& server = s.couple.right.stack.counters();
  require(client.retransmissions + server.retransmissions == 0, "nothing is sent again");
  require(client.resets_sent + server.resets_sent == 0, "no resets");
  require(client.time_wait_evicted == 0, "no TIME-WAIT is evicted");
  require(s.opened - server.ended_by(CloseReason::ClosedByPeer) < 1024, "all come to their end");
  return static_cast<double>(ended() - before) / took;
}

uint32_t Lifecycles::least_time_waits() const {
  return state_->least;
}

uint64_t Lifecycles::early_reuses() const {
  return state_->tuples.early();
}

double Lifecycles::segments_per_lifecycle() const {
  return static_cast<double>(state_->segments() - state_->segments_before)
         / static_cast<double>(state_->opened - state_->opened_before);
}

double Lifecycles::segments_per_burst() const {
  const uint64_t bursts =
      state_->couple.left.bursts + state_->couple.right.bursts - state_->bursts_before;
  return static_cast<double>(state_->segments() - state_->segments_before)
         / static_cast<double>(bursts);
}

}  // namespace rapport::bench
