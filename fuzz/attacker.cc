// Fuzzes two stacks with an attacker between them, who sees everything: delivers, delays, loses,
// duplicates, reorders, changes and forges, while both applications send, read and close. Whatever
// he does, the stacks stay sound and quiet; as long as he only loses, repeats and reorders, each
// end reads exactly what the other wrote, in order, and no connection is reset that nobody aborted.
// When he goes away the two ends do not talk for ever, and all that they had is given back.
// The invariants of sim/ watch, as far as his powers leave them standing: see watched().
#include "input.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"

#include <cstddef>
#include <cstdint>
#include <cstdio>
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
constexpr uint32_t kFrames = 512;

uint8_t letter_at(uint32_t offset, uint32_t side) {
  return static_cast<uint8_t>(offset * 7 + (offset >> 8) + side * 101);
}

struct End {
  Handle handle;
  uint32_t written = 0, read = 0;
  bool aborted = false;
  bool ended_by_reset = false;
};

class Between final : public sim::Carrier, public sim::Observer {
 public:
  explicit Between(Input& in)
      : in_(in), v6_(in.chance()), world_(world_config()), invariants_(world_) {
    for (uint8_t side = 0; side < 2; ++side) {
      (void)world_.add_host({.name = side == 0 ? "client" : "server",
                             .stack = settings(in, address(v6_, side + 1)),
                             .frames = kFrames});
    }
    world_.connect(0, 1, {});
    world_.carry_by(*this);
    world_.observe(invariants_);
    world_.observe(*this);
    watched();
  }

  void runs() {
    tcp::Listen l;
    l.port = kServerPort;
    listener_ = stack(1).command(l, world_.now()).value_or(Handle{});
    opens();
    for (uint32_t i = 0; i < kMostSteps && !in_.empty(); ++i) step();
    leaves();
    comes_to_rest();
  }

  // What leaves a host lies in his hands until he lets it go.
  sim::Passage carry(const WireRecord& wire, std::span<const uint8_t> packet) override {
    (void)segment_of(packet);  // its lengths and sums are right
    ++frames_;
    auto& road = flying_.at(wire.from_host);
    if (road.size() < kMostInFlight) road.push_back({wire, {packet.begin(), packet.end()}});
    sim::Passage p;
    p.count = 0;
    return p;
  }

  void recorded(const HostRecord& record) override {
    if (record.record.header.kind != TraceKind::Ended) return;
    const auto reason = static_cast<CloseReason>(record.record.as<TraceEnded>().reason);
    if (reason != CloseReason::ResetByPeer && reason != CloseReason::Refused) return;
    ends_.at(record.host).ended_by_reset = true;
  }

 private:
  struct Packet {
    WireRecord wire;
    std::vector<uint8_t> octets;
  };

  static sim::WorldConfig world_config() {
    sim::WorldConfig c;
    c.start = Instant{1'000'000'000};
    c.keep_records = false;
    c.abort_on_complaint = false;  // two-halves says the same
    return c;
  }

  // Not watched: agreement and liveness, for he holds back for as long as he likes what the ends
  // would need. Once he has forged anything, neither bytes-in-order nor one-incarnation: who sees
  // every number puts text of his own where it is taken. The others are about what an end itself
  // sends, waits and keeps, and hold whatever it is fed.
  void watched() {
    using enum sim::Invariant;
    invariants_.watch_only({BytesInOrder, OneIncarnation, TimerOrDebt, WithinWindow, AckOfReceived,
                            LegalNumbers, RstAllowed, TimeWaitLength, MemoryBack, ClockForward,
                            TwoHalves});
  }

  void tampers() {
    tampered_ = true;
    invariants_.leave_out(sim::Invariant::BytesInOrder);
    invariants_.leave_out(sim::Invariant::OneIncarnation);
  }

  void holds() {
    const auto& breach = invariants_.breach();
    if (breach) (void)std::fprintf(stderr, "%s\n", breach->to_string().c_str());
    ASSERT(!breach);
  }

  [[nodiscard]] sim::Tuple tuple(size_t side) const {
    const sim::Tuple client{{address(v6_, 1), kClientPort}, {address(v6_, 2), kServerPort}};
    return side == 0 ? client : client.mirror();
  }

  void opens() {
    const auto r = stack(0).command(tcp::Connect{.remote = {address(v6_, 2), kServerPort},
                                                 .local_address = {},
                                                 .local_port = kClientPort},
                                    world_.now());
    if (r) ends_[0].handle = *r;
    if (r) owned_[0].push_back(*r);
    settles();
  }

  // What the ends have to say comes into his hands.
  void settles() {
    world_.settle();
    const auto r = stack(1).command(tcp::Accept{.listener = listener_}, world_.now());
    if (r) owned_[1].push_back(*r);
    if (r && ends_[1].handle == Handle{}) ends_[1].handle = *r;
    if (r) world_.settle();
    holds();
  }

  void delivers(size_t side, size_t which) {
    if (which >= flying_[side].size()) return;
    Packet packet = std::move(flying_[side][which]);
    flying_[side].erase(flying_[side].begin() + static_cast<std::ptrdiff_t>(which));
    arrives(packet, Fate::Delivered);
  }

  void arrives(const Packet& packet, Fate fate) {
    if (world_.pool(packet.wire.from_host).available() == 0) return;
    WireRecord wire = packet.wire;
    wire.arrived = world_.now();
    wire.held = world_.now() - wire.sent;
    wire.fate = fate;
    world_.deliver(wire, packet.octets);
    settles();
  }

  // What no end ever sent.
  void puts(const std::vector<uint8_t>& octets) {
    const uint32_t from = source_of(octets) == 1 ? 0 : 1;
    (void)world_.inject(from, 1 - from, octets, world_.now());
    settles();
  }

  // --- the attacker ---

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
    const uint32_t what = in_.below(6);
    switch (what) {
      case 0: road.erase(road.begin() + static_cast<std::ptrdiff_t>(which)); break;
      case 1: road.push_back(road[which]); break;
      case 2: std::swap(road[which], road.front()); break;
      case 3: {
        const Packet copy = road[which];
        arrives(copy, Fate::Duplicated);  // and once more later
        break;
      }
      default: {  // forged, in its place or beside it
        tampers();
        const Packet model = road[which];
        if (what == 4) road.erase(road.begin() + static_cast<std::ptrdiff_t>(which));
        puts(forged(model.octets));
      }
    }
  }

  // --- the applications ---

  void writes(size_t side) {
    End& e = ends_[side];
    std::vector<uint8_t> text(std::min<uint32_t>(1U + in_.octet() * 16U, kMostText - e.written));
    for (uint32_t i = 0; i < text.size(); ++i) {
      text[i] = letter_at(e.written + i, static_cast<uint32_t>(side));
    }
    if (text.empty()) return;
    invariants_.wrote(static_cast<sim::HostId>(side), tuple(side), text);
    const auto r =
        stack(side).command(tcp::Send{.connection = e.handle, .bytes = text}, world_.now());
    if (r) e.written += r->v;
    settles();
    invariants_.gave_up_writing(tuple(side));  // the rest is offered anew
  }

  void reads(size_t side) {
    End& e = ends_[side];
    std::array<uint8_t, 2000> room{};
    const auto r =
        stack(side).command(tcp::Receive{.connection = e.handle, .into = room}, world_.now());
    if (!r) return;
    invariants_.read(static_cast<sim::HostId>(side), tuple(side), std::span(room).first(r->v));
    for (uint32_t i = 0; i < r->v && !tampered_; ++i) {
      ASSERT(room.at(i) == letter_at(e.read + i, static_cast<uint32_t>(1 - side)));
    }
    e.read += r->v;
    ASSERT(tampered_ || e.read <= ends_[1 - side].written);
    settles();
  }

  void call(size_t side) {
    End& e = ends_[side];
    switch (in_.below(8)) {
      case 0:
      case 1:
      case 2: writes(side); break;
      case 3:
      case 4: reads(side); break;
      case 5: (void)stack(side).command(tcp::ShutdownWrite{e.handle}, world_.now()); break;
      case 6:  // with unread text, or text on its way, that is a reset (RFC 2525 2.17, SHLD-3)
        e.aborted = true;
        (void)stack(side).command(tcp::Close{e.handle}, world_.now());
        break;
      default: e.aborted = true; (void)stack(side).command(tcp::Abort{e.handle}, world_.now());
    }
    settles();
  }

  void time(Duration d) {
    const Instant end = world_.now() + d;
    for (uint32_t turns = 0; world_.next_deadline() <= end; ++turns) {
      ASSERT(turns < kMostTurns);
      (void)world_.step();
      settles();
    }
    world_.run_until(end);
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
  static bool has_given_up(const stack::Stack& s) {
    const auto& all = s.counters().transitions;
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
        const Duration wait = world_.next_deadline() - world_.now();
        if (wait > 1_ms) ms += static_cast<uint32_t>(std::min<int64_t>(wait.to_ms(), 10'000)) - 1U;
        time(std::max(1_ms, std::min(wait, 10_s)));
      } else {
        time(1_ms);
      }
      for (size_t side = 0; side < 2; ++side) reads(side);
      settles();
    }
    ASSERT(frames_ - before <= kMostAfterwards);
    if (tampered_) return;
    const bool somebody_left = ends_[0].aborted || ends_[1].aborted;
    ASSERT(somebody_left || has_given_up(stack(0)) || has_given_up(stack(1))
           || (!ends_[0].ended_by_reset && !ends_[1].ended_by_reset));
  }

  // Everything ends: connections by drain(), TIME-WAIT, orphans and fragments by their timers.
  void comes_to_rest() {
    for (size_t side = 0; side < 2; ++side) {
      for (const Handle h : owned_[side]) (void)stack(side).command(tcp::Close{h}, world_.now());
      const Instant deadline = world_.now() + 1_s;
      invariants_.draining(static_cast<sim::HostId>(side), deadline);
      stack(side).drain(world_.now(), deadline);
    }
    settles();
    time(3600_s);
    invariants_.all_is_over();
    holds();
    for (uint32_t side = 0; side < 2; ++side) {
      const auto p = stack(side).population();
      ASSERT(p.connections == 0 && p.half_open == 0 && p.time_wait == 0 && p.listeners == 0);
      ASSERT(p.datagram_sockets == 0 && p.datagrams == 0 && p.fragmented == 0);
      ASSERT(stack(side).audit().empty());
    }
  }

  stack::Stack& stack(size_t side) { return world_.stack(static_cast<sim::HostId>(side)); }

  Input& in_;
  bool v6_;
  sim::World world_;
  sim::Invariants invariants_;
  std::array<End, 2> ends_;
  std::array<std::vector<Handle>, 2> owned_;
  std::array<std::deque<Packet>, 2> flying_;  // by who sent it
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
