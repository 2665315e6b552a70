// The tables of explain.hh. A segment that arrives proves its sender's sending and its receiver's
// receiving; if it acknowledges something, also the other way (RFC 9293 3.5: the reliable
// handshake).
#include "rapport/observe/explain.hh"

#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

struct Knowledge {
  bool peer_to_me = false;  // the peer's sending and my receiving
  bool me_to_peer = false;  // my sending and the peer's receiving

  [[nodiscard]] bool complete() const { return peer_to_me && me_to_peer; }
};

// An ACK of something that the receiver sent in this connection, as the receiver sees it, or the
// sender where the receiver does not know its numbers yet.
bool acknowledges(const TraceSegment& received, const TraceSegment& sent) {
  const TraceSegment& s = received.relative_known != 0 ? received : sent;
  return (s.flags & wire::kAck.v) != 0 && s.relative_known != 0
         && static_cast<int32_t>(s.relative_ack) >= 1;
}

std::string lesson(const Knowledge& before, const Knowledge& after, std::string_view me,
                   std::string_view peer) {
  std::string out;
  if (after.peer_to_me && !before.peer_to_me) out = fmt::format("{} sends, {} receives", peer, me);
  if (after.me_to_peer && !before.me_to_peer) {
    if (!out.empty()) out += "; ";
    out += fmt::format("{} sends, {} receives", me, peer);
  }
  return out;
}

std::string_view cause_words(SendCause c) {
  switch (c) {
    case SendCause::Call: return "an application's call";
    case SendCause::Timer: return "a timer";
    case SendCause::Stack:
    case SendCause::Answer: break;
  }
  return "the stack by itself";
}

}  // namespace

std::vector<std::string> explain_handshake(const Story& story, uint32_t left, uint32_t right) {
  std::vector<std::string> out;
  std::array<Knowledge, 2> known{};
  std::vector<Passage> all = passages(story, left, right);
  std::erase_if(all, [&](const Passage& p) {
    return p.sent == kAbsent || p.arrived == kAbsent || p.fate == Fate::Corrupted
           || story.records[p.arrived].record.header.kind != TraceKind::Segment;
  });
  std::ranges::sort(all, {}, &Passage::arrived);
  for (const Passage& p : all) {
    const HostRecord& r = story.records[p.arrived];
    const auto s = r.record.as<TraceSegment>();
    Knowledge& mine = known[p.to == left ? 0 : 1];
    const Knowledge before = mine;
    mine.peer_to_me = true;
    mine.me_to_peer |= acknowledges(s, story.records[p.sent].record.as<TraceSegment>());
    const std::string text = lesson(before, mine, story.hosts[p.to], story.hosts[p.from]);
    if (!text.empty()) {
      out.push_back(fmt::format("{:>8}  {:<8} tells the {}:  {}", seconds(r.record.header.at),
                                flag_words(s.flags), story.hosts[p.to], text));
    }
    if (known[0].complete() && known[1].complete()) {
      out.push_back(
          fmt::format("{:>8}  Now both know that both can send and both can receive.", ""));
      return out;
    }
  }
  out.push_back(
      fmt::format("{:>8}  It never came to both knowing that both can send and receive.", ""));
  return out;
}

std::vector<std::string> explain_close(const Story& story, uint32_t left, uint32_t right) {
  std::vector<std::string> out;
  const Facts facts(story);
  size_t width = 0;
  for (const uint32_t h : {left, right}) width = std::max(width, story.hosts[h].size());
  bool parting = false;
  for (const Heard& s : facts.segments()) {
    if (!s.sent() || (s.host != left && s.host != right)) continue;
    parting |= s.has(wire::kFin);
    if (!parting) continue;
    out.push_back(fmt::format("{:>8}  {:<{}}  {:<12} {}{}", seconds(s.at), story.hosts[s.host],
                              width, flag_words(s.segment.flags), cause_words(s.cause()),
                              s.segment.retransmission != 0 ? ", once more" : ""));
  }
  return out;
}

}  // namespace rapport::observe
