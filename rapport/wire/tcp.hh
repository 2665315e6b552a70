// TCP segments: bytes <-> values (RFC 9293 3.1). No state: whether a segment is acceptable is
// decided in tcp/. A Segment may stand for a super-segment of up to 64 KiB (GRO/GSO).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/options.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

// Control bits as on the wire.
struct Flags {
  uint8_t v = 0;

  [[nodiscard]] constexpr bool has(Flags f) const { return (v & f.v) == f.v; }

  [[nodiscard]] constexpr bool any(Flags f) const { return (v & f.v) != 0; }

  constexpr Flags operator|(Flags o) const { return {static_cast<uint8_t>(v | o.v)}; }

  friend constexpr bool operator==(Flags, Flags) = default;
};

inline constexpr Flags kFin{0x01}, kSyn{0x02}, kRst{0x04}, kPsh{0x08}, kAck{0x10}, kUrg{0x20},
    kEce{0x40}, kCwr{0x80};

inline constexpr size_t kTcpHeader = 20;
inline constexpr uint8_t kProtocolTcp = 6;

// A parsed and checked segment. `text` points into the frame it came in.
struct Segment {
  uint16_t source_port = 0, destination_port = 0;
  Seq seq, ack;
  Flags flags;
  uint8_t option_octets = 0;  // length of the options on the wire
  uint16_t window = 0;        // as on the wire, unscaled
  uint16_t urgent = 0;        // the pointer, meaningful with kUrg
  uint16_t gso_size = 0;      // for a super-segment: the text length of each of its parts, else 0
  std::span<const uint8_t> text;
  const uint8_t* raw_options = nullptr;  // option_octets octets
  PartialSum header_sum;                 // pseudo-header and header, while not `verified`
  bool verified = true;   // false: whoever takes the segment must still check the sum of its text
  bool in_place = false;  // the text has been copied to where it belongs (tcp/early_text.hh)
  Options options;

  // SEG.LEN: the text and one each for SYN and FIN (RFC 9293 3.4).
  [[nodiscard]] ByteCount length() const {
    return ByteCount{text.size() + (flags.any(kSyn) ? 1U : 0U) + (flags.any(kFin) ? 1U : 0U)};
  }
};

enum class Checksum : uint8_t {
  Verify,
  AlreadyVerified,
  SumHeader,  // leaves the text to be summed when it is copied: not `verified`
};

// Parses the octets after the IP header. Errors: TcpTooShort, TcpDataOffset, TcpChecksum,
// TcpPortZero.
[[nodiscard]] std::expected<Segment, DropReason> parse_tcp(std::span<const uint8_t> bytes,
                                                           const IpAddress& source,
                                                           const IpAddress& destination,
                                                           Checksum checksum);

// The same into `out`, which keeps its old values when the segment is faulty. None: it is not.
[[nodiscard]] DropReason parse_tcp(std::span<const uint8_t> bytes, const IpAddress& source,
                                   const IpAddress& destination, Checksum checksum, Segment& out);

// What to write; text is given to build_tcp piecewise.
struct SegmentHead {
  uint16_t source_port = 0, destination_port = 0;
  Seq seq, ack;
  Flags flags;
  uint16_t window = 0;
  uint16_t urgent = 0;
  const Options* options = nullptr;  // nullptr: none, or timestamps alone
  // The usual options after the handshake, said without an Options:
  bool timestamps = false;
  uint32_t tsval = 0, tsecr = 0;
};

// The length of the options that build_tcp will write.
[[nodiscard]] inline uint32_t option_length(const SegmentHead& head) {
  if (head.options != nullptr) return option_length(*head.options);
  return head.timestamps ? 12 : 0;
}

// Writes header and options at `to` (room for 60 octets) with the checksum over pseudo-header,
// header and `text` (MUST-2); the text itself must lie, or be put, right behind. Returns the
// header's length: 20 + options, known beforehand as 20 + option_length(head).
uint32_t build_tcp(uint8_t* to, const SegmentHead& head, const IpAddress& source,
                   const IpAddress& destination, TextSum text);

}  // namespace rapport::wire
