// Packets made by hand and read again: whole ones, fragments, Ethernet frames; and a way to give
// them to a stack and to hear its answers.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/stack.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/udp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {

using Octets = std::vector<uint8_t>;

inline Octets pattern(size_t n) {
  Octets o(n);
  for (size_t i = 0; i < n; ++i) o[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return o;
}

inline Octets joined(Octets head, std::span<const uint8_t> tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

inline Octets packet(const IpAddress& from, const IpAddress& to, uint8_t protocol,
                     std::span<const uint8_t> payload, uint8_t hop_limit = 64) {
  const auto length = static_cast<uint16_t>(payload.size());
  Octets o(from.is_v4() ? wire::kIpv4Header : wire::kIpv6Header);
  if (from.is_v4()) {
    wire::Ipv4 ip;
    ip.source = from;
    ip.destination = to;
    ip.protocol = protocol;
    ip.ttl = hop_limit;
    wire::build_ipv4(o.data(), ip, length);
  } else {
    wire::Ipv6 ip;
    ip.source = from;
    ip.destination = to;
    ip.next_header = protocol;
    ip.hop_limit = hop_limit;
    wire::build_ipv6(o.data(), ip, length);
  }
  return joined(std::move(o), payload);
}

inline Octets icmp(const IpAddress& from, const IpAddress& to, const wire::IcmpHead& head,
                   std::span<const uint8_t> data) {
  Octets o(wire::kIcmpHeader + data.size());
  if (from.is_v4()) {
    wire::build_icmp(o.data(), head, data);
    return packet(from, to, wire::kProtocolIcmp, o);
  }
  wire::build_icmpv6(o.data(), head, data, from, to);
  return packet(from, to, wire::kProtocolIcmpv6, o);
}

inline Octets echo_request(const IpAddress& from, const IpAddress& to,
                           std::span<const uint8_t> data) {
  return icmp(from, to, {from.is_v4() ? wire::kIcmpEcho : wire::kIcmpv6Echo, 0, 0x12345678}, data);
}

inline Octets echo_reply(const IpAddress& from, const IpAddress& to,
                         std::span<const uint8_t> data) {
  const uint8_t type = from.is_v4() ? wire::kIcmpEchoReply : wire::kIcmpv6EchoReply;
  return icmp(from, to, {type, 0, 0x12345678}, data);
}

inline Octets datagram(const Endpoint& from, const Endpoint& to, std::span<const uint8_t> text) {
  Octets o(wire::kUdpHeader);
  wire::build_udp(o.data(), {from.port, to.port}, from.address, to.address,
                  {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)});
  return packet(from.address, to.address, wire::kProtocolUdp, joined(std::move(o), text));
}

// What comes behind the IP header of a packet without options, fragments included.
inline std::span<const uint8_t> payload_of(const Octets& p) {
  return std::span(p).subspan(p[0] >> 4 == 4 ? wire::kIpv4Header : wire::kIpv6Header);
}

// One fragment: octets [from, from + length) of a whole packet's payload.
inline Octets fragment(const Octets& whole, size_t from, size_t length, uint32_t id) {
  const auto payload = payload_of(whole);
  const bool more = from + length < payload.size();
  if (whole[0] >> 4 == 4) {
    wire::Ipv4 ip = *wire::parse_ipv4(whole);
    ip.dont_fragment = false;
    ip.more_fragments = more;
    ip.fragment_offset = static_cast<uint16_t>(from);
    ip.id = static_cast<uint16_t>(id);
    Octets o(wire::kIpv4Header);
    wire::build_ipv4(o.data(), ip, static_cast<uint16_t>(length));
    return joined(std::move(o), payload.subspan(from, length));
  }
  wire::Ipv6 ip = *wire::parse_ipv6(whole);
  ip.more_fragments = more;
  ip.fragment_offset = static_cast<uint16_t>(from);
  ip.id = id;
  Octets o(wire::kIpv6Header + wire::kFragmentHeader);
  wire::build_fragment_header(o.data() + wire::kIpv6Header, ip);
  ip.next_header = wire::kProtocolFragment;
  wire::build_ipv6(o.data(), ip, static_cast<uint16_t>(wire::kFragmentHeader + length));
  return joined(std::move(o), payload.subspan(from, length));
}

inline std::vector<Octets> fragments(const Octets& whole, size_t mtu, uint32_t id) {
  const size_t header = whole[0] >> 4 == 4 ? 20 : 48;
  const size_t room = (mtu - header) & ~size_t{7};
  const size_t all = payload_of(whole).size();
  std::vector<Octets> out;
  for (size_t from = 0; from < all; from += room) {
    out.push_back(fragment(whole, from, std::min(room, all - from), id));
  }
  return out;
}

// The payload of what fragments of one datagram make together; empty when something is missing.
inline Octets reassembled(const std::vector<Octets>& parts) {
  ip::Reassembly reassembly{ip::ReassemblyConfig{}};
  for (const Octets& p : parts) {
    const auto out = p[0] >> 4 == 4 ? reassembly.receive(*wire::parse_ipv4(p), Instant{})
                                    : reassembly.receive(*wire::parse_ipv6(p), Instant{});
    if (out.result != ip::Reassembly::Result::Complete) continue;
    EXPECT_EQ(&p, &parts.back());
    const Octets whole(out.packet.begin(), out.packet.end());
    const auto payload = payload_of(whole);
    return {payload.begin(), payload.end()};
  }
  return {};
}

inline Octets in_ethernet(const MacAddress& to, const MacAddress& from, uint16_t type,
                          std::span<const uint8_t> payload, bool padded = true) {
  Octets o(wire::kEthernetHeader);
  wire::build_ethernet(o.data(), {.destination = to, .source = from, .type = type, .payload = {}});
  o = joined(std::move(o), payload);
  if (padded) o.resize(std::max(o.size(), size_t{64}), 0xee);
  return o;
}

inline Octets in_ethernet(const MacAddress& to, const MacAddress& from, const Octets& ip) {
  return in_ethernet(to, from, ip[0] >> 4 == 4 ? wire::kEtherIpv4 : wire::kEtherIpv6, ip);
}

// A world around one stack.
class Surroundings {
 public:
  void feed(stack::Stack& to, const Octets& octets, Instant now, uint16_t interface = 0) {
    Frame f = frames_.allocate(0);
    ASSERT_TRUE(f);
    f.reshape(0, octets.size());
    std::memcpy(f.data(), octets.data(), octets.size());
    to.receive({&f, 1}, now, interface);
    EXPECT_EQ(frames_.in_use(), 0U);  // what came in is held by nobody
  }

  static std::vector<Octets> said_by(stack::Stack& stack) {
    std::vector<Octets> out;
    for (Frame f = stack.next_frame(); f; f = stack.next_frame()) {
      out.emplace_back(f.bytes().begin(), f.bytes().end());
    }
    return out;
  }

  std::vector<Octets> answers(stack::Stack& to, const Octets& octets, Instant now) {
    feed(to, octets, now);
    return said_by(to);
  }

 private:
  FramePool frames_{4, 65536};
};

}  // namespace rapport::test
