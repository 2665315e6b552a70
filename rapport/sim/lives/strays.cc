// Strays: segments out of nowhere that fit a connection but for one thing, and that nobody may take
// for it: beyond the window, without an ACK, behind the peer's FIN, into a closed window, and those
// that TIME-WAIT has to tell from the peer's FIN and from a newer SYN (RFC 9293 3.6.1, 3.10.7.4;
// RFC 6191 2). They acknowledge nothing new.
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/craft.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/lives/mishaps.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::lives {

namespace {

using tcp::State;

constexpr uint64_t kMost = 60;  // of a world

}  // namespace

void Mishaps::note(sim::HostId host, const sim::Tuple& tuple, const TraceSegment& s) {
  const wire::Flags flags{s.flags};
  Seen& seen = seen_[tuple];
  if (flags.has(wire::kRst)) return;
  if (static_cast<Direction>(s.direction) == Direction::Received) {
    if (flags.has(wire::kSyn)) seen = {.shift = seen.shift};
    if (flags.has(wire::kAck)) seen.una = s.ack;
    seen.fin_came |= flags.has(wire::kFin);
    return;
  }
  if (!flags.has(wire::kAck)) return;
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  seen.clocked = o.has_timestamps;
  seen.tsval = o.tsval;
  seen.tsecr = o.tsecr;
  seen.rcv_nxt = s.ack;
  const uint32_t edge = s.ack + (uint32_t{s.window} << (flags.has(wire::kSyn) ? 0 : seen.shift));
  if (!seen.sent || after(Seq{edge}, Seq{seen.edge})) seen.edge = edge;
  seen.sent = true;
  seen.snd_nxt = s.seq + s.text_length + (flags.any(wire::kFin | wire::kSyn) ? 1U : 0U);
  seen.state = static_cast<State>(s.state);
  if (seen.state < State::Established) return;
  for (const Mishap& m : plan_.mishaps) {
    const bool strays = m.kind == MishapKind::Strays && m.a == host;
    const uint32_t rarely = seen.state == State::TimeWait ? 1 : m.amount;
    if (strays && chance_.below(rarely) == 0) due_strays_.emplace_back(&m, tuple);
  }
}

void Mishaps::forge(const Mishap& m, const sim::Tuple& tuple, wire::SegmentHead head,
                    uint32_t text) {
  constexpr std::array<uint8_t, 8> kNonsense{0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
  uint64_t& count = counts_[static_cast<size_t>(m.kind)];
  if (count >= kMost) return;
  ++count;
  head.window = 1000;
  forged_.push_back(
      {m.a, Duration{},
       sim::craft_segment(tuple.remote, tuple.local, head, std::span(kNonsense).first(text))});
}

void Mishaps::stray(const Mishap& m, const sim::Tuple& tuple) {
  const Seen& seen = seen_[tuple];
  const State state = seen.state;
  if (state == State::TimeWait) return stray_to_time_wait(m, tuple, seen);
  if (seen.una == 0) return;
  wire::SegmentHead head;
  head.flags = wire::kAck;
  head.seq = Seq{seen.edge};
  head.ack = Seq{seen.una};
  head.timestamps = seen.clocked;
  head.tsval = seen.tsecr;
  head.tsecr = seen.tsval;
  const bool closed = seen.edge == seen.rcv_nxt;
  const bool finished = tcp::is_one_of<State::CloseWait, State::Closing, State::LastAck>(state);
  switch (chance_.below(4)) {
    case 0: return forge(m, tuple, head, 0);
    case 1:
      if (closed && !seen.fin_came) head.flags = head.flags | wire::kFin;
      return forge(m, tuple, head, 5);
    case 2:
      head.flags = wire::Flags{};
      head.seq = Seq{seen.rcv_nxt};
      return forge(m, tuple, head, 5);
    default:
      if (!finished) return;
      head.flags = head.flags | wire::kUrg;
      head.urgent = 3;
      head.seq = Seq{seen.rcv_nxt};
      return forge(m, tuple, head, 3);
  }
}

void Mishaps::stray_to_time_wait(const Mishap& m, const sim::Tuple& tuple, const Seen& seen) {
  wire::Options clock;
  clock.has_timestamps = seen.clocked;
  clock.tsval = seen.tsecr;
  wire::SegmentHead head;
  head.ack = Seq{seen.snd_nxt};
  head.options = seen.clocked ? &clock : nullptr;
  switch (chance_.below(5)) {
    case 0:
      head.flags = wire::kFin;  // again, but without an ACK
      head.seq = Seq{seen.rcv_nxt} - 1_B;
      break;
    case 1:
      head.flags = wire::kFin | wire::kAck;  // another one, behind it
      head.seq = Seq{seen.rcv_nxt};
      break;
    case 2:  // the clock has not moved, or is missing, and the number is an old one
      if (chance_.below(2) == 0) head.options = nullptr;
      head.flags = wire::kSyn;
      head.seq = Seq{seen.rcv_nxt} - 100_B;
      break;
    case 3:
      head.flags = wire::kSyn | wire::kAck;
      head.seq = Seq{seen.rcv_nxt} + 100_B;
      clock.tsval += 1;
      break;
    default:
      head.flags = wire::kAck;
      head.seq = Seq{seen.rcv_nxt};
      break;
  }
  forge(m, tuple, head, 0);
}

}  // namespace rapport::lives
