// The estimator of RFC 6298 2 against the RFC's formulas in floating point.
#include "rapport/tcp/rtt.hh"

#include "rapport/base/random.hh"
#include "rapport/tcp/connection.hh"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

// SRTT and RTTVAR in microseconds.
uint32_t srtt_of(const Connection& c) {
  return c.srtt / 8;
}

uint32_t rttvar_of(const Connection& c) {
  return c.rttvar / 4;
}

class Reference {
 public:
  void sample(double us) {
    if (first_) {
      srtt_ = us;
      rttvar_ = us / 2;
      first_ = false;
      return;
    }
    rttvar_ = 0.75 * rttvar_ + 0.25 * std::fabs(srtt_ - us);  // before SRTT
    srtt_ = 0.875 * srtt_ + 0.125 * us;
  }

  [[nodiscard]] double rto() const { return srtt_ + std::max(1'000.0, 4 * rttvar_); }

 private:
  bool first_ = true;
  double srtt_ = 0, rttvar_ = 0;
};

TEST(Rtt, TheFirstSampleGivesItselfAndHalfOfIt_R6298_2) {
  Connection c;
  sample_rtt(c, 500'000);
  EXPECT_EQ(srtt_of(c), 500'000U);
  EXPECT_EQ(rttvar_of(c), 250'000U);
  EXPECT_EQ(plain_rto_us(c), 1'500'000U);
}

TEST(Rtt, TheVarianceMovesByAQuarterAndBeforeTheMean_R6298_3) {
  Connection c;
  sample_rtt(c, 100'000);
  sample_rtt(c, 200'000);
  EXPECT_EQ(srtt_of(c), 112'500U);
  EXPECT_EQ(rttvar_of(c), 62'500U);  // 3/4 * 50 ms + 1/4 * |100 ms - 200 ms|
  EXPECT_EQ(plain_rto_us(c), 112'500U + 4 * 62'500U);
  sample_rtt(c, 50'000);
  EXPECT_EQ(srtt_of(c), 104'687U);   // 7/8 * 112.5 ms + 1/8 * 50 ms
  EXPECT_EQ(rttvar_of(c), 62'500U);  // 3/4 * 62.5 ms + 1/4 * |112.5 ms - 50 ms|
}

TEST(Rtt, AnySequenceFollowsTheFormulas_R6298_2_R6298_3) {
  Random random(6298);
  for (int story = 0; story < 200; ++story) {
    Connection c;
    Reference reference;
    const uint32_t typical = 100 + random.below(2'000'000);
    for (int i = 0; i < 50; ++i) {
      const uint32_t us = typical / 2 + random.below(typical);
      sample_rtt(c, us);
      reference.sample(us);
      // What the integers round away is given back eightfold and fourfold at most.
      ASSERT_NEAR(plain_rto_us(c), reference.rto(), 16.0) << "sample " << i << " of " << us;
    }
  }
}

TEST(Rtt, ASteadyPathIsWaitedForAtLeastOneGrain_R6298_2) {
  Connection c;
  for (int i = 0; i < 200; ++i) sample_rtt(c, 30'000);
  EXPECT_EQ(srtt_of(c), 30'000U);
  EXPECT_EQ(plain_rto_us(c), 31'000U);  // max(G, 4 * RTTVAR), G = 1 ms
}

TEST(Rtt, ARoundTripOfNoTimeIsStillASample_R6298_2) {
  Connection c;
  sample_rtt(c, 0);
  EXPECT_NE(c.srtt, 0U) << "SRTT = 0 says that there was no sample";
  EXPECT_EQ(plain_rto_us(c), 1'001U);
}

}  // namespace
}  // namespace rapport::tcp
