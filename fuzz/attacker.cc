// Fuzzes two stacks with an attacker between them, who sees everything: delivers, delays, loses,
// duplicates, reorders, changes and forges, while both applications send, read and close. Whatever
// he does, the stacks stay sound and quiet; as long as he only loses, repeats and reorders, each
// end reads exactly what the other wrote, in order, and no connection is reset that nobody aborted.
// When he goes away the two ends do not talk for ever, and all that they had is given back.
#include "input.hh"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace rapport::fuzz {
namespace {

constexpr uint16_t kServerPort = 80, kClientPort = 4000;
constexpr uint32_t kMostSteps = 400;
constexpr size_t kMostInFlight = 64;    // beyond, the network loses the newest
constexpr uint32_t kMostText = 30'000;  // that each end writes
constexpr uint64_t kMostAfterwards = 3'000;

uint8_t letter_at(uint32_t offset, uint32_t side) {
  return static_cast<uint8_t>(offset * 7 + (offset >> 8) + side * 101);
}

struct End {
  Handle handle;
  uint32_t written = 0, read = 0;
  bool aborted = false;
  bool ended_by_reset = false;
};

class Between {
 public:
  explicit Between(Input& in)
      : in_(in),
        v6_(in.chance()),
        hosts_{Host(settings(in, address(v6_, 1)), Instant{1'000'000'000}),
               Host(settings(in, address(v6_, 2)), Instant{1'000'000'000})} {}

  void runs() {
    tcp::Listen l;
    l.port = kServerPort;
    listener_ = hosts_[1].stack.command(l, hosts_[1].now).value_or(Handle{});
    opens();
    for (uint32_t i = 0; i < kMostSteps && !in_.empty(); ++i) {
      step();
      for (const Host& h : hosts_) h.checks();
    }
    leaves();
    for (Host& h : hosts_) h.must_come_to_rest();
  }

 private:
  void opens() {
    const auto r = hosts_[0].stack.command(tcp::Connect{.remote = {address(v6_, 2), kServerPort},
                                                        .local_address = {},
                                                        .local_port = kClientPort},
                                           hosts_[0].now);
    if (r) ends_[0] = {.handle = *r};
    if (r) hosts_[0].owns(*r);
    collects(0);
  }

  // What `side` says is on its way to the other.
  void collects(size_t side) {
    for (Said& s : hosts_[side].says()) {
      ++frames_;
      if (flying_[side].size() < kMostInFlight) flying_[side].push_back(std::move(s.packet));
    }
    tcp::Occurrence o;
    while (hosts_[side].stack.next_event(o)) {
      if (o.is(tcp::What::Acceptable)) {
        const auto r =
            hosts_[side].stack.command(tcp::Accept{.listener = listener_}, hosts_[side].now);
        if (r) hosts_[side].owns(*r);
        if (r && ends_[1].handle == Handle{}) ends_[1].handle = *r;
      }
      if (o.is(tcp::What::Ended) && o.handle == ends_[side].handle) ended(side, o.reason);
    }
  }

  void ended(size_t side, CloseReason reason) {
    const bool reset = reason == CloseReason::ResetByPeer || reason == CloseReason::Refused;
    ends_[side].ended_by_reset = ends_[side].ended_by_reset || reset;
  }

  void delivers(size_t side, size_t which) {
    if (which >= flying_[side].size()) return;
    std::vector<uint8_t> packet = std::move(flying_[side][which]);
    flying_[side].erase(flying_[side].begin() + static_cast<std::ptrdiff_t>(which));
    arrives(1 - side, packet);
  }

  void arrives(size_t side, const std::vector<uint8_t>& packet) {
    hosts_[side].receives(std::span(&packet, 1));
    collects(side);
  }

  // --- the attacker
  // -------------------------------------------------------------------------------

  // A packet with some fields of its TCP header changed, and right sums.
  [[nodiscard]] std::vector<uint8_t> forged(const std::vector<uint8_t>& model) {
    const auto seen = segment_of(model);
    if (!seen) return model;
    wire::Options o = seen->options;
    wire::SegmentHead head{.source_port = seen->source_port,
                           .destination_port = seen->destination_port,
                           .seq = seen->seq,
                           .ack = seen->ack,
                           .flags = seen->flags,
                           .window = seen->window,
                           .urgent = seen->urgent,
                           .options = &o};
    std::vector<uint8_t> text(seen->text.begin(), seen->text.end());
    const auto aside = [&] {
      const ByteCount d{in_.two()};
      return in_.chance() ? d : ByteCount{0U - d.v};
    };
    switch (in_.below(10)) {
      case 0: head.seq += aside(); break;
      case 1: head.ack += aside(); break;
      case 2: head.flags = wire::Flags{in_.octet()}; break;
      case 3:
        head.flags = wire::kRst | wire::kAck;
        text.clear();
        break;
      case 4: head.window = in_.two(); break;
      case 5: text.assign(1 + in_.octet(), in_.octet()); break;
      case 6: o.tsval += aside().v; break;
      case 7: o.tsecr += aside().v; break;
      case 8:
        if (!seen->flags.has(wire::kSyn) && !o.has_timestamps) {
          o.sack_count = 1;
          o.sack[0] = {seen->ack + aside(), seen->ack + aside()};
        }
        break;
      default: head.flags = wire::kSyn; text.clear();
    }
    return packet_of(head, address(v6_, source_of(model)), address(v6_, 3 - source_of(model)),
                     text);
  }

  [[nodiscard]] uint8_t source_of(const std::vector<uint8_t>& packet) const {
    return v6_ ? packet.at(23) : packet.at(15);
  }

  void interferes(size_t side) {
    auto& road = flying_[side];
    if (road.empty()) return;
    const size_t which = in_.octet() % road.size();
    switch (in_.below(6)) {
      case 0: road.erase(road.begin() + static_cast<std::ptrdiff_t>(which)); break;
      case 1: road.push_back(road[which]); break;
      case 2: std::swap(road[which], road.front()); break;
      case 3: {
        const std::vector<uint8_t> copy = road[which];
        arrives(1 - side, copy);  // and once more later
        break;
      }
      case 4:
        tampered_ = true;
        road[which] = forged(road[which]);
        break;
      default: {
        tampered_ = true;
        const std::vector<uint8_t> packet = forged(road[which]);
        arrives(source_of(packet) == 1 ? 1 : 0, packet);
      }
    }
  }

  // --- the applications
  // ---------------------------------------------------------------------------

  void writes(size_t side) {
    End& e = ends_[side];
    std::vector<uint8_t> text(std::min<uint32_t>(1U + in_.octet() * 16U, kMostText - e.written));
    for (uint32_t i = 0; i < text.size(); ++i) {
      text[i] = letter_at(e.written + i, static_cast<uint32_t>(side));
    }
    if (text.empty()) return;
    const auto r = hosts_[side].stack.command(tcp::Send{.connection = e.handle, .bytes = text},
                                              hosts_[side].now);
    if (r) e.written += r->v;
  }

  void reads(size_t side) {
    End& e = ends_[side];
    std::array<uint8_t, 2000> room{};
    const auto r = hosts_[side].stack.command(tcp::Receive{.connection = e.handle, .into = room},
                                              hosts_[side].now);
    if (!r) return;
    for (uint32_t i = 0; i < r->v && !tampered_; ++i) {
      ASSERT(room.at(i) == letter_at(e.read + i, static_cast<uint32_t>(1 - side)));
    }
    e.read += r->v;
    ASSERT(tampered_ || e.read <= ends_[1 - side].written);
  }

  void call(size_t side) {
    Host& h = hosts_[side];
    End& e = ends_[side];
    switch (in_.below(8)) {
      case 0:
      case 1:
      case 2: writes(side); break;
      case 3:
      case 4: reads(side); break;
      case 5: (void)h.stack.command(tcp::ShutdownWrite{e.handle}, h.now); break;
      case 6:  // with unread text, or text on its way, that is a reset (RFC 2525 2.17, SHLD-3)
        e.aborted = true;
        (void)h.stack.command(tcp::Close{e.handle}, h.now);
        break;
      default: e.aborted = true; (void)h.stack.command(tcp::Abort{e.handle}, h.now);
    }
    collects(side);
  }

  // Both clocks run alike.
  void time(Duration d) {
    for (size_t side = 0; side < 2; ++side) {
      const Instant end = hosts_[side].now + d;
      for (uint32_t turns = 0; hosts_[side].passes(end); ++turns) {
        ASSERT(turns < kMostTurns);
        collects(side);
      }
    }
  }

  void step() {
    const size_t side = in_.octet() & 1U;
    switch (in_.below(8)) {
      case 0:
      case 1:
      case 2: delivers(side, 0); break;
      case 3:
        while (!flying_[side].empty()) delivers(side, 0);
        break;
      case 4:
      case 5: interferes(side); break;
      case 6: call(side); break;
      default: {
        constexpr std::array kSteps{1_ms, 40_ms, 210_ms, 700_ms, 3_s, 70_s};
        time(kSteps.at(in_.below(6)));
      }
    }
  }

  // What was held back for too long finds an end that has waited as long as it had to.
  static bool has_given_up(const Host& h) {
    const auto& all = h.stack.counters().transitions;
    return std::ranges::any_of(all, [](const auto& row) {
      using tcp::Event;
      return row[static_cast<size_t>(Event::GaveUp)] != 0
             || row[static_cast<size_t>(Event::TimeWaitExpired)] != 0
             || row[static_cast<size_t>(Event::Evicted)] != 0;
    });
  }

  // From now on everything arrives, 1 ms later, for ten seconds: what is under way comes to its
  // end, and desynchronised ends do not answer each other for ever.
  void leaves() {
    const uint64_t before = frames_;
    for (uint32_t ms = 0; ms < 10'000; ++ms) {
      for (size_t side = 0; side < 2; ++side) {
        for (size_t n = flying_[side].size(); n > 0; --n) delivers(side, 0);
      }
      if (flying_[0].empty() && flying_[1].empty()) {
        const auto due = [&](Host& h) { return h.stack.next_deadline() - h.now; };
        const Duration wait = std::min(due(hosts_[0]), due(hosts_[1]));
        if (wait > 1_ms) ms += static_cast<uint32_t>(std::min<int64_t>(wait.to_ms(), 10'000)) - 1U;
        time(std::max(1_ms, std::min(wait, 10_s)));
      } else {
        time(1_ms);
      }
      for (size_t side = 0; side < 2; ++side) reads(side);
      for (size_t side = 0; side < 2; ++side) collects(side);
    }
    ASSERT(frames_ - before <= kMostAfterwards);
    if (tampered_) return;
    const bool somebody_left = ends_[0].aborted || ends_[1].aborted;
    ASSERT(somebody_left || has_given_up(hosts_[0]) || has_given_up(hosts_[1])
           || (!ends_[0].ended_by_reset && !ends_[1].ended_by_reset));
  }

  Input& in_;
  bool v6_;
  std::array<Host, 2> hosts_;
  std::array<End, 2> ends_;
  std::array<std::deque<std::vector<uint8_t>>, 2> flying_;  // by who sent it
  Handle listener_;
  uint64_t frames_ = 0;
  bool tampered_ = false;
};

}  // namespace
}  // namespace rapport::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::fuzz::Input in({data, size});
  rapport::fuzz::Between(in).runs();
  return 0;
}
