// Fragments of a datagram that counts, and who is fed with them.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {

using Octets = std::vector<uint8_t>;
using enum Reassembly::Result;

inline constexpr uint8_t other =
    200;  // a protocol without a header that must be in the first fragment
inline const IpAddress us = IpAddress::v4(10, 0, 0, 1), them = IpAddress::v4(10, 0, 0, 2);
inline const IpAddress us6 = parse_address("2001:db8::1").value();
inline const IpAddress them6 = parse_address("2001:db8::2").value();
inline constexpr Instant start{1'000'000'000};

// `length` octets of the datagram that counts 0, 1, 2, ..., from `offset` on.
inline Octets counted(size_t offset, size_t length) {
  Octets bytes(length);
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<uint8_t>((offset + i) * 7);
  return bytes;
}

inline wire::Ipv4 v4(uint16_t offset, std::span<const uint8_t> data, bool more, uint16_t id = 1) {
  wire::Ipv4 ip;
  ip.source = them;
  ip.destination = us;
  ip.protocol = other;
  ip.id = id;
  ip.dont_fragment = false;
  ip.more_fragments = more;
  ip.fragment_offset = offset;
  ip.payload = data;
  return ip;
}

inline wire::Ipv6 v6(uint16_t offset, std::span<const uint8_t> data, bool more, uint32_t id = 1) {
  wire::Ipv6 ip;
  ip.source = them6;
  ip.destination = us6;
  ip.next_header = other;
  ip.is_fragment = true;
  ip.more_fragments = more;
  ip.fragment_offset = offset;
  ip.id = id;
  ip.header_length = 48;
  ip.payload = data;
  return ip;
}

class Feed {
 public:
  explicit Feed(const ReassemblyConfig& config = {}) : pieces(config) {}

  // A fragment of the counted datagram `id`.
  Reassembly::Outcome hear(uint16_t offset, size_t length, bool more, uint16_t id = 1) {
    const Octets data = counted(offset, length);
    return pieces.receive(v4(offset, data, more, id), now);
  }

  DropReason why(uint16_t offset, size_t length, bool more, uint16_t id = 1) {
    return hear(offset, length, more, id).fault.reason;
  }

  Reassembly pieces;
  Instant now = start;
};

inline Octets payload_v4(const Reassembly::Outcome& out) {
  const auto ip = wire::parse_ipv4(out.packet);
  if (!ip) return {};
  EXPECT_FALSE(ip->more_fragments);
  EXPECT_EQ(ip->fragment_offset, 0);
  return {ip->payload.begin(), ip->payload.end()};
}

}  // namespace rapport::ip
