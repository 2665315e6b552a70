// Dissect: a captured IP packet, whole or cut, as a segment that can be told. It checks far less
// than a stack does: checksums may be missing (offload), the text may have been cut off, and what
// is wrong with a packet is part of its story. RFC 791, 8200 (the chain of headers), 9293 3.1.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace rapport::observe {

// A segment as a capture shows it. Of `segment` the values of the header, the options and the first
// octets of the text are filled in; what only a stack knows (state, cause, serial) is zero.
struct SeenSegment {
  Instant at;
  Endpoint from, to;
  TraceSegment segment;
};

// Why a packet is no segment.
enum class NotASegment : uint8_t {
  OtherFamily,    // neither IPv4 nor IPv6
  OtherProtocol,  // not TCP
  LaterFragment,  // its TCP header is in another packet
  TooShort,       // the capture kept too little of it
  Malformed,      // lengths that contradict each other
  kCount
};

[[nodiscard]] std::string_view name(NotASegment n);  // "of other protocols"

// `kept`: what was kept of the packet, from the IP header on; `length`: what it had on the wire.
[[nodiscard]] std::expected<SeenSegment, NotASegment> dissect(std::span<const uint8_t> kept,
                                                              size_t length, Instant at);

}  // namespace rapport::observe
