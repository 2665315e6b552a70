// A trace as plain lines.
#include "rapport/sim/lives/story.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace rapport::lives {

namespace {

std::string state(uint8_t s) {
  return std::string(tcp::name(static_cast<tcp::State>(s)));
}

std::string flags(uint8_t v) {
  std::string s;
  constexpr std::array kNames{'F', 'S', 'R', 'P', '.', 'U', 'E', 'W'};
  for (size_t i = 0; i < 8; ++i) {
    if ((v >> i & 1) != 0) s += kNames[i];
  }
  return s;
}

std::string segment(const TraceSegment& s) {
  constexpr std::array kCauses{"stack", "call", "timer", "answer"};
  const bool sent = static_cast<Direction>(s.direction) == Direction::Sent;
  return std::string(sent ? "-> " : "<- ") + flags(s.flags) + " seq " + std::to_string(s.seq) + " ("
         + std::to_string(s.relative_seq) + ") len " + std::to_string(s.text_length) + " ack "
         + std::to_string(s.ack) + " (" + std::to_string(s.relative_ack) + ") win "
         + std::to_string(s.window) + " #" + std::to_string(s.serial)
         + (s.retransmission != 0 ? " again" : "")
         + (sent ? std::string(" by ") + kCauses[s.cause % 4] : "") + " in " + state(s.state);
}

std::string tail(const TraceRecord& r) {
  switch (r.header.kind) {
    case TraceKind::Segment: return segment(r.as<TraceSegment>());
    case TraceKind::Transition: {
      const auto t = r.as<TraceTransition>();
      return "== " + state(t.from) + " to " + state(t.to) + ": "
             + std::string(tcp::name(static_cast<tcp::Event>(t.event)));
    }
    case TraceKind::Timer: {
      const auto t = r.as<TraceTimer>();
      return "timer " + std::to_string(t.timer) + " attempt " + std::to_string(t.attempt);
    }
    case TraceKind::Drop:
      return "dropped: " + std::string(name(static_cast<DropReason>(r.as<TraceDrop>().reason)));
    case TraceKind::Call: {
      const auto c = r.as<TraceCall>();
      return "call " + std::to_string(c.call) + " " + std::to_string(c.octets)
             + (c.failed != 0 ? " failed: " + std::string(name(static_cast<Error>(c.error))) : "");
    }
    case TraceKind::Ended:
      return "ended: " + std::string(name(static_cast<CloseReason>(r.as<TraceEnded>().reason)));
    case TraceKind::Sample: {
      const auto t = r.as<TraceSample>();
      return "cwnd " + std::to_string(t.cwnd) + " flight " + std::to_string(t.flight) + " srtt "
             + std::to_string(t.srtt_us) + "us rttvar " + std::to_string(t.rttvar_us) + "us rto "
             + std::to_string(t.rto_us) + "us window " + std::to_string(t.snd_wnd);
    }
    case TraceKind::Icmp: {
      const auto t = r.as<TraceIcmp>();
      return "ICMP trouble " + std::to_string(t.trouble) + " about seq "
             + std::to_string(t.sequence);
    }
    case TraceKind::Options: break;
  }
  return "";
}

// Calls that read and write are many.
bool is_small_talk(const TraceRecord& r) {
  if (r.header.kind != TraceKind::Call) return false;
  const auto call = static_cast<CallKind>(r.as<TraceCall>().call);
  return call == CallKind::Send || call == CallKind::Receive;
}

}  // namespace

std::string in_words(const HostRecord& r) {
  const TraceHeader& h = r.record.header;
  std::string words = tail(r.record);
  if (words.empty()) return words;
  return std::to_string(h.at.ns / 1000) + "us " + std::to_string(r.host) + " "
         + std::to_string(h.key.local_port) + ">" + std::to_string(h.key.remote_port) + " " + words
         + "\n";
}

std::string last_words(const sim::World& world, size_t lines) {
  std::vector<std::string> told;
  for (const HostRecord& r : world.records() | std::views::reverse) {
    if (told.size() == lines) break;
    std::string line = in_words(r);
    if (!line.empty() && !is_small_talk(r.record)) told.push_back(std::move(line));
  }
  std::string s;
  for (const std::string& line : told | std::views::reverse) s += line;
  return s;
}

}  // namespace rapport::lives
