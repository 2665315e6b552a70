// One connection that carries text one way, MSS 1460, no loss, in memory. By default nothing is
// copied that need not be: the sender lends its text, the receiver looks at it where it lies.
#include "couple.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/counters.hh"
#include "report.hh"
#include "work.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::bench {

namespace {

constexpr uint32_t kLoan = 65'536;  // octets of one SendBorrowed or Send
constexpr uint16_t kPort = 80;

stack::Config with(stack::Config c, const BulkKind& kind) {
  c.tcp.defaults.send_buffer = kind.window;
  c.tcp.defaults.receive_buffer = kind.window;
  if (kind.every_second) c.tcp.ack_policy = tcp::AckPolicy::EverySecond;
  return c;
}

class Bulk {
 public:
  Bulk(const BulkKind& kind, bool check)
      : kind_(kind),
        check_(check),
        loan_(std::min(kLoan, kind.window.v / 2)),
        couple_(with(config_at(1, 1, 1), kind), with(config_at(2, 1, 2), kind), 4096),
        source_(kind.window.v),
        into_(kLoan) {
    uint32_t x = 1;
    for (uint8_t& b : source_) b = static_cast<uint8_t>((x = x * 1'664'525 + 1'013'904'223) >> 24);
    open();
  }

  // Moves that many octets.
  void move(uint64_t octets) {
    const uint64_t goal = received_ + octets;
    while (received_ < goal) turn();
  }

  void check_segments() const {
    const tcp::Counters& c = couple_.left.stack.counters();
    require(c.retransmissions == 0 && c.timeouts == 0, "nothing is sent again");
    require(c.octets_sent * 100 > c.segments_sent * 1448 * 95, "segments are full");
  }

 private:
  void open() {
    const auto l = couple_.right.stack.command(
        tcp::Listen{.local_address = {}, .port = kPort, .remote = {}}, couple_.now);
    require(l.has_value(), "listen");
    const auto c = couple_.left.stack.command(
        tcp::Connect{.remote = {IpAddress::v4(10, 0, 2, 1), kPort}, .local_address = {}},
        couple_.now);
    require(c.has_value(), "connect");
    sender_ = *c;
    for (int i = 0; i < 4; ++i) exchange();
    const auto a = couple_.right.stack.command(tcp::Accept{*l}, couple_.now);
    require(a.has_value(), "accept");
    receiver_ = *a;
  }

  void exchange() {
    couple_.left.collect();
    while (couple_.hand_over(couple_.left, couple_.right)) {
    }
    couple_.right.collect();
    while (couple_.hand_over(couple_.right, couple_.left)) {
    }
  }

  // Fills the send queue.
  void feed() {
    for (;;) {
      const size_t at = sent_ % source_.size();
      const std::span<const uint8_t> text = std::span<const uint8_t>(source_).subspan(
          at, std::min<size_t>(loan_, source_.size() - at));
      if (kind_.copying) {
        const auto n = couple_.left.stack.command(tcp::Send{sender_, text}, couple_.now);
        if (!n) return;
        sent_ += n->v;
      } else {
        if (!couple_.left.stack.command(tcp::SendBorrowed{sender_, text}, couple_.now)) return;
        sent_ += text.size();
      }
    }
  }

  void took(std::span<const uint8_t> text) {
    for (size_t at = 0; check_ && at < text.size();) {
      const size_t from = (received_ + at) % source_.size();
      const size_t n = std::min(text.size() - at, source_.size() - from);
      require(std::memcmp(text.data() + at, source_.data() + from, n) == 0, "the text");
      at += n;
    }
    received_ += text.size();
  }

  void drain() {
    stack::Stack& s = couple_.right.stack;
    if (kind_.copying) {
      while (const auto n = s.command(tcp::Receive{receiver_, into_}, couple_.now)) {
        took(std::span<const uint8_t>(into_).first(n->v));
      }
      return;
    }
    for (;;) {
      const std::span<const uint8_t> text = s.readable(receiver_);
      if (text.empty()) return;
      took(text);
      const auto done = s.command(tcp::Consume{receiver_, ByteCount{text.size()}}, couple_.now);
      require(done.has_value(), "consume");
    }
  }

  void take_events(End& end) {
    tcp::Occurrence o;
    while (end.stack.next_event(o)) require(!o.is(tcp::What::Ended), "the connection lives");
  }

  void turn() {
    couple_.now += 20_us;
    couple_.left.keep_time(couple_.now);
    couple_.right.keep_time(couple_.now);
    feed();
    couple_.left.collect();
    while (couple_.hand_over(couple_.left, couple_.right)) {
      take_events(couple_.right);
      drain();
      couple_.right.collect();
    }
    while (couple_.hand_over(couple_.right, couple_.left)) take_events(couple_.left);
  }

  BulkKind kind_;
  bool check_;
  uint32_t loan_;
  Couple couple_;
  std::vector<uint8_t> source_, into_;
  Handle sender_, receiver_;
  uint64_t sent_ = 0, received_ = 0;
};

}  // namespace

double bulk(const BulkKind& kind, uint64_t octets, bool check) {
  Bulk work(kind, check);
  work.move(std::min<uint64_t>(octets, 64 << 20));  // slow start, memory touched
  const double start = seconds();
  work.move(octets);
  const double took = seconds() - start;
  work.check_segments();
  return static_cast<double>(octets) * 8e-9 / took;
}

}  // namespace rapport::bench
