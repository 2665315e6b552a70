// ICMP as scripts name it.
#include "rapport/play/icmp_words.hh"

#include "rapport/base/seq.hh"
#include "rapport/play/craft.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

struct Word {
  std::string_view text;
  uint8_t number;
};

struct Code {
  uint8_t type;
  std::string_view text;
  uint8_t number;
};

constexpr std::array kTypes4{Word{"echo_reply", 0},        Word{"unreachable", 3},
                             Word{"source_quench", 4},     Word{"redirect", 5},
                             Word{"echo_request", 8},      Word{"time_exceeded", 11},
                             Word{"parameter_problem", 12}};
constexpr std::array kCodes4{Code{3, "net_unreachable", 0},
                             Code{3, "host_unreachable", 1},
                             Code{3, "protocol_unreachable", 2},
                             Code{3, "port_unreachable", 3},
                             Code{3, "frag_needed", 4},
                             Code{3, "source_route_failed", 5},
                             Code{3, "net_unknown", 6},
                             Code{3, "host_unknown", 7},
                             Code{3, "source_host_isolated", 8},
                             Code{3, "net_prohibited", 9},
                             Code{3, "host_prohibited", 10},
                             Code{3, "net_tos", 11},
                             Code{3, "host_tos", 12},
                             Code{3, "admin_prohibited", 13},
                             Code{3, "filter_prohib", 13},
                             Code{3, "net_unreachable_for_tos", 11},
                             Code{3, "host_unreachable_for_tos", 12},
                             Code{3, "packet_filtered", 13},
                             Code{3, "precedence_violation", 14},
                             Code{3, "host_precedence", 14},
                             Code{3, "precedence_cutoff", 15},
                             Code{5, "net", 0},
                             Code{5, "host", 1},
                             Code{11, "exceeded_ttl", 0},
                             Code{11, "ttl", 0},
                             Code{11, "exceeded_frag", 1},
                             Code{11, "fragment", 1}};
constexpr std::array kTypes6{Word{"unreachable", 1},    Word{"packet_too_big", 2},
                             Word{"time_exceeded", 3},  Word{"parameter_problem", 4},
                             Word{"echo_request", 128}, Word{"echo_reply", 129}};
constexpr std::array kCodes6{Code{1, "no_route", 0},
                             Code{1, "net_unreachable", 0},
                             Code{1, "admin_prohibited", 1},
                             Code{1, "filter_prohib", 1},
                             Code{1, "not_neighbour", 2},
                             Code{1, "not_neighbor", 2},
                             Code{1, "beyond_scope", 2},
                             Code{1, "address_unreachable", 3},
                             Code{1, "host_unreachable", 3},
                             Code{1, "port_unreachable", 4},
                             Code{1, "source_policy", 5},
                             Code{1, "reject_route", 6},
                             Code{3, "exceeded_ttl", 0},
                             Code{3, "hop_limit", 0},
                             Code{3, "exceeded_frag", 1},
                             Code{3, "fragment", 1},
                             Code{3, "exceeded_hop_limit", 0},
                             Code{3, "exceeded_frag_time", 1},
                             Code{4, "unknown_next_header", 1},
                             Code{4, "unknown_option", 2},
                             Code{4, "header_field", 0},
                             Code{4, "next_header", 1},
                             Code{4, "unknown_header", 1},
                             Code{4, "protocol_unreachable", 1},
                             Code{4, "option", 2}};

std::optional<uint8_t> number(std::string_view text) {
  uint8_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<uint8_t> type_of(std::string_view word, std::span<const Word> words) {
  const auto at = std::ranges::find(words, word, &Word::text);
  return at == words.end() ? number(word) : at->number;
}

std::optional<uint8_t> code_of(std::string_view word, uint8_t type, std::span<const Code> codes) {
  if (word.empty()) return uint8_t{0};
  for (const Code& c : codes) {
    if (c.type == type && c.text == word) return c.number;
  }
  return number(word);
}

// In IPv4, the pointer and the MTU do not fill the word (RFC 792, RFC 1191).
uint32_t rest_of(const IcmpMessage& m) {
  if (m.mtu) return *m.mtu;
  if (m.id) return uint32_t{*m.id} << 16;
  return 0;
}

}  // namespace

std::optional<wire::IcmpHead> icmp_head(const IcmpMessage& message, bool ipv6) {
  const auto type = ipv6 ? type_of(message.type, kTypes6) : type_of(message.type, kTypes4);
  if (!type) return std::nullopt;
  const auto code =
      ipv6 ? code_of(message.code, *type, kCodes6) : code_of(message.code, *type, kCodes4);
  if (!code) return std::nullopt;
  return wire::IcmpHead{*type, *code, rest_of(message)};
}

std::vector<uint8_t> quoted_packet(const IcmpMessage& message, const Flow& flow) {
  const Envelope envelope{flow.local.address, flow.remote.address};
  std::vector<uint8_t> packet;
  if (const auto* tcp = std::get_if<QuotedTcp>(&message.quoted)) {
    LiveSegment s;
    s.source_port = flow.local.port;
    s.destination_port = flow.remote.port;
    s.seq = tcp->sequence.raw ? Seq{tcp->sequence.first}
                              : flow.live_of_local(tcp->sequence.first, false);
    s.flags = wire::kAck;
    s.length = tcp->sequence.length;
    packet = craft_tcp(envelope, s);
  } else if (const auto* udp = std::get_if<QuotedUdp>(&message.quoted)) {
    packet = craft_udp(envelope, flow.local.port, flow.remote.port, udp->length);
  } else {
    const auto* raw = std::get_if<QuotedRaw>(&message.quoted);
    return std::vector<uint8_t>(raw == nullptr ? 0 : raw->length);
  }
  const auto quote =
      flow.remote.address.is_v4() ? wire::quotable_v4(packet) : wire::quotable_v6(packet);
  return {quote.begin(), quote.end()};
}

}  // namespace rapport::play
