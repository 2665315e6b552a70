// What a profile lets pass: fields of one segment, packets that need not come, other names of an
// error. A rule asks for the very situation in which the two systems differ, so that what lies a
// step beyond it still fails.
#include "rapport/base/seq.hh"
#include "rapport/play/compare.hh"
#include "rapport/play/craft.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/options.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/run.hh"
#include "rapport/play/seen.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

using Alias = std::pair<std::string_view, std::string_view>;

// One thing, two names; both ways.
constexpr std::array kAliases{
    Alias{"EPIPE", "ECONNRESET"},  Alias{"ECONNABORTED", "ECONNRESET"},
    Alias{"EISCONN", "EALREADY"},  Alias{"EINPROGRESS", "EALREADY"},
    Alias{"ENOTCONN", "EINVAL"},   Alias{"EADDRINUSE", "EINVAL"},
    Alias{"EOPNOTSUPP", "EINVAL"}, Alias{"EDESTADDRREQ", "ENOTCONN"},
    Alias{"ENOTCONN", "EPIPE"},    Alias{"EADDRNOTAVAIL", "EADDRINUSE"},
};

// What an ICMP error may become.
constexpr std::array<std::string_view, 8> kIcmpErrors{"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH",
                                                      "ENOPROTOOPT",  "EHOSTDOWN",    "EPROTO",
                                                      "EACCES",       "EOPNOTSUPP"};

// What the largest buffers of the two systems lead to.
constexpr uint32_t kLeastScale = 6;

bool is_icmp_error(std::string_view name) {
  return std::ranges::find(kIcmpErrors, name) != kIcmpErrors.end();
}

// The options of `wanted` with one value taken from what was seen are those that were seen.
bool same_after(const std::vector<TcpOption>& changed, const Seen& seen, const Flow& flow) {
  const auto d =
      compare_options(changed, wire_options(seen.options()), flow, seen.tcp.flags.has(wire::kSyn));
  return !d.some;
}

// With the SACK blocks that were seen, where they differ by a FIN at their right edge.
bool differs_by_fin(const TcpSegment& wanted, const Seen& seen, const Flow& flow, Seq fin_end) {
  std::vector<TcpOption> changed = wanted.options;
  const uint32_t edge = flow.script_of_remote(fin_end, false);
  bool some = false;
  for (TcpOption& o : changed) {
    for (TcpOption::Block& b : o.blocks) {
      if (b.right == edge) {
        --b.right;
      } else if (b.right + 1 == edge) {
        ++b.right;
      } else {
        continue;
      }
      some = true;
    }
  }
  return some && same_after(changed, seen, flow);
}

bool differs_by_scale(const TcpSegment& wanted, const Seen& seen, const Flow& flow) {
  std::vector<TcpOption> changed = wanted.options;
  const auto at = std::ranges::find(changed, TcpOption::Kind::WindowScale, &TcpOption::kind);
  if (at == changed.end() || at->value < kLeastScale || !seen.tcp.options.has_window_scale)
    return false;
  at->value = seen.tcp.options.window_scale;
  return same_after(changed, seen, flow);
}

}  // namespace

void Run::excuse(const Match& m, Differences& d, std::vector<Rule>& used) const {
  if (m.seen.kind != Seen::Kind::Tcp) return;
  const auto try_rule = [&](std::optional<Rule> r, std::initializer_list<Field> fields) {
    if (!r || !options_.rules.on(*r)) return;
    for (const Field f : fields) d.drop(f);
    used.push_back(*r);
  };
  if (d.has(Field::OptionOrder)) try_rule(Rule::OptionSet, {Field::OptionOrder});
  if (d.has(Field::Window) && !m.wanted.flags.has(wire::kRst) && m.wanted.window.value_or(0) != 0
      && m.seen.tcp.window != 0)
    try_rule(Rule::Windows, {Field::Window});
  if (d.has(Field::Options)) try_rule(excuse_options(m), {Field::Options});
  if (d.has(Field::Flags) || d.has(Field::Sequence)) {
    try_rule(excuse_flags(m, d), {Field::Flags, Field::Sequence, Field::Ack, Field::Window});
  } else if (d.has(Field::Ack)) {
    try_rule(excuse_ack(m, d), {Field::Ack});
  }
  if (d.only({Field::Time})) try_rule(excuse_time(m), {Field::Time});
}

std::optional<Rule> Run::excuse_options(const Match& m) const {
  if (m.seen.tcp.flags.has(wire::kSyn)) {
    if (differs_by_scale(m.wanted, m.seen, m.flow)) return Rule::ScaleOfBuffer;
    return std::nullopt;
  }
  if (heard_.fin_end && differs_by_fin(m.wanted, m.seen, m.flow, *heard_.fin_end))
    return Rule::FinSackEdge;
  return std::nullopt;
}

// FIN and SEQ of the ACK in CLOSING; a challenge ACK where RFC 793 has a RST.
std::optional<Rule> Run::excuse_flags(const Match& m, Differences d) const {
  const wire::Segment& s = m.seen.tcp;
  if (!s.text.empty() || m.wanted.sequence.length != 0) return std::nullopt;
  const uint32_t first = m.flow.script_of_local(s.seq, false);
  const bool fin = (s.flags.v ^ m.wanted.flags.v) == wire::kFin.v;
  const bool moved = s.flags.has(wire::kFin) ? first + 1 == m.wanted.sequence.first
                                             : first == m.wanted.sequence.first + 1;
  if (fin && moved && d.only({Field::Flags, Field::Sequence})
      && host_state(m.flow) == tcp::State::Closing)
    return Rule::ClosingFin;
  const bool challenge = s.flags == wire::kAck && m.wanted.flags.has(wire::kRst);
  if (challenge && heard_.flags.has(wire::kSyn)) return Rule::Rfc793;
  return std::nullopt;
}

std::optional<Rule> Run::excuse_missing(const Packet& p) const {
  const auto* tcp = std::get_if<TcpSegment>(&p.body);
  if (tcp == nullptr || !heard_.to_listener) return std::nullopt;
  const auto on = [this](Rule r) { return options_.rules.on(r) ? std::optional(r) : std::nullopt; };
  if (heard_.flags.has(wire::kSyn | wire::kAck) && tcp->flags.has(wire::kRst))
    return on(Rule::SynAckInListen);
  if (heard_.flags.has(wire::kSyn | wire::kFin) && tcp->flags.has(wire::kSyn | wire::kAck))
    return on(Rule::SynFin);
  return std::nullopt;
}

bool Run::is_alias(const std::string& expected, const std::string& saw) {
  if (heard_.icmp && options_.rules.on(Rule::IcmpErrors) && is_icmp_error(expected)
      && is_icmp_error(saw)) {
    verdict_.uses.add(Rule::IcmpErrors);
    return true;
  }
  const bool known = std::ranges::any_of(kAliases, [&](const Alias& a) {
    return (a.first == expected && a.second == saw) || (a.first == saw && a.second == expected);
  });
  if (!known || !options_.rules.on(Rule::ErrnoAlias)) return false;
  verdict_.uses.add(Rule::ErrnoAlias);
  return true;
}

void Run::note_injected(const LiveSegment& s, const Flow& /*flow*/, tcp::State before) {
  heard_.flags = s.flags;
  heard_.to_listener = before == tcp::State::Closed && host_.stack().population().listeners > 0;
  if (s.flags.has(wire::kFin)) heard_.fin_end = s.seq + ByteCount{s.length + 1U};
  if (s.length == 0) return;
  ++heard_.texts;
  ++heard_.since_ack;
  heard_.text_at = host_.now();
}

}  // namespace rapport::play
