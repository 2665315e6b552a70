// UDP between two whole stacks, both families (RFC 768, RFC 1122 4.1): datagrams of every size,
// caps and waiting, what ICMP tells of them, draining.
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

class Udp : public testing::TestWithParam<bool> {
 protected:
  ~Udp() override { line.expect_empty_pools(); }

  static Handle open(stack::Stack& s, uint16_t port, const Endpoint& remote, Instant now,
                     const udp::Options& options = {}) {
    const auto h = s.command(
        udp::Open{.local = {{}, port}, .remote = remote, .cookie = port, .options = options}, now);
    EXPECT_TRUE(h.has_value());
    return h.value_or(Handle{});
  }

  std::expected<void, Error> send(Handle from, const Octets& text, const Endpoint& to = {}) {
    return line.a->command(udp::SendTo{.socket = from, .remote = to, .text = text, .source = {}},
                           line.now);
  }

  // The next datagram at a socket; empty when there is none.
  static Octets receive(stack::Stack& s, Handle socket, Instant now,
                        udp::Received* about = nullptr) {
    Octets into(66'000);
    const auto got = s.command(udp::ReceiveFrom{.socket = socket, .into = into}, now);
    if (!got) return {};
    if (about != nullptr) *about = *got;
    into.resize(got->octets.v);
    return into;
  }

  static uint16_t events(stack::Stack& s) {
    tcp::Occurrence o;
    uint16_t what = 0;
    while (s.next_event(o)) {
      if (udp::is_socket(o.handle)) what |= o.what;
    }
    return what;
  }

  // A's packets, not carried on.
  std::vector<Octets> sent() { return Surroundings::said_by(*line.a); }

  const bool v4 = GetParam();
  const Endpoint at_b{address_of(v4, 2), 7};
  Lan line{line_config(1), line_config(2)};
  Surroundings around;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, Udp, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(Udp, AnEchoOfEverySize) {
  const Handle server = open(*line.b, 7, {}, line.now);
  const Handle client = open(*line.a, 0, at_b, line.now);
  const size_t most = v4 ? udp::kLargestText4 : udp::kLargestText6;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1'452}, size_t{1'453}, size_t{1'472},
                            size_t{1'473}, size_t{5'000}, size_t{65'507}, most}) {
    const Octets text = pattern(size);
    ASSERT_TRUE(send(client, text).has_value()) << size;
    line.settle();
    EXPECT_EQ(events(*line.b), static_cast<uint16_t>(udp::What::Readable)) << size;
    udp::Received about;
    const Octets got = receive(*line.b, server, line.now, &about);
    EXPECT_EQ(got, text) << size;
    EXPECT_EQ(about.from.address, address_of(v4, 1));
    EXPECT_EQ(about.to, at_b.address);
    ASSERT_TRUE(
        line.b
            ->command(
                udp::SendTo{
                    .socket = server, .remote = about.from, .text = got, .source = about.to},
                line.now)
            .has_value());
    line.settle();
    EXPECT_EQ(receive(*line.a, client, line.now), text) << size;
  }
  EXPECT_EQ(send(client, Octets(most + 1)).error(), Error::MessageTooLong);
  EXPECT_EQ(line.a->population().datagrams + line.b->population().datagrams, 0U);
  EXPECT_EQ(line.a->population().fragmented + line.b->population().fragmented, 0U);
  EXPECT_EQ(line.a->next_deadline(), kNever);
}

TEST_P(Udp, CapsOfAQueueAreKeptAndCounted) {
  udp::Options few;
  few.receive_datagrams = 3;
  few.receive_octets = 100_B;
  const Handle server = open(*line.b, 7, {}, line.now, few);
  const Handle client = open(*line.a, 0, at_b, line.now);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(client, pattern(10)).has_value());
  line.settle();
  EXPECT_EQ(line.b->population().datagrams, 3U);
  EXPECT_EQ(line.b->counters().dropped(DropReason::UdpQueueFull), 2U);
  EXPECT_EQ(line.b->command(udp::GetStatus{server}, line.now)->dropped, 2U);
  EXPECT_EQ(line.b->counters().icmp_errors_sent, 0U);  // no source quench (RFC 6633)
  while (!receive(*line.b, server, line.now).empty()) {
  }
  ASSERT_TRUE(send(client, pattern(101)).has_value());
  ASSERT_TRUE(send(client, pattern(100)).has_value());
  line.settle();
  EXPECT_EQ(receive(*line.b, server, line.now), pattern(100));
  EXPECT_EQ(line.b->counters().dropped(DropReason::UdpQueueFull), 3U);
}

TEST_P(Udp, AFullOutboxBlocksAndIsWritableWhenItIsEmpty) {
  const Handle client = open(*line.a, 0, at_b, line.now);
  const Octets text = pattern(10);
  int accepted = 0;
  while (accepted < 2'000 && send(client, text)) ++accepted;
  EXPECT_EQ(accepted, 1'024);
  EXPECT_EQ(send(client, text).error(), Error::WouldBlock);
  EXPECT_EQ(events(*line.a), 0U);
  EXPECT_EQ(sent().size(), 1'024U);
  EXPECT_EQ(events(*line.a), static_cast<uint16_t>(udp::What::Writable));
  EXPECT_EQ(events(*line.a), 0U);
  ASSERT_TRUE(send(client, text).has_value());
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(events(*line.a), 0U);  // nobody was waiting
  // A datagram of many fragments needs room for all of them.
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(send(client, text).has_value());
  EXPECT_EQ(send(client, pattern(60'000)).error(), Error::WouldBlock);
  EXPECT_EQ(sent().size(), 1'000U);
  EXPECT_EQ(events(*line.a), static_cast<uint16_t>(udp::What::Writable));
}

// What can never be sent does not wait for room: nobody would ever say Writable truthfully.
TEST(UdpFragments, MoreThanTheOutboxCanHoldIsTooLong) {
  stack::Config config = line_config(1);
  config.interfaces[0].addresses.pop_back();
  config.interfaces[0].mtu = 68;
  FramePool frames(4096, 2048);
  stack::Stack a(config, frames);
  const Instant now{1'000'000};
  const auto socket =
      a.command(udp::Open{.local = {{}, 9}, .remote = {v4_of(2), 7}, .options = {}}, now);
  ASSERT_TRUE(socket.has_value());
  const auto send = [&](size_t size) {
    const Octets text = pattern(size);
    return a.command(udp::SendTo{.socket = *socket, .remote = {}, .text = text, .source = {}}, now);
  };
  constexpr size_t most = 48 * 1'024 - 8;
  ASSERT_TRUE(send(most).has_value());
  EXPECT_EQ(Surroundings::said_by(a).size(), 1'024U);
  EXPECT_EQ(send(most + 1).error(), Error::MessageTooLong);
  tcp::Occurrence o;
  EXPECT_FALSE(a.next_event(o));
}

TEST_P(Udp, AConnectedSocketHearsOnceThatNobodyIsThere_RFC_1122_4_1_3_3) {
  const Handle client = open(*line.a, 0, at_b, line.now);
  const Handle other = open(*line.a, 0, {}, line.now);
  ASSERT_TRUE(send(client, pattern(10)).has_value());
  ASSERT_TRUE(send(other, pattern(10), at_b).has_value());
  line.settle();
  EXPECT_EQ(line.b->counters().icmp_errors_sent, 2U);
  EXPECT_EQ(line.a->counters().icmp_errors_received, 2U);
  EXPECT_EQ(events(*line.a), static_cast<uint16_t>(udp::What::Trouble));
  Octets into(10);
  EXPECT_EQ(line.a->command(udp::ReceiveFrom{.socket = client, .into = into}, line.now).error(),
            Error::Refused);
  EXPECT_EQ(line.a->command(udp::ReceiveFrom{.socket = client, .into = into}, line.now).error(),
            Error::WouldBlock);
  ASSERT_TRUE(send(client, pattern(10)).has_value());
  line.settle();
  EXPECT_EQ(send(client, pattern(10)).error(), Error::Refused);
  // One that is not connected goes on, and may ask.
  ASSERT_TRUE(send(other, pattern(10), at_b).has_value());
  const udp::Status s = *line.a->command(udp::GetStatus{other}, line.now);
  EXPECT_EQ(s.last_error, Error::Refused);
  EXPECT_EQ(s.last_error_remote, at_b);
  line.settle();
}

TEST_P(Udp, TooBigLowersThePathForLaterDatagrams_R1191_R8201) {
  const Handle client = open(*line.a, 0, {}, line.now);
  ASSERT_TRUE(send(client, pattern(1'400), at_b).has_value());
  const auto first = sent();
  ASSERT_EQ(first.size(), 1U);
  constexpr uint16_t mtu = 1'300;
  const wire::IcmpHead head = v4 ? wire::IcmpHead{wire::kIcmpUnreachable, 4, mtu}
                                 : wire::IcmpHead{wire::kIcmpv6PacketTooBig, 0, mtu};
  const IpAddress router = address_of(v4, 254);
  around.feed(*line.a, icmp(router, address_of(v4, 1), head, std::span(first[0]).first(100)),
              line.now);
  EXPECT_EQ(line.a->counters().path_mtus_lowered, 1U);
  EXPECT_EQ(events(*line.a), 0) << "nothing is lost that the socket could say better";
  EXPECT_EQ(line.a->command(udp::GetStatus{client}, line.now)->errors, 0U);
  ASSERT_TRUE(send(client, pattern(1'400), at_b).has_value());
  const auto later = sent();
  ASSERT_EQ(later.size(), 2U);
  EXPECT_TRUE(std::ranges::all_of(later, [](const Octets& o) { return o.size() <= mtu; }));
  EXPECT_EQ(reassembled(later).size(), 1'408U);
  // Others are not touched by it; and after ten minutes the path is tried again.
  ASSERT_TRUE(send(client, pattern(1'400), {address_of(v4, 3), 7}).has_value());
  EXPECT_EQ(sent().size(), 1U);
  line.run_until(line.now + 601_s);
  ASSERT_TRUE(send(client, pattern(1'400), at_b).has_value());
  EXPECT_EQ(sent().size(), 1U);
}

TEST_P(Udp, NothingLeavesForAnAddressThatNoHostHas_R1122_9) {
  const Handle client = open(*line.a, 0, {}, line.now);
  const IpAddress loopback = v4 ? IpAddress::v4(127, 0, 0, 1) : parse_address("::1").value();
  const IpAddress group = v4 ? IpAddress::v4(224, 0, 0, 1) : parse_address("ff02::1").value();
  for (const IpAddress& nobody : {loopback, group}) {
    EXPECT_EQ(send(client, {1}, {nobody, 7}).error(), Error::RemoteInvalid);
    EXPECT_EQ(line.a->command(udp::Connect{.socket = client, .remote = {nobody, 7}}, line.now),
              std::unexpected(Error::RemoteInvalid));
  }
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(line.a->counters().remotes_refused, 4U);
}

TEST_P(Udp, ErrorsAboutWhatWasNeverSentChangeNothing_R5927) {
  const Octets forged = datagram({address_of(v4, 1), 4'000}, at_b, pattern(1'400));
  const wire::IcmpHead head = v4 ? wire::IcmpHead{wire::kIcmpUnreachable, 4, 1'300}
                                 : wire::IcmpHead{wire::kIcmpv6PacketTooBig, 0, 1'300};
  around.feed(*line.a, icmp(at_b.address, address_of(v4, 1), head, std::span(forged).first(100)),
              line.now);
  EXPECT_EQ(line.a->counters().path_mtus_lowered, 0U);
  EXPECT_EQ(line.a->counters().dropped(DropReason::IcmpNobody), 1U);
}

// Choice 71: nothing is kept of an echo reply that a forger would have to know.
TEST_P(Udp, TooBigAboutAnEchoReplyLowersNobodysPath_R8201) {
  const Octets request = echo_request(at_b.address, address_of(v4, 1), pattern(1'400));
  const auto replies = around.answers(*line.a, request, line.now);
  ASSERT_EQ(replies.size(), 1U);
  const wire::IcmpHead head = v4 ? wire::IcmpHead{wire::kIcmpUnreachable, 4, 1'300}
                                 : wire::IcmpHead{wire::kIcmpv6PacketTooBig, 0, 1'300};
  const Octets told =
      icmp(address_of(v4, 254), address_of(v4, 1), head, std::span(replies[0]).first(100));
  around.feed(*line.a, told, line.now);
  EXPECT_EQ(line.a->counters().path_mtus_lowered, 0U);
  EXPECT_EQ(line.a->counters().dropped(DropReason::IcmpNobody), 1U);
  EXPECT_EQ(around.answers(*line.a, request, line.now).size(), 1U) << "still whole";
}

TEST_P(Udp, HopLimitAndDiffservAreWhatTheSocketSays_RFC_1122_4_1_4) {
  udp::Options options;
  options.ttl = 3;
  options.dscp = 46;
  const Handle client = open(*line.a, 0, at_b, line.now, options);
  for (const size_t size : {size_t{10}, size_t{3'000}}) {
    ASSERT_TRUE(send(client, pattern(size)).has_value());
    for (const Octets& p : sent()) {
      if (v4) {
        const auto ip = *wire::parse_ipv4(p);
        EXPECT_EQ(ip.ttl, 3);
        EXPECT_EQ(ip.dscp, 46);
      } else {
        const auto ip = *wire::parse_ipv6(p);
        EXPECT_EQ(ip.hop_limit, 3);
        EXPECT_EQ(ip.dscp, 46);
      }
    }
  }
}

TEST_P(Udp, DrainingClosesTheSocketsAndThrowsAwayWhatWaits) {
  const Handle server = open(*line.b, 7, {}, line.now);
  const Handle client = open(*line.a, 0, at_b, line.now);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(client, pattern(3'000)).has_value());
  line.settle();
  EXPECT_EQ(line.b->population().datagrams, 3U);
  line.b->drain(line.now, line.now + 1_s);
  EXPECT_TRUE(line.b->drained());
  EXPECT_EQ(line.b->population().datagrams, 0U);
  EXPECT_EQ(line.b->population().datagram_sockets, 0U);
  EXPECT_EQ(line.b->command(udp::GetStatus{server}, line.now).error(), Error::DoesNotExist);
  EXPECT_EQ(
      line.b->command(udp::Open{.local = {{}, 7}, .remote = {}, .options = {}}, line.now).error(),
      Error::NotAllowed);
  EXPECT_EQ(events(*line.b), 0U);
  ASSERT_TRUE(line.a->command(udp::CloseSocket{client}, line.now).has_value());
  EXPECT_EQ(line.a->population().datagram_sockets, 0U);
}

TEST_P(Udp, TheFingerprintFollowsTheHistory) {
  const auto history = [&](size_t datagrams) {
    Lan world(line_config(1), line_config(2));
    (void)open(*world.b, 7, {}, world.now);
    const Handle client = open(*world.a, 0, at_b, world.now);
    for (size_t i = 0; i < datagrams; ++i) {
      const Octets text = pattern(i);
      EXPECT_TRUE(
          world.a
              ->command(udp::SendTo{.socket = client, .remote = {}, .text = text, .source = {}},
                        world.now)
              .has_value());
      world.settle();
    }
    return world.b->fingerprint();
  };
  EXPECT_EQ(history(3), history(3));
  EXPECT_NE(history(3), history(4));
}

}  // namespace
}  // namespace rapport::test
