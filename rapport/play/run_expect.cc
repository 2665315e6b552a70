// Packets of the stack: waiting for them, and holding them against what is expected.
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/play/compare.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/host.hh"
#include "rapport/play/options.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/run.hh"
#include "rapport/play/seen.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

constexpr Duration kPatience = 2_s;  // beyond the scheduled time

const std::optional<Ports>& ports_of(const Packet& p) {
  static const std::optional<Ports> none;
  if (const auto* tcp = std::get_if<TcpSegment>(&p.body)) return tcp->ports;
  if (const auto* udp = std::get_if<UdpDatagram>(&p.body)) return udp->ports;
  return none;
}

const TcpOption* timestamps_of(const Packet& p) {
  const auto* tcp = std::get_if<TcpSegment>(&p.body);
  if (tcp == nullptr || tcp->options_unchecked) return nullptr;
  const auto at = std::ranges::find(tcp->options, TcpOption::Kind::Timestamps, &TcpOption::kind);
  return at == tcp->options.end() ? nullptr : &*at;
}

std::string trimmed(std::string_view s) {
  constexpr std::string_view blanks = " \t\r";
  const size_t comment = s.find("//");
  s = s.substr(0, comment);
  const size_t first = s.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(s.substr(first, s.find_last_not_of(blanks) - first + 1));
}

}  // namespace

bool Run::expect(const Event& e, const Packet& p) {
  Span span = span_of(e.when);
  if (span.any) span.to = host_.now() + kLongestWait;
  const Instant limit = span.any ? span.to : span.to + span.tolerance + kPatience;
  if (host_.seen().empty() && excuse_missing(p)) {
    verdict_.uses.add(*excuse_missing(p));
    return true;
  }
  if (!wait_for_packet(limit)) {
    if (verdict_.kind == Verdict::Kind::Fail || verdict_.kind == Verdict::Kind::Skip) return false;
    return fail(p.place, trimmed(script_.line(p.place)),
                "nothing until " + clock_text(host_.now()));
  }
  coalesce(p, span);
  learn(p, flow_of(ports_of(p), false));
  Flow& flow = flow_of(ports_of(p), false);
  const Seen& seen = host_.seen().front();
  Differences d = differences(p, seen, flow, span);
  const Differences all = d;
  std::vector<Rule> used;
  if (const auto* tcp = std::get_if<TcpSegment>(&p.body); !d.none() && tcp != nullptr)
    excuse({*tcp, seen, flow, span}, d, used);
  if (!d.none()) {
    if (pass_over_extra(p, flow)) return expect(e, p);
    return fail_packet(p, seen, flow, all, span);
  }
  for (const Rule r : used) verdict_.uses.add(r);
  consume(p, flow);
  return true;
}

// A rule may let one packet pass that the script does not mention.
bool Run::pass_over_extra(const Packet& p, Flow& flow) {
  const auto rule = excuse_extra(host_.seen().front(), std::get_if<TcpSegment>(&p.body), flow);
  if (!rule) return false;
  verdict_.uses.add(*rule);
  host_.seen().pop_front();
  return true;
}

// False: none came, or the script has ended.
bool Run::wait_for_packet(Instant limit) {
  while (host_.seen().empty()) {
    if (host_.now() >= limit) return false;
    const Instant due = std::min({limit, std::max(sockets_.next_deadline(), host_.now())});
    const bool moved = host_.step(due);
    if (!settle()) return false;
    if (host_.runs_away()) return false;
    if (!moved && host_.stack().next_deadline() == kNever && sockets_.next_deadline() == kNever
        && host_.seen().empty())
      return false;
  }
  return true;
}

// What a packet tells of a flow before it is compared: the ports of an active open, the ISNs.
void Run::learn(const Packet& p, Flow& flow) {
  const Seen& seen = host_.seen().front();
  if (const auto* tcp = std::get_if<TcpSegment>(&p.body); tcp && seen.kind == Seen::Kind::Tcp) {
    const bool opens = seen.tcp.flags.has(wire::kSyn) && !seen.tcp.flags.has(wire::kAck);
    const Endpoint from{seen.source, seen.source_port};
    const Endpoint to{seen.destination, seen.destination_port};
    if (opens && !tcp->ports && calls_.peer() == to && calls_.take_connect()) {
      Flow* opened = &flow;
      if (flow.begun()) opened = &flows_.emplace_back();
      opened->local = from;
      opened->remote = to;
      opened->named = true;
      opened->note_outbound(seen, tcp->sequence.first);
      return;
    }
    if (from == flow.local && to == flow.remote) flow.note_outbound(seen, tcp->sequence.first);
    return;
  }
  if (seen.kind == Seen::Kind::Udp && !flow.named) {
    flow.local = {setup_.local.address, seen.source_port};
    flow.remote = calls_.peer().value_or(setup_.addresses.connect.at);
    flow.named = true;
  }
}

// A super packet: what follows at once is part of it.
void Run::coalesce(const Packet& p, const Span& span) {
  const auto* tcp = std::get_if<TcpSegment>(&p.body);
  const bool by_rule = !setup_.super_packets;
  if (tcp == nullptr || (by_rule && !options_.rules.on(Rule::Coalesced))) return;
  const size_t wanted = tcp->sequence.length;
  while (host_.seen().front().kind == Seen::Kind::Tcp
         && host_.seen().front().tcp.text.size() < wanted) {
    if (host_.seen().size() < 2 || !in_time(host_.seen()[1], span)) return;
    Seen joined = std::move(host_.seen().front());
    const bool fits = join(joined, host_.seen()[1], wanted);
    host_.seen().pop_front();
    if (fits) host_.seen().pop_front();
    host_.seen().push_front(std::move(joined));
    if (!fits) return;
    if (by_rule) verdict_.uses.add(Rule::Coalesced);
  }
}

Differences Run::differences(const Packet& p, const Seen& seen, const Flow& flow,
                             const Span& span) const {
  Differences d = compare(p, seen, flow);
  if (!in_time(seen, span)) d.add(Field::Time);
  if (d.has(Field::Kind) || d.has(Field::Flow)) return d;
  if (!right_timestamp(p, seen, flow, span)) d.add(Field::Options);
  if (!right_content(seen, flow)) d.add(Field::Content);
  return d;
}

bool Run::in_time(const Seen& seen, const Span& span) const {
  if (span.any) return true;
  return seen.at + span.tolerance >= span.from && seen.at <= span.to + span.tolerance;
}

bool Run::right_timestamp(const Packet& p, const Seen& seen, const Flow& flow,
                          const Span& span) const {
  const TcpOption* wanted = timestamps_of(p);
  if (!setup_.timestamp_tick_us || wanted == nullptr || wanted->value_unchecked
      || !seen.tcp.options.has_timestamps || !flow.first_timestamp())
    return true;
  const auto& [script, live] = *flow.first_timestamp();
  const auto ahead =
      static_cast<int32_t>((seen.tcp.options.tsval - live) - (wanted->value - script));
  const int64_t away = std::abs(int64_t{ahead}) * *setup_.timestamp_tick_us;
  return away <= span.tolerance.to_us();
}

// Every octet of text is what was written, or zero where no text was given to a call.
bool Run::right_content(const Seen& seen, const Flow& flow) const {
  const std::span<const uint8_t> text = seen.kind == Seen::Kind::Tcp ? seen.tcp.text : seen.payload;
  if (seen.kind == Seen::Kind::Icmp || text.empty()) return true;
  if (calls_.writes_zeros())
    return std::ranges::all_of(text, [](uint8_t octet) { return octet == 0; });
  if (seen.kind != Seen::Kind::Tcp || calls_.written().size() != 1) return true;
  const std::vector<uint8_t>& stream = calls_.written().begin()->second;
  const uint32_t first = (seen.tcp.seq - flow.local_iss()).v - 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t at = size_t{first} + i;
    if (at < stream.size() && text[i] != stream[at]) return false;
  }
  return true;
}

void Run::consume(const Packet& p, Flow& flow) {
  const Seen& seen = host_.seen().front();
  const TcpOption* wanted = timestamps_of(p);
  if (wanted != nullptr && !wanted->value_unchecked && seen.tcp.options.has_timestamps)
    flow.bind_timestamp(wanted->value, seen.tcp.options.tsval);
  base_ = seen.at;
  if (seen.tcp.flags.has(wire::kAck)) heard_.since_ack = 0;
  if (seen.tcp.flags.has(wire::kSyn)) heard_.said_syn = true;
  host_.seen().pop_front();
}

bool Run::fail_packet(const Packet& p, const Seen& seen, const Flow& flow, Differences d,
                      const Span& span) {
  std::string saw = "> " + packet_text(seen, flow, d.has(Field::Ip)) + " at " + clock_text(seen.at);
  if (d.has(Field::Time)) {
    saw += seen.at < span.from ? " (too early, not before " + clock_text(span.from) + ")"
                               : " (too late, not after " + clock_text(span.to) + ")";
  }
  d.drop(Field::Time);
  if (!d.none()) saw += " (" + fields_text(d) + ")";
  return fail(p.place, trimmed(script_.line(p.place)), std::move(saw));
}

}  // namespace rapport::play
