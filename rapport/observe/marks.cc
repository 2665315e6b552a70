// What passed before, and what follows from it.
#include "rapport/observe/marks.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/names.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

constexpr size_t kMostGaps = 32;     // of one direction; older ones are forgotten
constexpr uint32_t kFar = 1U << 30;  // not of this connection

bool has(const TraceSegment& s, wire::Flags f) {
  return (s.flags & f.v) == f.v;
}

bool any(const TraceSegment& s, wire::Flags f) {
  return (s.flags & f.v) != 0;
}

uint32_t length_of(const TraceSegment& s) {
  return s.text_length + (any(s, wire::kSyn) ? 1U : 0U) + (any(s, wire::kFin) ? 1U : 0U);
}

// How far `b` lies behind `a`; zero when before it.
uint32_t beyond(Seq a, Seq b) {
  return before(a, b) ? b.v - a.v : 0;
}

wire::Options options_of(const TraceSegment& s) {
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  return o;
}

}  // namespace

std::vector<std::string> words(const Marks& m) {
  std::vector<std::string> out;
  const auto say = [&](Mark mark, std::string text) {
    if (m.has(mark)) out.push_back(std::move(text));
  };
  say(Mark::PartlyResent, "some of it is sent again");
  say(Mark::OutOfOrder, "out of order: fills a gap");
  say(Mark::FillsGap, "fills a gap: late or sent again");
  say(Mark::AfterGap, fmt::format("a gap: {} before it not seen yet", counted(m.missing, "octet")));
  say(Mark::AcksUnseen,
      fmt::format("acknowledges {} that the capture does not hold", counted(m.unseen, "octet")));
  say(Mark::DuplicateAck, fmt::format("duplicate ACK, {}", ordinal(m.duplicate)));
  say(Mark::WindowUpdate, "window update");
  say(Mark::WindowCloses, "the window is closed");
  say(Mark::WindowOpens, "the window opens again");
  say(Mark::KeepAlive, "keep-alive: is anybody there?");
  say(Mark::WindowProbe, "probe of a closed window");
  say(Mark::ProbeAnswer, "answers the probe");
  say(Mark::Challenge, "challenge: what came before is not believed");
  say(Mark::Resets, "resets the connection");
  say(Mark::Refuses, "refused");
  return out;
}

bool Flows::is_near(unsigned end, uint32_t number) const {
  const Flow& f = flows_.at(end);
  // Before the beginning of a flow that is short yet.
  const uint32_t distance = number - f.origin;
  if (f.next.v - f.origin < kFar && distance > UINT32_MAX / 2 && distance != UINT32_MAX)
    return false;
  return f.known && (number - f.next.v < kFar || f.next.v - number < kFar);
}

Marks Flows::see(unsigned from, const TraceSegment& s) {
  Flow& me = flows_.at(from);
  Flow& peer = flows_.at(1 - from);
  Marks marks;
  if (any(s, wire::kRst)) {
    const bool refuses = !me.known && peer.known && !peer.synchronized;
    marks.set(refuses ? Mark::Refuses : Mark::Resets);
    me.provoked = me.known && Seq{s.seq} != peer.acked && peer.synchronized;
    return marks;
  }
  const bool new_syn = any(s, wire::kSyn) && (!me.known || me.origin != s.seq);
  if (new_syn || !me.known) {
    me = Flow{};
    me.known = true;
    me.origin = any(s, wire::kSyn) ? s.seq : s.seq - 1;
    me.next = Seq{s.seq};
  }
  me.provoked = any(s, wire::kSyn) && !has(s, wire::kAck) && peer.synchronized;
  const bool peer_provoked = std::exchange(peer.provoked, false) && !any(s, wire::kSyn)
                             && s.text_length == 0 && me.synchronized;
  if (peer_provoked) marks.set(Mark::Challenge);
  const bool closed = peer.windowed && peer.window == 0;
  const bool behind = Seq{s.seq} + ByteCount{1} == me.next && me.synchronized;
  const bool alone = !any(s, wire::kSyn | wire::kFin);
  me.probing = alone && has(s, wire::kAck) && s.text_length <= 1
               && (behind || (closed && s.text_length == 1 && Seq{s.seq} == me.next));
  if (me.probing) marks.set(closed ? Mark::WindowProbe : Mark::KeepAlive);
  see_text(me, s, marks);
  if (has(s, wire::kAck) && !peer_provoked) see_ack(me, peer, s, marks);
  if (!any(s, wire::kSyn)) see_window(me, s, marks);  // a SYN's is not scaled
  return marks;
}

void Flows::see_text(Flow& me, const TraceSegment& s, Marks& marks) {
  const uint32_t length = length_of(s);
  const Seq begin{s.seq}, end{s.seq + length};
  if (before(me.next, begin) && !me.probing) open_gap(me, s, marks);
  const uint32_t ahead = std::min(beyond(me.next, end), length);  // not sent before
  const uint32_t control = length - s.text_length;
  marks.fresh = ahead - std::min(ahead, control);
  if (ahead < length && !me.probing) {
    if (fill_gap(me, s, marks)) {
      marks.fresh = s.text_length;
    } else {
      marks.set(ahead == 0 ? Mark::Resent : Mark::PartlyResent);
    }
  }
  if (before(me.next, end)) me.next = end;
}

void Flows::open_gap(Flow& me, const TraceSegment& s, Marks& marks) {
  marks.missing = s.seq - me.next.v;
  if (marks.missing >= kFar) {  // another connection's number
    me.next = Seq{s.seq};
    return;
  }
  marks.set(Mark::AfterGap);
  const wire::Options o = options_of(s);
  if (me.gaps.size() == kMostGaps) me.gaps.erase(me.gaps.begin());
  me.gaps.push_back({me.next, Seq{s.seq}, o.tsval, o.has_timestamps});
}

// True when the segment holds octets of a gap, which is then smaller or gone.
bool Flows::fill_gap(Flow& me, const TraceSegment& s, Marks& marks) {
  const Seq begin{s.seq}, end{s.seq + length_of(s)};
  const auto g = std::ranges::find_if(
      me.gaps, [&](const Gap& gap) { return before(begin, gap.right) && before(gap.left, end); });
  if (g == me.gaps.end()) return false;
  const wire::Options o = options_of(s);
  const bool older = o.has_timestamps && g->stamped && before(Seq{o.tsval}, Seq{g->tsval});
  marks.set(older ? Mark::OutOfOrder : Mark::FillsGap);
  const Gap was = *g;
  me.gaps.erase(g);
  if (before(was.left, begin)) me.gaps.push_back({was.left, begin, was.tsval, was.stamped});
  if (before(end, was.right)) me.gaps.push_back({end, was.right, was.tsval, was.stamped});
  return true;
}

void Flows::see_ack(Flow& me, Flow& peer, const TraceSegment& s, Marks& marks) {
  const Seq ack{s.ack};
  if (!peer.known) {
    peer.known = true;
    peer.origin = s.ack - 1;
    peer.next = ack;
  }
  const bool again = me.synchronized && ack == me.acked;
  const bool bare = s.text_length == 0 && !any(s, wire::kSyn | wire::kFin) && !me.probing;
  const bool same_window = me.windowed && s.window == me.window;
  if (again && bare && std::exchange(peer.probing, false)) {
    marks.set(Mark::ProbeAnswer);
  } else if (again && bare && same_window && before(ack, peer.next) && !marks.has(Mark::Resent)) {
    marks.set(Mark::DuplicateAck);
    marks.duplicate = ++me.duplicates;
  } else if (again && bare && !same_window && me.window != 0 && s.window != 0) {
    marks.set(Mark::WindowUpdate);
  }
  if (!me.synchronized || before(me.acked, ack)) {
    me.duplicates = 0;
    me.acked = ack;
    see_unseen(peer, ack, marks);
  }
  me.synchronized = true;
}

// The peer's octets up to `ack` have arrived, whether the capture holds them or not.
void Flows::see_unseen(Flow& peer, Seq ack, Marks& marks) {
  uint32_t unseen = beyond(peer.next, ack);
  if (unseen >= kFar) return;
  if (unseen > 0) peer.next = ack;
  for (const Gap& g : peer.gaps) {
    if (at_or_before(g.right, ack)) unseen += g.right.v - g.left.v;
  }
  std::erase_if(peer.gaps, [&](const Gap& g) { return at_or_before(g.right, ack); });
  if (unseen == 0) return;
  marks.set(Mark::AcksUnseen);
  marks.unseen = unseen;
}

void Flows::see_window(Flow& me, const TraceSegment& s, Marks& marks) {
  const bool closed = s.window == 0;
  if (closed && (!me.windowed || me.window != 0)) marks.set(Mark::WindowCloses);
  if (!closed && me.windowed && me.window == 0) marks.set(Mark::WindowOpens);
  me.window = s.window;
  me.windowed = true;
}

}  // namespace rapport::observe
