// Packets: `< [ect0] 8080 > 5000 P. 1:101(100) ack 1 win 257 <nop>`, `> udp (10)`,
// `< icmp unreachable port_unreachable [1:1(0)]`.
#include "rapport/play/lexer.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/place.hh"
#include "rapport/play/reader.hh"
#include "rapport/play/script.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::play {

namespace {

constexpr uint32_t kMax8 = std::numeric_limits<uint8_t>::max();
constexpr uint32_t kMax16 = std::numeric_limits<uint16_t>::max();
constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kMaxFlowLabel = 0xfffff;

constexpr auto kEcnWords = std::to_array<std::pair<std::string_view, Ecn>>({
    {"noecn", Ecn::NotEct},
    {"ect0", Ecn::Ect0},
    {"ect1", Ecn::Ect1},
    {"ce", Ecn::Ce},
    {"ect01", Ecn::Ect01},
});

// RFC 2474 4.2.2.2 (CS), RFC 2597 6 (AF), RFC 3246 2.7 (EF), RFC 5865 2 (VA), RFC 8622 (LE).
constexpr auto kDscpWords = std::to_array<std::pair<std::string_view, uint8_t>>({
    {"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},  {"cs5", 40},
    {"cs6", 48},  {"cs7", 56},  {"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18},
    {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28}, {"af33", 30}, {"af41", 34},
    {"af42", 36}, {"af43", 38}, {"ef", 46},   {"va", 44},   {"le", 1},
});

template <typename Table>
const auto* find_word(const Table& table, const Token& t) {
  const auto at =
      std::ranges::find_if(table, [&t](const auto& entry) { return t.is_word(entry.first); });
  return at == table.end() ? nullptr : &at->second;
}

uint16_t small(Reader& r, std::string_view what) {
  return static_cast<uint16_t>(r.number(what, kMax16));
}

uint8_t octet(Reader& r, std::string_view what) {
  return static_cast<uint8_t>(r.number(what, kMax8));
}

void read_ecn_word(Reader& r, IpItems& ip, Direction direction, std::string_view expected) {
  const Ecn* ecn = find_word(kEcnWords, r.now());
  if (ecn == nullptr || (*ecn == Ecn::Ect01 && direction == Direction::Inbound)) {
    r.fail(ecn == nullptr ? expected : "one of ect0 and ect1 in an inbound packet");
    return;
  }
  ip.ecn = *ecn;
  r.next();
}

void read_dscp(Reader& r, IpItems& ip) {
  constexpr uint32_t kMaxDscp = 63;
  if (const uint8_t* value = find_word(kDscpWords, r.now())) {
    ip.dscp = *value;
    r.next();
    return;
  }
  ip.dscp = static_cast<uint8_t>(r.number("a DSCP (cs0 to cs7, af11 to af43, ef, ...)", kMaxDscp));
}

// The items that dialect F has besides.
bool read_f_item(Reader& r, IpItems& ip, Direction direction) {
  const Token t = r.now();
  const bool mine =
      t.is_word("ecn") || t.is_word("dscp") || t.is_word("class") || t.is_word("hlim");
  if (!mine) return false;
  r.only(Dialect::F, t.place, "'" + std::string{t.text} + "'");
  r.next();
  if (t.is_word("ecn")) {
    read_ecn_word(r, ip, direction, "noecn, ect0, ect1, ce or ect01");
  } else if (t.is_word("dscp")) {
    read_dscp(r, ip);
  } else if (t.is_word("class")) {
    ip.tos = octet(r, "a traffic class");
  } else {
    ip.ttl = octet(r, "a hop limit");
  }
  return true;
}

void read_item(Reader& r, IpItems& ip, Direction direction) {
  if (r.take_word("tos")) {
    ip.tos = octet(r, "a type of service");
  } else if (r.take_word("flowlabel")) {
    ip.flow_label = r.number("a flow label", kMaxFlowLabel);
  } else if (r.take_word("ttl")) {
    ip.ttl = octet(r, "a time to live");
  } else if (!read_f_item(r, ip, direction)) {
    read_ecn_word(r, ip, direction,
                  "noecn, ect0, ect1, ce, ect01, tos, flowlabel, ttl, ecn, dscp, class or hlim");
  }
}

IpItems read_ip_items(Reader& r, Direction direction) {
  IpItems ip;
  if (!r.at('[') && !r.at('(')) return ip;
  ip.place = r.now().place;
  const char close = r.at('[') ? ']' : ')';
  r.next();
  do {
    read_item(r, ip, direction);
  } while (r.take(','));
  r.need(close, close == ']' ? "',' or ']'" : "',' or ')'");
  return ip;
}

// The words of an outer header as they stand, up to the one that ends in ":".
std::string read_outer(Reader& r) {
  std::string text;
  while (!r.failed()) {
    if (r.at(Token::Kind::End)) r.fail("':' after an outer header");
    std::string_view words = r.raw();
    const bool last = words.ends_with(':');
    if (last) words.remove_suffix(1);
    if (!text.empty() && !words.empty()) text += ' ';
    text += words;
    if (last) break;
  }
  return text;
}

void read_encapsulation(Reader& r, Packet& packet) {
  using Kind = Encapsulation::Kind;
  constexpr auto kNames = std::to_array<std::pair<std::string_view, Kind>>(
      {{"ipv4", Kind::Ipv4}, {"ipv6", Kind::Ipv6}, {"gre", Kind::Gre}, {"mpls", Kind::Mpls}});
  while (const Kind* kind = find_word(kNames, r.now())) {
    const Place place = r.now().place;
    r.next();
    packet.encapsulation.push_back({.kind = *kind, .text = read_outer(r), .place = place});
  }
}

Ports read_ports(Reader& r) {
  Ports ports;
  ports.source = small(r, "a port");
  r.need('>', "'>' between two ports");
  ports.destination = small(r, "a port");
  return ports;
}

std::optional<Ports> read_udp_encapsulation(Reader& r) {
  if (!r.at('/')) return std::nullopt;
  r.only(Dialect::F, r.now().place, "'/udp'");
  r.next();
  r.need_word("udp");
  r.need('(');
  const Ports ports = read_ports(r);
  r.need(')');
  return ports;
}

bool set_flag(TcpSegment& segment, char c) {
  constexpr auto kLetters = std::to_array<std::pair<char, wire::Flags>>({
      {'F', wire::kFin},
      {'S', wire::kSyn},
      {'R', wire::kRst},
      {'P', wire::kPsh},
      {'.', wire::kAck},
      {'U', wire::kUrg},
      {'E', wire::kEce},
      {'W', wire::kCwr},
  });
  if (c == 'A') return !std::exchange(segment.accurate_ecn, true);
  const auto at = std::ranges::find(kLetters, c, [](const auto& p) { return p.first; });
  if (at == kLetters.end() || segment.flags.has(at->second)) return false;
  segment.flags = segment.flags | at->second;
  return true;
}

// "S.", "-", ".5"
bool understand_flags(std::string_view letters, TcpSegment& segment) {
  constexpr char kMaxCounter = '7';
  if (letters == "-") return true;
  const size_t n = letters.size();
  if (n > 1 && letters[n - 2] == '.' && letters[n - 1] >= '0' && letters[n - 1] <= kMaxCounter) {
    segment.ecn_counter = static_cast<uint8_t>(letters[n - 1] - '0');
    letters.remove_suffix(1);
  }
  return !letters.empty()
         && std::ranges::all_of(letters, [&](char c) { return set_flag(segment, c); });
}

void read_flags(Reader& r, TcpSegment& segment) {
  constexpr std::string_view kExpected = "flags (some of S F R P U E W A, then '.', or '-')";
  const Token t = r.now();
  const bool begins = t.is(Token::Kind::Word) || t.is(Token::Kind::Float) || t.is('.') || t.is('-');
  if (!begins) {
    r.fail(kExpected);
    return;
  }
  const std::string_view letters = r.raw();
  if (understand_flags(letters, segment)) {
    if (segment.ecn_counter) r.only(Dialect::G, t.place, "an ECN counter");
    return;
  }
  r.fail_at(t.place, kExpected, "'" + std::string{letters} + "'");
}

SequenceRange read_sequence(Reader& r) {
  SequenceRange s;
  s.place = r.now().place;
  s.unchecked = r.take(Token::Kind::Ellipsis);
  uint32_t last = 0;
  if (s.unchecked) {
    r.only(Dialect::F, s.place, "'...' for a sequence number");
  } else {
    s.first = r.number("a sequence range like 1:1001(1000)", kMax32);
    r.need(':', "':' in a sequence range like 1:1001(1000)");
    last = r.number("the end of a sequence range like 1:1001(1000)", kMax32);
  }
  r.need('(', "'(' in a sequence range like 1:1001(1000)");
  s.length = small(r, "a length of data");
  r.need(')');
  if (!s.unchecked && !r.failed() && last != s.first + s.length) {
    r.fail_at(s.place,
              std::to_string(s.first) + ":" + std::to_string(s.first + s.length) + "("
                  + std::to_string(s.length) + ")",
              std::to_string(s.first) + ":" + std::to_string(last) + "(" + std::to_string(s.length)
                  + ")");
  }
  const Place mark = r.now().place;
  s.raw = r.take('!');
  if (s.raw) r.only(Dialect::F, mark, "'!'");
  return s;
}

TcpSegment read_tcp(Reader& r, Direction direction) {
  TcpSegment segment;
  if (r.at_word("encap")) {
    r.only(Dialect::G, r.now().place, "'encap'");
    r.next();
    r.need_word("psp");
    r.need_word("spi");
    segment.psp_spi = r.number("a security index", kMax32);
  }
  if (r.at(Token::Kind::Integer)) segment.ports = read_ports(r);
  read_flags(r, segment);
  segment.sequence = read_sequence(r);
  if (segment.sequence.unchecked && direction == Direction::Inbound) {
    r.fail_at(segment.sequence.place, "a sequence number in an inbound packet", "'...'");
  }
  if (r.take_word("ack")) segment.ack = r.number("an acknowledgment number", kMax32);
  if (r.take_word("win")) segment.window = small(r, "a window");
  if (r.take_word("urg")) segment.urgent = small(r, "an urgent pointer");
  if (r.take('<')) read_tcp_options(r, segment, direction);
  segment.udp_encapsulation = read_udp_encapsulation(r);
  return segment;
}

UdpDatagram read_udp(Reader& r) {
  UdpDatagram udp;
  if (r.at(Token::Kind::Integer)) udp.ports = read_ports(r);
  r.need('(', "'(' and a length");
  udp.length = small(r, "a length of data");
  r.need(')');
  return udp;
}

uint16_t read_quoted_length(Reader& r) {
  r.need('(', "'(' and a length");
  const uint16_t length = small(r, "a length of data");
  r.need(')');
  return length;
}

void read_quoted(Reader& r, IcmpMessage& icmp) {
  if (!r.take('[')) return;
  if (r.take_word("udp")) {
    icmp.quoted = QuotedUdp{read_quoted_length(r)};
  } else if (r.take_word("raw")) {
    icmp.quoted = QuotedRaw{read_quoted_length(r)};
  } else {
    QuotedTcp tcp{.sequence = read_sequence(r), .udp_encapsulation = {}};
    tcp.udp_encapsulation = read_udp_encapsulation(r);
    icmp.quoted = tcp;
  }
  r.need(']');
}

std::string word_or_number(Reader& r, std::string_view expected) {
  if (r.at(Token::Kind::Integer)) return std::to_string(r.number(expected, kMax8));
  return r.word(expected);
}

IcmpMessage read_icmp(Reader& r) {
  IcmpMessage icmp;
  const uint32_t line = r.now().place.line;
  icmp.type = word_or_number(r, "a type of ICMP message");
  const bool more = r.at(Token::Kind::Integer) || r.at(Token::Kind::Word);
  const bool same_line = r.now().place.line == line;  // on the next, "0" is the time of an event
  if (more && same_line && !r.at_word("mtu") && !r.at_word("id")) {
    icmp.code = word_or_number(r, "a code of an ICMP message");
  }
  if (r.take_word("mtu")) icmp.mtu = r.number("an MTU", kMax32);
  if (r.take_word("id")) icmp.id = small(r, "an identifier");
  read_quoted(r, icmp);
  return icmp;
}

}  // namespace

Packet read_packet(Reader& r) {
  Packet packet;
  packet.place = r.now().place;
  packet.direction = r.at('<') ? Direction::Inbound : Direction::Outbound;
  r.next();
  packet.ip = read_ip_items(r, packet.direction);
  read_encapsulation(r, packet);
  if (r.take_word("udp")) {
    packet.body = read_udp(r);
  } else if (r.take_word("icmp")) {
    packet.body = read_icmp(r);
  } else {
    packet.body = read_tcp(r, packet.direction);
  }
  return packet;
}

}  // namespace rapport::play
