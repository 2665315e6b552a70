// Arbitrary values of wire/ for property tests. Draw inside a property only.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <rapidcheck.h>

namespace rapport::wire {

inline constexpr size_t ipv4_and_tcp_header = kIpv4Header + kTcpHeader;

// Any set of options that fits into 40 octets, so that all of it is written.
inline Options arbitrary_options() {
  Options o;
  o.has_mss = *rc::gen::arbitrary<bool>();
  o.has_window_scale = *rc::gen::arbitrary<bool>();
  o.sack_permitted = *rc::gen::arbitrary<bool>();
  o.has_timestamps = *rc::gen::arbitrary<bool>();
  if (o.has_mss) o.mss = *rc::gen::arbitrary<uint16_t>();
  if (o.has_window_scale) o.window_scale = *rc::gen::inRange<uint8_t>(0, kMaxShift + 1);
  if (o.has_timestamps) {
    o.tsval = *rc::gen::arbitrary<uint32_t>();
    o.tsecr = *rc::gen::arbitrary<uint32_t>();
  }
  const uint32_t room = 40 - option_length(o);
  o.sack_count = static_cast<uint8_t>(
      *rc::gen::inRange<uint32_t>(0, room < 12 ? 1 : std::min(5U, (room - 4) / 8 + 1)));
  for (size_t i = 0; i < o.sack_count; ++i) {
    const auto left = *rc::gen::arbitrary<uint32_t>();
    const auto right = *rc::gen::arbitrary<uint32_t>();
    o.sack[i] = {.left = Seq{left}, .right = Seq{right}};
  }
  return o;
}

inline SegmentHead arbitrary_head(const Options* options) {
  SegmentHead head;
  head.source_port = *rc::gen::inRange<uint16_t>(1, 0xffff);
  head.destination_port = *rc::gen::inRange<uint16_t>(1, 0xffff);
  head.seq = Seq{*rc::gen::arbitrary<uint32_t>()};
  head.ack = Seq{*rc::gen::arbitrary<uint32_t>()};
  head.flags = Flags{*rc::gen::arbitrary<uint8_t>()};
  head.window = *rc::gen::arbitrary<uint16_t>();
  head.urgent = *rc::gen::arbitrary<uint16_t>();
  head.options = options;
  return head;
}

inline IpAddress arbitrary_address() {
  return {*rc::gen::arbitrary<std::array<uint8_t, 16>>()};
}

// What the wire can carry of them is equal; blocks beyond the counts do not matter.
inline bool same_options(const Options& a, const Options& b) {
  const auto blocks = [](const Options& o) { return o.sack.begin() + o.sack_count; };
  return a.has_mss == b.has_mss && a.mss == b.mss && a.has_window_scale == b.has_window_scale
         && a.window_scale == b.window_scale && a.sack_permitted == b.sack_permitted
         && a.has_timestamps == b.has_timestamps && a.tsval == b.tsval && a.tsecr == b.tsecr
         && a.malformed == b.malformed
         && std::equal(a.sack.begin(), blocks(a), b.sack.begin(), blocks(b));
}

}  // namespace rapport::wire
