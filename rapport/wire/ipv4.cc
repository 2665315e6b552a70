// IPv4 headers (RFC 791, RFC 1122 3.2.1): lengths and checksum are checked here; whether addresses
// are ours or martian, and what a fragment belongs to, is decided in stack/.
#include "rapport/wire/ipv4.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/word_writer.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

constexpr uint16_t dont_fragment_bit = 0x4000;
constexpr uint16_t more_fragments_bit = 0x2000;
constexpr uint16_t offset_mask = 0x1fff;

// Timestamp and Record Route too (MAY-10, MAY-11).
size_t header_length(const uint8_t* p) {
  return (size_t{p[0]} & 0x0f) << 2;
}

// Nearly every header has no options: its sum without a call and a loop.
PartialSum header_sum(std::span<const uint8_t> header) {
  if (header.size() != kIpv4Header) return sum(header);
  std::array<uint64_t, 2> words{};
  uint32_t last = 0;
  std::memcpy(words.data(), header.data(), sizeof words);
  std::memcpy(&last, &header[16], sizeof last);
  return PartialSum{words[0]} + PartialSum{words[1]} + PartialSum{last};
}

// R1122-1.
DropReason fault_of(std::span<const uint8_t> bytes) {
  if (bytes.size() < kIpv4Header) return DropReason::FrameTooShort;
  if (bytes[0] >> 4 != 4) return DropReason::Ipv4Version;
  const size_t header = header_length(bytes.data());
  if (header < kIpv4Header || header > bytes.size()) return DropReason::Ipv4HeaderLength;
  const size_t total = load16(&bytes[2]);
  if (total < header || total > bytes.size()) return DropReason::Ipv4TotalLength;
  if (!is_right(header_sum(bytes.first(header)))) return DropReason::Ipv4Checksum;
  return DropReason::None;
}

void read_values(std::span<const uint8_t> bytes, Ipv4& ip) {
  const uint8_t* p = bytes.data();
  const uint16_t fragment = load16(p + 6);
  ip.source = load_v4(p + 12);
  ip.destination = load_v4(p + 16);
  ip.protocol = p[9];
  ip.ttl = p[8];
  ip.dscp = p[1] >> 2;
  ip.ecn = p[1] & 3;
  ip.dont_fragment = (fragment & dont_fragment_bit) != 0;
  ip.more_fragments = (fragment & more_fragments_bit) != 0;
  ip.fragment_offset = static_cast<uint16_t>((fragment & offset_mask) << 3);
  ip.id = load16(p + 4);
  ip.header_length = static_cast<uint16_t>(header_length(p));
  ip.payload = bytes.subspan(ip.header_length, size_t{load16(p + 2)} - ip.header_length);
}

uint32_t last_four(const IpAddress& a) {
  uint32_t v = 0;
  std::memcpy(&v, &a.octets[12], 4);
  return v;
}

}  // namespace

std::expected<Ipv4, DropReason> parse_ipv4(std::span<const uint8_t> bytes) {
  std::expected<Ipv4, DropReason> result;
  const DropReason fault = parse_ipv4(bytes, *result);
  if (fault != DropReason::None) return std::unexpected(fault);
  return result;
}

DropReason parse_ipv4(std::span<const uint8_t> bytes, Ipv4& out) {
  const DropReason fault = fault_of(bytes);
  if (fault == DropReason::None) read_values(bytes, out);
  return fault;
}

void build_ipv4(uint8_t* to, const Ipv4& ip, uint16_t payload_length) {
  ASSERT(payload_length <= 0xffff - kIpv4Header);
  ASSERT(ip.fragment_offset % 8 == 0);
  const auto total = static_cast<uint32_t>(kIpv4Header + payload_length);
  const uint32_t service = (uint32_t{ip.dscp} << 2 | (ip.ecn & 3U)) & 0xffU;
  const uint32_t fragment = (ip.dont_fragment ? uint32_t{dont_fragment_bit} : 0U)
                            | (ip.more_fragments ? uint32_t{more_fragments_bit} : 0U)
                            | uint32_t{ip.fragment_offset} >> 3;
  WordWriter w{to};
  w.put(0x45000000U | service << 16 | total);
  w.put(uint32_t{ip.id} << 16 | fragment);
  w.put(uint32_t{ip.ttl} << 24 | uint32_t{ip.protocol} << 16);
  w.put_as_it_is(last_four(ip.source));
  w.put_as_it_is(last_four(ip.destination));
  const uint16_t checksum = finish(w.sum());
  std::memcpy(to + 10, &checksum, 2);
}

}  // namespace rapport::wire
