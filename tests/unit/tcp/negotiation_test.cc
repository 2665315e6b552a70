// What two SYNs agree on: MSS, window scale, SACK, timestamps, for each combination of what we
// offer and what the peer offers (RFC 9293 3.7.1; RFC 7323 2.2, 3.2; RFC 2018 2).
#include "rapport/tcp/negotiation.hh"

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/wire/options.hh"
#include "world.hh"

#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

constexpr IpAddress kV4 = IpAddress::v4(10, 0, 0, 2);

IpAddress v6() {
  IpAddress a;
  a.octets = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return a;
}

wire::Options everything() {
  wire::Options o;
  o.has_mss = o.has_window_scale = o.sack_permitted = o.has_timestamps = true;
  o.mss = 1460;
  o.window_scale = 7;
  o.tsval = 12345;
  return o;
}

// Bit 0: window scale, 1: SACK, 2: timestamps.
Config offering(unsigned bits) {
  Config c = test::small();
  c.offer_window_scale = (bits & 1) != 0;
  c.offer_sack = (bits & 2) != 0;
  c.offer_timestamps = (bits & 4) != 0;
  return c;
}

wire::Options offered(unsigned bits) {
  wire::Options o = everything();
  o.has_window_scale = (bits & 1) != 0;
  o.sack_permitted = (bits & 2) != 0;
  o.has_timestamps = (bits & 4) != 0;
  return o;
}

TEST(Negotiation, IsOnOnlyWhatBothOffered_R7323_1_R7323_8_R2018_1) {
  for (unsigned ours = 0; ours < 8; ++ours) {
    test::World w(offering(ours));
    for (unsigned theirs = 0; theirs < 8; ++theirs) {
      Connection c;
      c.key = w.towards({kV4, 80});
      c.rcv_shift = 3;
      agree(c, offered(theirs), w.cx);
      const unsigned both = ours & theirs;
      EXPECT_EQ(c.scaling_on, both & 1) << ours << ' ' << theirs;
      EXPECT_EQ(c.sack_on, both >> 1 & 1) << ours << ' ' << theirs;
      EXPECT_EQ(c.timestamps_on, both >> 2 & 1) << ours << ' ' << theirs;
      // Off is off both ways.
      EXPECT_EQ(c.snd_shift, (both & 1) != 0 ? 7U : 0U);
      EXPECT_EQ(c.rcv_shift, (both & 1) != 0 ? 3U : 0U);
      EXPECT_EQ(c.ts_recent, (both & 4) != 0 ? 12345U : 0U);
    }
  }
}

TEST(Negotiation, OurSynOffersWhatTheStackWasTold_SHLD_5_R7323_14) {
  for (unsigned ours = 0; ours < 8; ++ours) {
    test::World w(offering(ours));
    Connection c;
    c.key = w.towards({kV4, 80});
    c.rcv_shift = 3;
    const wire::Options o = syn_options(c, w.cx);
    EXPECT_TRUE(o.has_mss);
    EXPECT_EQ(o.mss, 1460);
    EXPECT_EQ(o.has_window_scale, (ours & 1) != 0);
    EXPECT_EQ(o.sack_permitted, (ours & 2) != 0);
    EXPECT_EQ(o.has_timestamps, (ours & 4) != 0);
    EXPECT_EQ(o.tsecr, 0U);
  }
}

TEST(Negotiation, SynAckCarriesOnlyWhatWasAgreed_R7323_2_R7323_8) {
  for (unsigned both = 0; both < 8; ++both) {
    test::World w;
    Connection c;
    c.key = w.towards({kV4, 80});
    agree(c, offered(both), w.cx);
    const wire::Options o = syn_ack_options(c, w.cx);
    EXPECT_TRUE(o.has_mss);
    EXPECT_EQ(o.has_window_scale, (both & 1) != 0);
    EXPECT_EQ(o.sack_permitted, (both & 2) != 0);
    EXPECT_EQ(o.has_timestamps, (both & 4) != 0);
    EXPECT_EQ(o.tsecr, o.has_timestamps ? 12345U : 0U);
  }
}

TEST(Negotiation, AShiftBeyondFourteenIsFourteen_R7323_3) {
  test::World w;
  for (const int shift : {0, 1, 13, 14, 15, 16, 200, 255}) {
    Connection c;
    c.key = w.towards({kV4, 80});
    wire::Options o = everything();
    o.window_scale = static_cast<uint8_t>(shift);
    agree(c, o, w.cx);
    EXPECT_EQ(c.snd_shift, static_cast<uint32_t>(shift < 14 ? shift : 14));
  }
}

TEST(Negotiation, TheShiftIsTheSmallestThatSaysTheWholeBuffer_R7323_5) {
  EXPECT_EQ(shift_for(0_B), 0);
  EXPECT_EQ(shift_for(65535_B), 0);
  EXPECT_EQ(shift_for(65536_B), 1);
  EXPECT_EQ(shift_for(131071_B), 1);
  EXPECT_EQ(shift_for(131072_B), 2);
  EXPECT_EQ(shift_for(ByteCount{16U << 20}), 9);
  EXPECT_EQ(shift_for(ByteCount{1U << 30}), 14) << "65535 << 14 is the most there can be";
  EXPECT_EQ(shift_for(ByteCount{UINT32_MAX}), 14);
}

// The flow to a remote address.
FlowKey to(const IpAddress& remote) {
  return FlowKey::of(remote, 80, 1024, LocalId{0});
}

TEST(Negotiation, WithoutAnMssOptionItIs536Or1220_MUST_15) {
  const test::World w;
  const ConnectionOptions o;
  EXPECT_EQ(agreed_mss(to(kV4), 0, o, w.cx), 536);
  EXPECT_EQ(agreed_mss(to(v6()), 0, o, w.cx), 1220);
}

TEST(Negotiation, TheSmallerMssCounts_MUST_14_MUST_16_SHLD_5_U_20) {
  const test::World w;
  const ConnectionOptions o;
  EXPECT_EQ(offered_mss(to(kV4), o, w.cx), 1460);
  EXPECT_EQ(offered_mss(to(v6()), o, w.cx), 1440);
  EXPECT_EQ(agreed_mss(to(kV4), 1000, o, w.cx), 1000);
  EXPECT_EQ(agreed_mss(to(kV4), 65535, o, w.cx), 1460);
  EXPECT_EQ(agreed_mss(to(v6()), 65535, o, w.cx), 1440);
  EXPECT_EQ(agreed_mss(to(kV4), 1, o, w.cx), 64) << "never headers only";
}

TEST(Negotiation, AClampLowersBothAndRaisesNeither_MUST_14_MUST_16) {
  const test::World w;
  ConnectionOptions o;
  o.mss_clamp = 1000;
  EXPECT_EQ(offered_mss(to(kV4), o, w.cx), 1000);
  EXPECT_EQ(agreed_mss(to(kV4), 1460, o, w.cx), 1000);
  EXPECT_EQ(agreed_mss(to(kV4), 700, o, w.cx), 700);
  o.mss_clamp = 9000;
  EXPECT_EQ(offered_mss(to(kV4), o, w.cx), 1460);
}

}  // namespace
}  // namespace rapport::tcp
