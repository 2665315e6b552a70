// Numbers that an outsider must not guess: initial sequence numbers (RFC 6528) and ephemeral ports
// (RFC 6056 3.3.4).
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/connection_table.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "world.hh"

#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

using test::small;

struct World : test::World {
  using test::World::World;

  // Chooses a port towards `remote` and lives there from now on.
  uint16_t opens(const Endpoint& remote) {
    FlowKey key = towards(remote);
    const auto hash = choose_port(key, cx);
    if (!hash) return 0;
    EXPECT_NE(create_connection(key, hash->tag, cx), kNone);
    return key.local_port;
  }

  Seq iss(const Endpoint& remote, uint16_t local_port) {
    FlowKey key = towards(remote);
    key.local_port = local_port;
    return initial_sequence_number(hash_of(cx.flow_key, key), cx);
  }
};

constexpr Endpoint remote(uint8_t host, uint16_t port = 80) {
  return {IpAddress::v4(10, 0, 0, host), port};
}

TEST(Iss, OfOneTupleIsAClockOfFourMicroseconds_MUST_8_R6528_1) {
  World w;
  const Seq first = w.iss(remote(2), 4000);
  w.cx.set_time(w.cx.now + 4_us);
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 1_B);
  w.cx.set_time(w.cx.now + 1_s);
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 250'001_B);
  w.cx.set_time(w.cx.now + 4_us * int64_t{1} * 4'294'967'296 - 1_s);  // once round
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 1_B);
}

TEST(Iss, OfOneTupleIsNeverTheSameTwice_MUST_8) {
  World w;
  const Seq first = w.iss(remote(2), 4000);
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 1_B) << "at the same tick of the clock";
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 2_B);
  w.cx.set_time(w.cx.now + 12_us);
  EXPECT_EQ(w.iss(remote(2), 4000) - first, 3_B);
}

TEST(Iss, OfAnotherTupleOrSecretTellsNothing_MUST_9_SHLD_1_R6528_1) {
  World one(1);
  World two(2);
  std::set<uint32_t> numbers;
  std::set<uint32_t> steps;
  uint32_t last = 0;
  for (uint16_t port = 4000; port < 4512; ++port) {
    const uint32_t n = one.iss(remote(2), port).v;
    numbers.insert(n);
    numbers.insert(two.iss(remote(2), port).v);
    numbers.insert(one.iss(remote(3), port).v);
    numbers.insert(one.iss(remote(2, 81), port).v);
    steps.insert(n - last);
    last = n;
  }
  EXPECT_GE(numbers.size(), 4U * 512 - 2) << "hardly any twice of 2^32";
  EXPECT_GE(steps.size(), 511U) << "and neighbours differ by nothing regular";
}

TEST(Iss, TheSecretStaysWhatItIsWhileTheStackLives_R6528_2) {
  World w;
  const Seq before = w.iss(remote(2), 4000);
  for (int i = 0; i < 100; ++i) (void)w.opens(remote(2));
  w.cx.set_time(w.cx.now + 4_us);
  EXPECT_EQ(w.iss(remote(2), 4000) - before, 1_B);
  EXPECT_NE(World(2).iss(remote(2), 4000), before) << "another start, another secret";
}

TEST(Ports, LieInTheRangeAndNeverOnAReservedOne_R6056_2) {
  Config c = small(1);
  c.ephemeral_first = 50'000;
  c.ephemeral_last = 50'009;
  c.reserved_ports = {50'000, 50'001, 50'003, 50'004, 50'005, 50'007, 50'008, 50'009};
  World w(c);
  std::set<uint16_t> chosen;
  for (int i = 0; i < 2; ++i) chosen.insert(w.opens(remote(2)));
  EXPECT_EQ(chosen, (std::set<uint16_t>{50'002, 50'006}));
}

TEST(Ports, AreAllUsedBeforeNoneIsLeftAndNoTupleTwice_R6056_4) {
  Config c = small(1);
  c.ephemeral_first = 50'000;
  c.ephemeral_last = 50'099;
  World w(c);
  std::set<uint16_t> chosen;
  for (int i = 0; i < 100; ++i) chosen.insert(w.opens(remote(2)));
  EXPECT_EQ(chosen.size(), 100U);
  EXPECT_EQ(*chosen.begin(), 50'000);
  EXPECT_EQ(*chosen.rbegin(), 50'099);
  FlowKey key = w.towards(remote(2));
  EXPECT_EQ(choose_port(key, w.cx).error(), Error::NoFreePort);
  EXPECT_NE(w.opens(remote(3)), 0) << "towards another host every port is free";
}

TEST(Ports, TheWholeRangeIsUsed_R6056_1_R6056_2) {
  World w;
  std::vector<uint32_t> tenths(10);
  for (uint32_t i = 0; i < 2000; ++i) {
    const uint16_t port = w.opens({IpAddress::v4(10, 0, 0, 2), static_cast<uint16_t>(1 + i)});
    ASSERT_GE(port, 1024);
    ++tenths[(port - 1024U) * 10 / 64512];
  }
  for (const uint32_t n : tenths) {
    EXPECT_GT(n, 120U) << "200 are to be expected";
    EXPECT_LT(n, 280U);
  }
}

TEST(Ports, OtherSecretsChooseOthers_R6056_1) {
  std::set<uint16_t> chosen;
  for (uint64_t seed = 1; seed <= 50; ++seed) chosen.insert(World(seed).opens(remote(2)));
  EXPECT_GE(chosen.size(), 48U);
}

TEST(Ports, TowardsOneDestinationOneAfterTheOther_R6056_3) {
  World w;
  const uint16_t first = w.opens(remote(2));
  const uint16_t next = w.opens(remote(2));
  // 3.3.4: a counter of the destination's bucket on top of a hash: no port comes again before all
  // others have been.
  EXPECT_EQ((next - first + 64512U) % 64512, 1U);
  EXPECT_NE((w.opens(remote(3)) - next + 64512U) % 64512, 1U) << "elsewhere from elsewhere";
}

TEST(Timestamps, EachTupleCountsFromElsewhereUnlessToldOtherwise_R7323_24) {
  const World w;
  std::set<uint32_t> offsets;
  for (uint16_t port = 1; port <= 256; ++port) {
    offsets.insert(timestamp_offset(w.towards(remote(2, port)), w.cx));
  }
  EXPECT_GE(offsets.size(), 255U);
  EXPECT_EQ(timestamp_offset(w.towards(remote(2)), w.cx),
            timestamp_offset(w.towards(remote(2)), w.cx));
  Config plain = small(1);
  plain.randomise_timestamp_offset = false;
  const World told(plain);
  EXPECT_EQ(timestamp_offset(told.towards(remote(2)), told.cx), 0U);
}

}  // namespace
}  // namespace rapport::tcp
