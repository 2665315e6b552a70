// Headers of captured packets.
#include "rapport/observe/dissect.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace rapport::observe {

namespace {

using wire::load16;
using wire::load32;

constexpr size_t kIpv4Least = 20, kIpv6 = 40;
constexpr int kMostExtensions = 16;
constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;

// Where the TCP header begins, and how long TCP's part was on the wire.
struct Place {
  IpAddress source, destination;
  size_t offset = 0, length = 0;
};

std::expected<Place, NotASegment> in_ipv4(std::span<const uint8_t> p, size_t length) {
  if (p.size() < kIpv4Least) return std::unexpected(NotASegment::TooShort);
  const size_t header = size_t{p[0] & 0xfU} * 4;
  // Zero where a card was left to cut the packet up (segmentation offload).
  const size_t total = load16(&p[2]) == 0 ? length : load16(&p[2]);
  if (header < kIpv4Least || total < header) return std::unexpected(NotASegment::Malformed);
  if (p[9] != wire::kProtocolTcp) return std::unexpected(NotASegment::OtherProtocol);
  if ((load16(&p[6]) & 0x1fff) != 0) return std::unexpected(NotASegment::LaterFragment);
  return Place{IpAddress::v4(load32(&p[12])), IpAddress::v4(load32(&p[16])), header,
               total - header};
}

IpAddress address_at(const uint8_t* p) {
  IpAddress a;
  std::copy_n(p, a.octets.size(), a.octets.begin());
  return a;
}

std::expected<Place, NotASegment> in_ipv6(std::span<const uint8_t> p, size_t length) {
  if (p.size() < kIpv6) return std::unexpected(NotASegment::TooShort);
  const size_t payload = load16(&p[4]);
  const size_t total = payload == 0 ? length : kIpv6 + payload;  // zero: a jumbogram, or offload
  uint8_t next = p[6];
  size_t at = kIpv6;
  for (int i = 0; i < kMostExtensions && next != wire::kProtocolTcp; ++i) {
    if (next != kHopByHop && next != kRouting && next != kFragment && next != kDestination)
      return std::unexpected(NotASegment::OtherProtocol);
    if (at + 8 > p.size()) return std::unexpected(NotASegment::TooShort);
    if (next == kFragment && (load16(&p[at + 2]) & 0xfff8) != 0)
      return std::unexpected(NotASegment::LaterFragment);
    const size_t extension = next == kFragment ? 8 : (size_t{p[at + 1]} + 1) * 8;
    next = p[at];
    at += extension;
  }
  if (next != wire::kProtocolTcp || at > total) return std::unexpected(NotASegment::Malformed);
  return Place{address_at(&p[8]), address_at(&p[24]), at, total - at};
}

// The values of a TCP header that lies whole in `tcp`; `length` octets on the wire.
void read_values(std::span<const uint8_t> tcp, size_t header, size_t length, TraceSegment& s) {
  s.seq = load32(&tcp[4]);
  s.ack = load32(&tcp[8]);
  s.flags = tcp[13];
  s.window = load16(&tcp[14]);
  s.urgent = load16(&tcp[18]);
  s.text_length = static_cast<uint32_t>(length - header);
  const auto options = tcp.subspan(wire::kTcpHeader, header - wire::kTcpHeader);
  s.option_length = static_cast<uint8_t>(options.size());
  std::ranges::copy(options, s.options);
  const auto text = tcp.subspan(header, std::min(tcp.size(), length) - header);
  s.snap_length = static_cast<uint8_t>(std::min(text.size(), sizeof(s.snap)));
  std::ranges::copy(text.first(s.snap_length), s.snap);
}

}  // namespace

std::string_view name(NotASegment n) {
  static constexpr std::array<std::string_view, static_cast<size_t>(NotASegment::kCount)> kAll{
      "of other families", "of other protocols", "later fragments", "cut too short", "malformed"};
  const auto i = static_cast<size_t>(n);
  return i < kAll.size() ? kAll[i] : "unknown";
}

std::expected<SeenSegment, NotASegment> dissect(std::span<const uint8_t> kept, size_t length,
                                                Instant at) {
  if (kept.empty()) return std::unexpected(NotASegment::TooShort);
  const int version = kept[0] >> 4;
  if (version != 4 && version != 6) return std::unexpected(NotASegment::OtherFamily);
  const auto place = version == 4 ? in_ipv4(kept, length) : in_ipv6(kept, length);
  if (!place) return std::unexpected(place.error());
  if (kept.size() < place->offset + wire::kTcpHeader) return std::unexpected(NotASegment::TooShort);
  const std::span<const uint8_t> tcp = kept.subspan(place->offset);
  const size_t header = size_t{tcp[12]} >> 4 << 2;
  if (header < wire::kTcpHeader || header > place->length)
    return std::unexpected(NotASegment::Malformed);
  if (header > tcp.size()) return std::unexpected(NotASegment::TooShort);
  SeenSegment seen{at,
                   {place->source, load16(tcp.data())},
                   {place->destination, load16(&tcp[2])},
                   TraceSegment{}};
  read_values(tcp, header, place->length, seen.segment);
  return seen;
}

}  // namespace rapport::observe
