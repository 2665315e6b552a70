// A packet that is for us, whatever its family, its headers read; and one that is to leave. Private
// to stack/.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/mac.hh"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::stack {

// How it came.
struct Arrived {
  uint16_t interface = 0;
  uint32_t serial = 0;       // of its frame, for the trace
  MacAddress from{};         // Ethernet: the frame's sender
  bool to_group = false;     // a multicast or broadcast frame
  bool reassembled = false;  // made of fragments, be it of one (RFC 6946)
};

struct Packet {
  IpAddress source, destination;
  LocalId local;
  uint8_t protocol = 0;
  uint8_t hop_limit = 0;
  uint8_t dscp = 0;
  Arrived arrived{};
  uint32_t next_header_at = 0;         // IPv6: where the protocol stands
  std::span<const uint8_t> bytes{};    // from the IP header on
  std::span<const uint8_t> payload{};  // of the layer above
};

// What the stack itself says, or UDP: a message that may be larger than a packet.
struct Message {
  LocalId local;
  IpAddress remote;
  uint8_t protocol = 0;
  uint8_t hop_limit = 64;
  uint8_t dscp = 0;
  std::span<const uint8_t> head{};  // the header of the layer above; may be empty
  std::span<const uint8_t> text{};  // what follows it

  [[nodiscard]] size_t size() const { return head.size() + text.size(); }
};

// What ICMP error a packet draws.
enum class Complaint : uint8_t {
  ProtocolUnreachable,  // IPv6: a Parameter Problem about the next header (RFC 4443 3.4)
  PortUnreachable,
  ReassemblyTimedOut,
  ParameterProblem,  // IPv6
};

struct Problem {
  uint8_t code = 0;
  uint32_t pointer = 0;
};

}  // namespace rapport::stack
