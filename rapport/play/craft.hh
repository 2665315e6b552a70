// Packets of the script's side, made octet by octet: nothing is too wrong to be said. The numbers
// are live ones. Payload is zeros, as every octet is that a script does not spell out.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <span>
#include <vector>

namespace rapport::play {

struct Envelope {
  IpAddress from, to;
  uint8_t tos = 0;
  uint8_t ttl = 64;
  uint32_t flow_label = 0;  // IPv6
};

struct LiveSegment {
  uint16_t source_port = 0, destination_port = 0;
  Seq seq, ack;
  wire::Flags flags;
  uint16_t window = 0, urgent = 0;
  std::vector<uint8_t> options{};  // filled up with zeros to a multiple of four
  uint16_t length = 0;
};

[[nodiscard]] std::vector<uint8_t> craft_tcp(const Envelope& envelope, const LiveSegment& segment);
[[nodiscard]] std::vector<uint8_t> craft_udp(const Envelope& envelope, uint16_t source_port,
                                             uint16_t destination_port, uint16_t length);
// Of the family of the addresses; `data` is what follows the eight octets of header.
[[nodiscard]] std::vector<uint8_t> craft_icmp(const Envelope& envelope, const wire::IcmpHead& head,
                                              std::span<const uint8_t> data);

}  // namespace rapport::play
