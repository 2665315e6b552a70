// Fragments of both families at a whole stack: in any order they become what was sent, and large
// answers leave in fragments (RFC 791 3.2, RFC 1122 3.3.2, RFC 8200 4.5); what stays incomplete is
// given up and told of; floods meet caps.
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

class Fragments : public testing::TestWithParam<bool> {
 protected:
  Fragments() { start(line_config(1)); }

  ~Fragments() override {
    a.reset();
    EXPECT_EQ(frames.in_use(), 0U);
  }

  void start(const stack::Config& config) { a.emplace(config, frames); }

  std::vector<Octets> hears(const std::vector<Octets>& packets) {
    for (const Octets& p : packets) around.feed(*a, p, now);
    return Surroundings::said_by(*a);
  }

  void expire_at(Instant at) {
    now = at;
    for (int i = 0; a->next_deadline() <= now; ++i) {
      ASSERT_LT(i, 1000) << "next_deadline() stands still";
      a->expire(now);
    }
  }

  [[nodiscard]] Octets ping(size_t size) const { return echo_request(peer, own, pattern(size)); }

  const IpAddress own = address_of(GetParam(), 1);
  const IpAddress peer = address_of(GetParam(), 2);
  FramePool frames{512, 2048};
  std::optional<stack::Stack> a;
  Surroundings around;
  Instant now{1'000'000};
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, Fragments, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(Fragments, AnEchoRequestInAnyOrderIsAnsweredInFragments_R1122_3) {
  Random random(7);
  uint32_t id = 1;
  for (const size_t size : {size_t{5'000}, size_t{65'000}}) {
    auto parts = fragments(ping(size), 1500, id);
    for (int order = 0; order < 4; ++order) {
      if (order == 1) std::ranges::reverse(parts);
      for (size_t i = parts.size(); order > 1 && i > 1; --i) {
        std::swap(parts[i - 1], parts[random.below(static_cast<uint32_t>(i))]);
      }
      const auto answers = hears(parts);
      EXPECT_EQ(answers.size(), parts.size());
      EXPECT_TRUE(std::ranges::all_of(answers, [](const Octets& o) { return o.size() <= 1500; }));
      const Octets reply = echo_reply(own, peer, pattern(size));
      const auto expected = payload_of(reply);
      EXPECT_EQ(reassembled(answers), Octets(expected.begin(), expected.end()));
      EXPECT_EQ(a->counters().reassembled, id);
      EXPECT_EQ(a->counters().fragmented, id);
      EXPECT_EQ(a->population().fragmented, 0U);
      parts = fragments(ping(size), 1500, ++id);
    }
  }
}

TEST_P(Fragments, TheLargestEchoOfAllIsAnswered) {
  const Octets data = pattern((GetParam() ? 65'515U : 65'535U) - wire::kIcmpHeader);
  Octets request(wire::kIcmpHeader + data.size());  // no packet can hold it: made of its payload
  const wire::IcmpHead head{GetParam() ? wire::kIcmpEcho : wire::kIcmpv6Echo, 0, 0x12345678};
  if (GetParam()) {
    wire::build_icmp(request.data(), head, data);
  } else {
    wire::build_icmpv6(request.data(), head, data, peer, own);
  }
  const uint8_t protocol = GetParam() ? wire::kProtocolIcmp : wire::kProtocolIcmpv6;
  const auto answers = hears(fragments(packet(peer, own, protocol, request), 1500, 1));
  const auto reply = reassembled(answers);
  ASSERT_EQ(reply.size(), request.size());
  EXPECT_TRUE(std::ranges::equal(std::span(reply).subspan(8), data));
}

// Without room for all fragments of an answer none of them leaves.
TEST_P(Fragments, AnAnswerThatDoesNotFitLeavesNotAtAll) {
  std::vector<Frame> taken;
  while (frames.available() > 10) taken.push_back(frames.allocate(0));
  EXPECT_TRUE(hears(fragments(ping(20'000), 1500, 1)).empty());
  EXPECT_EQ(a->counters().dropped(DropReason::PoolExhausted), 1U);
  EXPECT_EQ(hears(fragments(ping(5'000), 1500, 2)).size(), 4U);
}

TEST_P(Fragments, ATcpSegmentInFragmentsIsDelivered_R1122_3) {
  Lan lan(line_config(1), line_config(2));
  const Handle listener =
      *lan.b->command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, lan.now);
  const auto client = lan.a->command(
      tcp::Connect{.remote = {address_of(GetParam(), 2), 80}, .local_address = {}}, lan.now);
  lan.settle();
  const auto server = lan.b->command(tcp::Accept{listener}, lan.now);
  ASSERT_TRUE(client && server);
  const Octets text = pattern(3'000);
  ASSERT_TRUE(lan.a->command(tcp::Send{*client, text}, lan.now).has_value());
  uint32_t id = 0;
  for (Octets& segment : Surroundings::said_by(*lan.a)) {
    auto parts = fragments(segment, 100, ++id);
    EXPECT_GT(parts.size(), 1U);
    std::ranges::reverse(parts);
    for (const Octets& p : parts) around.feed(*lan.b, p, lan.now);
  }
  Octets into(4'000);
  const auto got = lan.b->command(tcp::Receive{*server, into}, lan.now);
  ASSERT_TRUE(got.has_value());
  into.resize(got->v);
  EXPECT_GE(into.size(), 2'800U);  // the last and small one waits for an ACK (MUST-17)
  EXPECT_TRUE(std::ranges::equal(into, std::span(text).first(into.size())));
  EXPECT_EQ(lan.b->counters().reassembled, id);
}

TEST_P(Fragments, WhatStaysIncompleteIsToldOfIfTheFirstCame_RFC_1122_3_3_2) {
  const Octets whole = ping(5'000);
  auto parts = fragments(whole, 1500, 1);
  const Octets first = parts.front();
  parts.pop_back();
  const Instant start = now;
  EXPECT_TRUE(hears(parts).empty());
  EXPECT_EQ(a->population().fragmented, 1U);
  EXPECT_EQ(a->next_deadline(), start + 60_s);
  expire_at(start + 60_s - 1_us);
  EXPECT_EQ(a->population().fragmented, 1U);
  expire_at(start + 60_s);
  EXPECT_EQ(a->population().fragmented, 0U);
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentTimedOut), 1U);
  EXPECT_EQ(a->next_deadline(), kNever);
  const auto told = Surroundings::said_by(*a);
  ASSERT_EQ(told.size(), 1U);
  const auto error = payload_of(told[0]);
  EXPECT_EQ(error[0], GetParam() ? wire::kIcmpTimeExceeded : wire::kIcmpv6TimeExceeded);
  EXPECT_EQ(error[1], 1);
  // It quotes the beginning of the first fragment.
  const auto quote = error.subspan(wire::kIcmpHeader);
  EXPECT_EQ(told[0].size(), GetParam() ? 576U : 1280U);
  const size_t upper = GetParam() ? 20 : 48;
  EXPECT_TRUE(std::ranges::equal(quote.subspan(upper),
                                 std::span(first).subspan(upper, quote.size() - upper)));

  parts = fragments(whole, 1500, 2);
  parts.erase(parts.begin());
  EXPECT_TRUE(hears(parts).empty());
  expire_at(now + 60_s);
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentTimedOut), 2U);
  EXPECT_TRUE(Surroundings::said_by(*a).empty());
}

// About ICMP errors nobody is told, whole or not (R1122-2).
TEST_P(Fragments, AnIncompleteErrorIsNotToldOf) {
  const uint8_t type = GetParam() ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable;
  auto parts = fragments(icmp(peer, own, {type, 0, 0}, pattern(3'000)), 1500, 1);
  parts.pop_back();
  EXPECT_TRUE(hears(parts).empty());
  expire_at(now + 61_s);
  EXPECT_TRUE(Surroundings::said_by(*a).empty());
  EXPECT_EQ(a->counters().icmp_errors_sent, 0U);
}

TEST_P(Fragments, AFloodFromManyStaysWithinTheCaps) {
  stack::Config config = line_config(1);
  config.reassembly.datagrams = 8;
  config.reassembly.octets = 65'535;
  start(config);
  for (uint32_t i = 0; i < 2'000; ++i) {
    const IpAddress from = GetParam() ? IpAddress::v4(0x0a000100 + i) : [&] {
      IpAddress x = v6_of(0, 9);
      x.octets[14] = static_cast<uint8_t>(i >> 8);
      x.octets[13] = static_cast<uint8_t>(i);
      return x;
    }();
    const Octets whole = echo_request(from, own, pattern(20'000));
    EXPECT_TRUE(hears({fragment(whole, 0, 16'000, i)}).empty());  // each holds a quarter of it
    EXPECT_LE(a->population().fragmented, 4U);
  }
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentEvicted), 2'000U - 4);
  EXPECT_EQ(frames.in_use(), 0U);
  // Whoever sends all of it now is still answered.
  EXPECT_EQ(reassembled(hears(fragments(ping(5'000), 1500, 1))).size(), 5'008U);
  // When all are given up, no more errors leave than the limit allows.
  expire_at(now + 61_s);
  EXPECT_EQ(a->population().fragmented, 0U);
  EXPECT_LE(Surroundings::said_by(*a).size(), 4U);
}

TEST_P(Fragments, OneDatagramInTooManyPiecesIsGivenUp) {
  std::vector<Octets> parts;
  const Octets whole = ping(8 * 400);
  for (size_t at = 0; at < 300; ++at) parts.push_back(fragment(whole, at * 8, 8, 1));
  EXPECT_TRUE(hears(parts).empty());
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentCap), 1U);
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentOfDropped), 300U - 257);
}

TEST_P(Fragments, OverlapsCostTheWholeDatagram_RFC_5722) {
  const Octets whole = ping(3'000);
  auto parts = fragments(whole, 1500, 1);
  parts.insert(parts.begin() + 1, fragment(whole, 8, 80, 1));
  EXPECT_TRUE(hears(parts).empty());
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentOverlap), 1U);
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentOfDropped), parts.size() - 2);
}

}  // namespace
}  // namespace rapport::test
