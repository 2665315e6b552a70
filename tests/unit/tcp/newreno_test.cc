// The window arithmetic of RFC 5681 3, RFC 6582 3.2 and RFC 6928 2, on its own.
#include "rapport/tcp/congestion/controller.hh"

#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

constexpr uint32_t kSmss = 1000;

struct State {
  uint32_t cwnd = 10 * kSmss;
  uint32_t ssthresh = 1'000'000;
  uint32_t flight = 10 * kSmss;
  NewReno algorithm;

  Window window() { return {cwnd, ssthresh, kSmss, flight}; }

  void acknowledged(uint32_t octets) { algorithm.acknowledged(window(), octets); }
};

TEST(NewReno, SlowStartGrowsByWhatIsAcknowledgedAndAtMostBySmss_R5681_1) {
  State s;
  s.acknowledged(1);  // an ACK split in pieces earns no more than the whole
  EXPECT_EQ(s.cwnd, 10'001U);
  s.acknowledged(999);
  EXPECT_EQ(s.cwnd, 11'000U);
  s.acknowledged(3'000);
  EXPECT_EQ(s.cwnd, 12'000U);
}

TEST(NewReno, SlowStartDoublesInARoundTrip_MUST_19) {
  State s;
  for (int i = 0; i < 10; ++i) s.acknowledged(kSmss);
  EXPECT_EQ(s.cwnd, 20 * kSmss);
}

TEST(NewReno, AvoidanceGrowsBySmssInARoundTrip_R5681_2_R5681_3) {
  State s;
  s.ssthresh = s.cwnd;
  for (uint32_t trip = 0; trip < 20; ++trip) {
    const uint32_t before = s.cwnd;
    for (uint32_t i = 0; i < before / kSmss; ++i) {
      EXPECT_EQ(s.cwnd, before) << "not before a whole window is acknowledged";
      s.acknowledged(kSmss);
    }
    EXPECT_EQ(s.cwnd, before + kSmss);
  }
}

TEST(NewReno, AvoidanceCountsOctetsNotAcks_R5681_3) {
  State s;
  s.ssthresh = s.cwnd;
  for (int i = 0; i < 999; ++i) s.acknowledged(10);
  EXPECT_EQ(s.cwnd, 10 * kSmss);
  s.acknowledged(10);
  EXPECT_EQ(s.cwnd, 11 * kSmss);
}

TEST(NewReno, RecoveryBeginsWithHalfTheFlightAndThreeSegments_R5681_10_R5681_7) {
  State s;
  s.cwnd = 40 * kSmss;  // more than is in flight
  s.flight = 20 * kSmss;
  NewReno::enter_recovery(s.window());
  EXPECT_EQ(s.ssthresh, 10 * kSmss);
  EXPECT_EQ(s.cwnd, 13 * kSmss);
  NewReno::duplicate_ack(s.window());
  NewReno::duplicate_ack(s.window());
  EXPECT_EQ(s.cwnd, 15 * kSmss);
  EXPECT_EQ(s.ssthresh, 10 * kSmss);
}

TEST(NewReno, TheThresholdIsAtLeastTwoSegments_R5681_5) {
  State s;
  s.flight = 3 * kSmss;
  NewReno::enter_recovery(s.window());
  EXPECT_EQ(s.ssthresh, 2 * kSmss);
  s.flight = kSmss;
  s.algorithm.timed_out(s.window(), true);
  EXPECT_EQ(s.ssthresh, 2 * kSmss);
}

TEST(NewReno, APartialAckDeflatesByWhatItAcknowledges_R6582_1) {
  State s;
  s.cwnd = 13 * kSmss;
  NewReno::partial_ack(s.window(), 4 * kSmss);
  EXPECT_EQ(s.cwnd, 10 * kSmss);  // -4 and one back
  NewReno::partial_ack(s.window(), kSmss - 1);
  EXPECT_EQ(s.cwnd, 10 * kSmss - (kSmss - 1)) << "less than SMSS gives nothing back";
  NewReno::partial_ack(s.window(), 100 * kSmss);
  EXPECT_EQ(s.cwnd, kSmss) << "never less than a segment";
}

TEST(NewReno, AFullAckLeavesNoBurst_R6582_3) {
  State s;
  s.ssthresh = 10 * kSmss;
  s.cwnd = 30 * kSmss;
  s.flight = 4 * kSmss;
  NewReno::leave_recovery(s.window());
  EXPECT_EQ(s.cwnd, 5 * kSmss);
  s.flight = 0;
  NewReno::leave_recovery(s.window());
  EXPECT_EQ(s.cwnd, 2 * kSmss);
  s.flight = 20 * kSmss;
  NewReno::leave_recovery(s.window());
  EXPECT_EQ(s.cwnd, 10 * kSmss);
}

TEST(NewReno, ATimeoutHalvesTheFlightOnceAndLeavesOneSegment_R5681_5_R5681_6_R5681_7) {
  State s;
  s.cwnd = 40 * kSmss;
  s.flight = 20 * kSmss;
  s.algorithm.timed_out(s.window(), true);
  EXPECT_EQ(s.ssthresh, 10 * kSmss);
  EXPECT_EQ(s.cwnd, kSmss);
  s.flight = 2 * kSmss;
  s.algorithm.timed_out(s.window(), false);
  EXPECT_EQ(s.ssthresh, 10 * kSmss) << "the same segment again";
  EXPECT_EQ(s.cwnd, kSmss);
}

TEST(NewReno, IdleTimeTakesWhatExceedsTheInitialWindow_R5681_12_R6928_3) {
  State s;
  s.cwnd = 40 * kSmss;
  NewReno::restarted(s.window(), 10 * kSmss);
  EXPECT_EQ(s.cwnd, 10 * kSmss);
  s.cwnd = 4 * kSmss;
  NewReno::restarted(s.window(), 10 * kSmss);
  EXPECT_EQ(s.cwnd, 4 * kSmss);
}

TEST(InitialWindow, IsTenSegmentsAndAtMost14600OctetsOrTwo_R6928_1) {
  EXPECT_EQ(initial_window(536, 10), 5'360U);
  EXPECT_EQ(initial_window(1460, 10), 14'600U);
  EXPECT_EQ(initial_window(4000, 10), 14'600U);
  EXPECT_EQ(initial_window(9000, 10), 18'000U);
}

}  // namespace
}  // namespace rapport::tcp
