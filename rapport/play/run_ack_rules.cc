// What a profile lets pass about when segments are sent: how long an ACK may wait and how much it
// acknowledges (RFC 9293 3.8.6.3, RFC 5681 4.2), and when a SYN goes out again.
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/play/compare.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/run.hh"
#include "rapport/play/seen.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>

namespace rapport::play {

namespace {

constexpr uint32_t kQuickAcks = 16;      // Linux's, and ours
constexpr Duration kLeastDelay = 30_ms;  // below that nobody means a delayed ACK
constexpr Duration kMostDelay = 500_ms;  // RFC 9293 MUST-40
constexpr uint32_t kSegment = 1460;
constexpr Duration kSlop = 200_ms;      // FreeBSD's rexmit_slop
constexpr Duration kLeastRto = 500_ms;  // no SYN is sent again before that

bool is_pure_ack(const wire::Segment& s) {
  return s.flags == wire::kAck && s.text.empty();
}

}  // namespace

std::optional<Rule> Run::excuse_time(const Match& m) const {
  const wire::Segment& s = m.seen.tcp;
  const bool early = m.seen.at < m.span.from;
  if (s.flags.has(wire::kSyn)) {
    const Duration away = early ? m.span.from - m.seen.at : m.seen.at - m.span.to;
    const bool again = heard_.said_syn && m.seen.at - base_ >= kLeastRto;
    return again && away <= kSlop ? std::optional(Rule::SynSlop) : std::nullopt;
  }
  if (!is_pure_ack(s) || heard_.since_ack == 0) return std::nullopt;
  if (early) {  // the script waits for a delayed ACK
    const Duration meant = m.span.from - heard_.text_at;
    if (meant < kLeastDelay || meant > kMostDelay || m.seen.at < heard_.text_at)
      return std::nullopt;
    return heard_.texts <= kQuickAcks ? Rule::QuickAck : Rule::EarlyAck;
  }
  // The script has it at once, and we wait as we may.
  if (m.seen.at - heard_.text_at > setup_.config.tcp.delayed_ack + m.span.tolerance)
    return std::nullopt;
  return heard_.since_ack >= 2 ? Rule::SmallDelayed : Rule::EarlyAck;
}

// Text beyond the advertised edge: some stacks take what ends in their rounded buffer.
std::optional<Rule> Run::excuse_ack(const Match& m, Differences d) const {
  if (!d.only({Field::Ack, Field::Window}) || !is_pure_ack(m.seen.tcp) || m.seen.tcp.window != 0
      || !m.wanted.ack)
    return std::nullopt;
  const uint32_t more = *m.wanted.ack - m.flow.script_of_remote(m.seen.tcp.ack, false);
  return more > 1 && more < kSegment ? std::optional(Rule::RoundedBuffer) : std::nullopt;
}

std::optional<Rule> Run::excuse_extra(const Seen& seen, const TcpSegment* wanted,
                                      const Flow& flow) const {
  const auto on = [this](Rule r) { return options_.rules.on(r) ? std::optional(r) : std::nullopt; };
  if (seen.kind != Seen::Kind::Tcp || Endpoint{seen.source, seen.source_port} != flow.local)
    return std::nullopt;
  const wire::Segment& s = seen.tcp;
  if (s.flags.has(wire::kRst) && heard_.to_listener && heard_.flags.has(wire::kSyn | wire::kAck))
    return on(Rule::SynAckInListen);
  if (!is_pure_ack(s)) return std::nullopt;
  if (heard_.flags.has(wire::kRst) && seen.at == host_.now()) return on(Rule::Rfc793);
  if (wanted == nullptr || !wanted->ack || !is_later_ack(*wanted, seen, flow)) return std::nullopt;
  return on(heard_.texts <= kQuickAcks ? Rule::QuickAck : Rule::EarlyAck);
}

// `wanted` acknowledges text that came within a delayed ACK's time of what `seen` acknowledges.
bool Run::is_later_ack(const TcpSegment& wanted, const Seen& seen, const Flow& flow) const {
  const uint32_t more = *wanted.ack - flow.script_of_remote(seen.tcp.ack, false);
  if (more <= 1 || more > 2 * kSegment || wanted.flags.any(wire::kSyn | wire::kRst)) return false;
  return seen.at <= heard_.text_at && heard_.text_at - seen.at <= setup_.config.tcp.delayed_ack;
}

}  // namespace rapport::play
