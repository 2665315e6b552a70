// Joining departures with arrivals, and the order of steps on two rails.
#include "rapport/observe/story.hh"

#include "hand.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {

namespace {

using hand::Hand;
using hand::kClient;
using hand::kServer;
using enum tcp::State;

std::vector<StepKind> kinds(const Story& s) {
  const auto all = passages(s, kClient, kServer);
  std::vector<StepKind> out;
  for (const Step& step : arrange(s, all, kClient, kServer)) out.push_back(step.kind);
  return out;
}

const TraceSegment kBare = Hand::segment(wire::kAck, 1, 1);

TEST(Story, ASegmentThatNothingCrossesIsOneArrow) {
  Hand h;
  h.crosses(kClient, SynSent, Listen, kBare);
  h.crosses(kServer, SynReceived, SynSent, kBare);
  EXPECT_EQ(kinds(h.story()), (std::vector{StepKind::Arrow, StepKind::Arrow}));
}

TEST(Story, SegmentsThatCrossLeaveAndArriveApart) {
  Hand h;
  const uint32_t a = h.sends(kClient, SynSent, kBare);
  const uint32_t b = h.sends(kServer, SynSent, kBare);
  h.at(10_ms).receives(kServer, SynSent, a);
  h.receives(kClient, SynSent, b);
  EXPECT_EQ(kinds(h.story()), (std::vector{StepKind::Departure, StepKind::Departure,
                                           StepKind::Arrival, StepKind::Arrival}));
}

TEST(Story, OneThatWasHeldBackIsSplitAndTheOthersStayWhole) {
  Hand h;
  const uint32_t slow = h.sends(kClient, SynSent, kBare);
  h.crosses(kClient, SynSent, Listen, kBare);
  h.crosses(kServer, SynReceived, SynSent, kBare);
  h.crosses(kClient, Established, SynReceived, kBare);
  h.receives(kServer, Established, slow);
  EXPECT_EQ(kinds(h.story()), (std::vector{StepKind::Departure, StepKind::Arrow, StepKind::Arrow,
                                           StepKind::Arrow, StepKind::Arrival}));
}

TEST(Story, NeitherHostsOwnOrderIsEverBroken) {
  Hand h;
  const uint32_t a = h.sends(kClient, Established, kBare);
  const uint32_t b = h.sends(kClient, Established, kBare);
  h.at(1_ms).call(kServer, CallKind::Send, 1);
  const uint32_t c = h.sends(kServer, Established, kBare);
  h.at(2_ms).receives(kServer, Established, b).receives(kServer, Established, a);
  h.receives(kClient, Established, c);
  const Story s = h.story();
  const auto all = passages(s, kClient, kServer);
  std::vector<size_t> last(2, 0);
  size_t told = 0;
  const auto tell = [&](size_t record) {
    const HostRecord& r = s.records[record];
    EXPECT_GE(record + 1, last[r.host]);
    last[r.host] = record + 1;
    ++told;
  };
  for (const Step& step : arrange(s, all, kClient, kServer)) {
    if (step.kind == StepKind::Event) {
      tell(step.index);
      continue;
    }
    const Passage& p = all[step.index];
    if (step.kind != StepKind::Arrival) tell(p.sent);
    if (step.kind != StepKind::Departure) tell(p.arrived);
  }
  EXPECT_EQ(told, s.records.size());
}

TEST(Story, ALossHasADepartureOnly) {
  Hand h;
  h.sends(kClient, SynSent, kBare);
  const Story s = h.story();
  const auto all = passages(s, kClient, kServer);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].fate, Fate::Lost);
  EXPECT_EQ(all[0].arrived, kAbsent);
  EXPECT_EQ(kinds(s), std::vector{StepKind::Departure});
}

TEST(Story, ADuplicateArrivesByItself) {
  Hand h;
  const uint32_t a = h.sends(kClient, Established, kBare);
  h.at(10_ms).receives(kServer, Established, a);
  h.at(11_ms).receives(kServer, Established, a, Fate::Duplicated);
  const auto all = passages(h.story(), kClient, kServer);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].copy);
  EXPECT_TRUE(all[1].copy);
  EXPECT_EQ(all[1].sent, all[0].sent);
  EXPECT_EQ(kinds(h.story()), (std::vector{StepKind::Arrow, StepKind::Arrival}));
}

TEST(Story, WhatNobodySentOnlyArrives) {
  Hand h;
  h.injected(kServer, Established, kBare);
  const auto all = passages(h.story(), kClient, kServer);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].sent, kAbsent);
  EXPECT_EQ(all[0].from, kClient);
  EXPECT_EQ(kinds(h.story()), std::vector{StepKind::Arrival});
}

TEST(Story, WithoutWireRecordsSerialNumbersJoinTheEnds) {
  Hand h;
  h.crosses(kClient, SynSent, Listen, kBare);
  h.sends(kServer, SynReceived, kBare);
  const auto all = passages(h.story(false), kClient, kServer);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].fate, Fate::Delivered);
  EXPECT_NE(all[0].arrived, kAbsent);
  EXPECT_EQ(all[1].fate, Fate::Lost);
}

TEST(Story, ARestartedHostCountsItsSegmentsAnew) {
  Hand h;
  h.crosses(kClient, SynSent, Listen, kBare);
  h.at(5_s).remark(kClient, "power fails", true).forgets_serials(kClient);
  h.crosses(kClient, SynSent, Established, kBare);
  const auto all = passages(h.story(), kClient, kServer);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_LT(all[0].arrived, all[1].sent);
  EXPECT_NE(all[1].arrived, kAbsent);
}

}  // namespace

}  // namespace rapport::observe
