// A pen that writes captures by hand, segment after segment.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/capture_ladder.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/marks.hh"
#include "rapport/observe/sheet.hh"
#include "rapport/observe/strip.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

inline const Endpoint kLeft{IpAddress::v4(10, 0, 0, 1), 40000};
inline const Endpoint kRight{IpAddress::v4(10, 0, 0, 2), 80};

// The octets of a segment in an IPv4 packet.
inline std::vector<uint8_t> packet(const Endpoint& from, const Endpoint& to, wire::SegmentHead head,
                                   std::string_view text = {}) {
  head.source_port = from.port;
  head.destination_port = to.port;
  const size_t header = wire::kTcpHeader + wire::option_length(head);
  std::vector<uint8_t> out(wire::kIpv4Header + header + text.size());
  wire::Ipv4 ip;
  ip.source = from.address;
  ip.destination = to.address;
  ip.protocol = wire::kProtocolTcp;
  wire::build_ipv4(out.data(), ip, static_cast<uint16_t>(header + text.size()));
  (void)wire::build_tcp(&out[wire::kIpv4Header], head, from.address, to.address, {});
  std::ranges::copy(text, out.begin() + static_cast<std::ptrdiff_t>(wire::kIpv4Header + header));
  return out;
}

inline wire::SegmentHead head(wire::Flags flags, uint32_t seq, uint32_t ack,
                              uint16_t window = 1000) {
  wire::SegmentHead h;
  h.flags = flags;
  h.seq = Seq{seq};
  h.ack = Seq{ack};
  h.window = window;
  return h;
}

// Writes a capture: the left end's SYN has number 1000, the right one's 5000; numbers are relative.
class Pen {
 public:
  explicit Pen(Wanted wanted = {}) : capture_(wanted) {}

  Pen& left(wire::Flags flags, uint32_t seq, uint32_t ack, size_t text = 0,
            uint16_t window = 1000) {
    return write(kLeft, kRight, head(flags, 1000 + seq, 5000 + ack, window), text);
  }

  Pen& right(wire::Flags flags, uint32_t seq, uint32_t ack, size_t text = 0,
             uint16_t window = 1000) {
    return write(kRight, kLeft, head(flags, 5000 + seq, 1000 + ack, window), text);
  }

  Pen& stamped(uint32_t seq, size_t text, uint32_t tsval) {
    wire::SegmentHead h = head(kAck, 1000 + seq, 5001);
    h.timestamps = true;
    h.tsval = tsval;
    return write(kLeft, kRight, h, text);
  }

  Pen& write(const Endpoint& from, const Endpoint& to, const wire::SegmentHead& h, size_t text) {
    const auto octets = packet(from, to, h, std::string(text, 'x'));
    at_ += 1_ms;
    capture_.packet(octets, octets.size(), Instant{} + at_);
    return *this;
  }

  Pen& opens() { return left(kSyn, 0, 0).right(kSyn | kAck, 0, 1).left(kAck, 1, 1); }

  Pen& later(Duration d) {
    at_ += d;
    return *this;
  }

  Capture& done() {
    capture_.finish();
    return capture_;
  }

 private:
  Capture capture_;
  Duration at_{};
};

inline const Conversation& only(Capture& c) {
  EXPECT_EQ(c.conversations().size(), 1U);
  return c.conversations().front();
}

// The marks of the last row.
inline std::vector<std::string> marks_of(Pen& pen) {
  const auto& rows = only(pen.done()).head();
  return words(rows.back().marks);
}

inline bool last_is_resent(Pen& pen) {
  return only(pen.done()).head().back().marks.has(Mark::Resent);
}

using Words = std::vector<std::string>;

}  // namespace rapport::observe
