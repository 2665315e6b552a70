// How large segments are (RFC 9293 3.7.1, RFC 6691, RFC 7323 2.3): what is offered, what is sent,
// and windows at the end of their range.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

With with_mtu(uint16_t mtu) {
  return {.config = [mtu](stack::Config& c) { c.interfaces[0].mtu = mtu; }};
}

// The largest packet of the interface (peer.cc: 20 more in IPv6).
size_t largest_packet() {
  return dressing() == Dressing::Ipv6 ? 1520 : 1500;
}

}  // namespace

SCENARIO_TEST("SYN-SENT: the MSS is said though it is the default [MAY-3, SHLD-5]") {
  // 576 - 40, and 1280 - 60.
  const uint16_t mtu = dressing() == Dressing::Ipv6 ? 1260 : 576;
  auto t = peer::in_syn_sent(with_mtu(mtu));
  t.holds(t.heard().options.has_mss && t.heard().options.mss == unsaid_mss(), "the default");
}

SCENARIO_TEST("ESTABLISHED: an MSS of 65535 does not exceed the path's MTU [U-22, MUST-16]") {
  auto t = peer::in_established({.mss = 65535});
  t.calls_send(4000_B).says(data(ByteCount{t.timestamps_agreed() ? 1448U : 1460U}));
  t.holds(t.heard_packet().size() == largest_packet(), "the packet is as large as can be");
  t.may_have_said_anything();
}

SCENARIO_TEST("ESTABLISHED: options make the text shorter, not the packet longer [R6691-2, U-21]") {
  for (uint32_t holes = 0; holes <= 5; ++holes) {
    auto t = peer::in_established({.sack = true});
    for (uint32_t i = 0; i < holes; ++i) {
      t.hears(data(10_B).seq(t.rcv_nxt() + ByteCount{20 + 20 * i})).says(ack());
    }
    t.calls_send(3000_B);
    const uint32_t blocks = std::min(holes, t.timestamps_agreed() ? 3U : 4U);
    const uint32_t options =
        (t.timestamps_agreed() ? 12U : 0U) + (blocks > 0 ? 4U + 8U * blocks : 0U);
    for (int i = 0; i < 2; ++i) {
      t.says(data(ByteCount{1460 - options}));
      t.holds(t.heard().options.sack_count == blocks, "each run is reported");
      t.holds(t.heard_packet().size() == largest_packet(), "the packet is exactly as large");
    }
    t.may_have_said_anything();
  }
}

SCENARIO_TEST("SYN-SENT: a shift above 14 is taken for 14, windows have 32 bits [R7323-3, REC-1]") {
  for (const int shift : {13, 14, 15, 255}) {
    auto t = peer::in_syn_sent({.window_scale = true, .sack = false, .timestamps = false});
    const auto offered = static_cast<uint8_t>(shift);
    t.hears(syn().seq(t.irs).ack(t.iss + 1_B).option_octets({3, 3, offered, 0})).says(ack());
    t.hears(ack().win(65535)).says_nothing();
    t.holds(t.calls_status().snd_wnd == ByteCount{uint64_t{65535} << std::min(shift, 14)},
            "2^14 octets a unit at most");
  }
}

}  // namespace rapport::scenario
