// The phrases of notes.hh.
#include "rapport/observe/notes.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/strip.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

std::string call_words(const TraceCall& c) {
  const auto kind = static_cast<CallKind>(c.call);
  const auto error = static_cast<Error>(c.error);
  std::string out(words(kind));
  if (c.failed != 0) {
    if (kind == CallKind::Receive && error == Error::Closing) return "read: end of file";
    return fmt::format("{}: {}", out, name(error));
  }
  if (kind == CallKind::Send || kind == CallKind::Receive) out += " " + counted(c.octets, "octet");
  return out;
}

std::string timer_words(const TraceTimer& t) {
  std::string out(words(static_cast<TimerKind>(t.timer)));
  if (t.attempt > 1) out += fmt::format(", {}", ordinal(t.attempt));
  if (t.interval_ms > 0) out += fmt::format(" ({})", length_words(int64_t{t.interval_ms} * 1_ms));
  return out;
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& s : all) out += (out.empty() ? "" : ", ") + s;
  return out;
}

// Reasons whose short name says too little; the rest are told by name.
std::string drop_words(DropReason r) {
  switch (r) {
    case DropReason::NotAcceptable: return "outside the window, answered with an ACK";
    case DropReason::SynChallenged: return "a SYN in mid-connection: challenged";
    case DropReason::RstChallenged: return "not the next number: challenged";
    case DropReason::RstOutsideWindow: return "an RST outside the window";
    case DropReason::SynSentBadAck: return "it acknowledges what was never sent";
    case DropReason::TimeWaitRst: return "TIME-WAIT ignores an RST";
    case DropReason::TcpChecksum: return "wrong checksum";
    default: return spaced(name(r));
  }
}

}  // namespace

std::string spaced(std::string_view kebab) {
  std::string out(kebab);
  std::ranges::replace(out, '-', ' ');
  return out;
}

bool is_worth_telling(const TraceRecord& r) {
  // A half-open entry that a reset ends is told by its transition.
  if (r.header.kind == TraceKind::Drop)
    return static_cast<DropReason>(r.as<TraceDrop>().reason) != DropReason::HalfOpenReset;
  if (r.header.kind != TraceKind::Call) return true;
  const auto c = r.as<TraceCall>();
  const auto kind = static_cast<CallKind>(c.call);
  if (kind == CallKind::Status) return false;
  if (c.failed != 0) return static_cast<Error>(c.error) != Error::WouldBlock;
  return kind != CallKind::Receive || c.octets > 0;
}

Note note_of(const TraceRecord& r, const Signs& g) {
  switch (r.header.kind) {
    case TraceKind::Call:
      return {fmt::format("{} {}", g.call, call_words(r.as<TraceCall>())), Ink::Call};
    case TraceKind::Timer:
      return {fmt::format("{} {}", g.timer, timer_words(r.as<TraceTimer>())), Ink::Timer};
    case TraceKind::Options:
      return {"agreed: " + joined(agreed_options(r.as<TraceOptions>())), Ink::Dim};
    case TraceKind::Drop: {
      const auto reason = static_cast<DropReason>(r.as<TraceDrop>().reason);
      return {fmt::format("{} dropped: {}", g.lost, drop_words(reason)), Ink::Loss};
    }
    case TraceKind::Ended: {
      const auto reason = static_cast<CloseReason>(r.as<TraceEnded>().reason);
      return {"ended: " + spaced(name(reason)), Ink::Dim};
    }
    case TraceKind::Icmp: {
      const auto i = r.as<TraceIcmp>();
      const std::string mtu = i.mtu == 0 ? "" : fmt::format(", {} octets pass", i.mtu);
      const auto kind = static_cast<wire::IcmpKind>(i.trouble);
      return {fmt::format("{} ICMP: {}{}", g.lost, spaced(name(kind)), mtu), Ink::Loss};
    }
    case TraceKind::Segment:
    case TraceKind::Transition:
    case TraceKind::Sample: break;
  }
  return {};
}

}  // namespace rapport::observe
