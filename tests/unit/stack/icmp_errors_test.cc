// ICMP errors that we send: what they say and quote (RFC 792, RFC 1122 3.2.2, RFC 4443 2.4, 3),
// what they are never sent about, and how often.
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr uint8_t kUnknownProtocol = 132;
constexpr uint8_t kDestinationOptions = 60;

struct Error {
  uint8_t type, code;
  uint32_t rest;
  Octets quote;
  friend bool operator==(const Error&, const Error&) = default;
};

class IcmpErrors : public testing::TestWithParam<bool> {
 protected:
  IcmpErrors() { start(line_config(1)); }

  ~IcmpErrors() override {
    a.reset();
    EXPECT_EQ(frames.in_use(), 0U);
  }

  void start(const stack::Config& config) { a.emplace(config, frames); }

  // The one error that a packet draws.
  Error drawn_by(const Octets& p) {
    const auto answers = around.answers(*a, p, now);
    EXPECT_EQ(answers.size(), 1U);
    if (answers.size() != 1) return {};
    if (v4) {
      const auto ip = *wire::parse_ipv4(answers[0]);
      EXPECT_EQ(std::pair(ip.source, ip.destination), std::pair(own, peer));
      const auto icmp = wire::parse_icmp(ip.payload);
      EXPECT_TRUE(icmp.has_value());
      return {icmp->type, icmp->code, icmp->rest, {icmp->data.begin(), icmp->data.end()}};
    }
    const auto ip = *wire::parse_ipv6(answers[0]);
    EXPECT_EQ(std::pair(ip.source, ip.destination), std::pair(own, peer));
    const auto icmp = wire::parse_icmpv6(ip.payload, own, peer);
    EXPECT_TRUE(icmp.has_value());
    return {icmp->type, icmp->code, icmp->rest, {icmp->data.begin(), icmp->data.end()}};
  }

  void expect_silence(const Octets& p, std::string_view what) {
    EXPECT_TRUE(around.answers(*a, p, now).empty()) << what;
    EXPECT_EQ(a->counters().icmp_errors_sent, 0U) << what;
  }

  const bool v4 = GetParam();
  const IpAddress own = address_of(v4, 1);
  const IpAddress peer = address_of(v4, 2);
  const Endpoint us{own, 7}, them{peer, 9};
  FramePool frames{512, 2048};
  std::optional<stack::Stack> a;
  Surroundings around;
  Instant now{1'000'000};
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, IcmpErrors, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(IcmpErrors, NobodyAtThePort_RFC_1122_4_1_3_1) {
  const Octets p = datagram(them, us, pattern(30));
  EXPECT_EQ(drawn_by(p), (v4 ? Error{3, 3, 0, p} : Error{1, 4, 0, p}));
  EXPECT_EQ(a->counters().dropped(DropReason::UdpNoSocket), 1U);
  EXPECT_EQ(a->counters().icmp_errors_sent, 1U);
}

TEST_P(IcmpErrors, NobodyForTheProtocol_R1122_2) {
  const Octets p = packet(peer, own, kUnknownProtocol, pattern(30));
  EXPECT_EQ(drawn_by(p), (v4 ? Error{3, 2, 0, p} : Error{4, 1, 6, p}));
  EXPECT_EQ(a->counters().dropped(DropReason::UnknownProtocol), 1U);
  // Each family has its own ICMP.
  const Octets other =
      packet(peer, own, v4 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp, Octets(8));
  EXPECT_EQ(drawn_by(other), (v4 ? Error{3, 2, 0, other} : Error{4, 1, 6, other}));
}

TEST_P(IcmpErrors, AQuoteEndsWhereTheSmallestPacketDoes) {
  const Octets p = datagram(them, us, pattern(1'400));
  const Error e = drawn_by(p);
  EXPECT_EQ(e.quote.size(), v4 ? 576U - 28 : 1280U - 48);
  EXPECT_EQ(e.quote, Octets(p.begin(), p.begin() + static_cast<ptrdiff_t>(e.quote.size())));
}

TEST_P(IcmpErrors, NeverAboutErrors_R1122_2) {
  for (int type = 0; type < 256; ++type) {
    const bool error = v4 ? wire::is_icmp_error(static_cast<uint8_t>(type)) : type < 128;
    if (!error) continue;
    expect_silence(icmp(peer, own, {static_cast<uint8_t>(type), 0, 0}, pattern(60)), "an error");
  }
}

TEST_P(IcmpErrors, NeverAboutWhatWasNotSentToUsAlone_R1122_2) {
  const std::vector<IpAddress> many =
      v4 ? std::vector{IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
                       IpAddress::v4(10, 0, 0, 255)}
         : std::vector{wire::all_nodes(), wire::solicited_node(own)};
  for (const IpAddress& to : many) {
    expect_silence(datagram(them, {to, 7}, pattern(30)), to_string(to));
    expect_silence(packet(peer, to, kUnknownProtocol, pattern(30)), to_string(to));
  }
}

TEST_P(IcmpErrors, NeverToWhoCanBeNobody_R1122_2) {
  const std::vector<IpAddress> nobody =
      v4 ? std::vector{IpAddress::v4(0),
                       IpAddress::v4(127, 0, 0, 1),
                       IpAddress::v4(224, 0, 0, 1),
                       IpAddress::v4(255, 255, 255, 255),
                       IpAddress::v4(10, 0, 0, 255),
                       IpAddress::v4(250, 0, 0, 1)}
         : std::vector{IpAddress{}, IpAddress{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
                       wire::all_nodes()};
  for (const IpAddress& from : nobody) {
    expect_silence(datagram({from, 9}, us, pattern(30)), to_string(from));
    expect_silence(packet(from, own, kUnknownProtocol, pattern(30)), to_string(from));
  }
  EXPECT_EQ(a->counters().dropped(DropReason::MartianSource), 2 * nobody.size());
}

TEST_P(IcmpErrors, NeverAboutALaterFragment_R1122_2) {
  const Octets whole = packet(peer, own, kUnknownProtocol, pattern(3'000));
  const auto parts = fragments(whole, 1500, 1);
  for (size_t i = 1; i < parts.size(); ++i) expect_silence(parts[i], "a later fragment");
  now += 61_s;
  a->expire(now);
  EXPECT_EQ(a->counters().dropped(DropReason::FragmentTimedOut), 1U);
  EXPECT_TRUE(Surroundings::said_by(*a).empty());
}

TEST_P(IcmpErrors, AboutAWholeMadeOfFragmentsThereIsOne) {
  const Octets whole = packet(peer, own, kUnknownProtocol, pattern(3'000));
  const auto parts = fragments(whole, 1500, 1);
  for (size_t i = 0; i + 1 < parts.size(); ++i) expect_silence(parts[i], "not yet");
  const Error e = drawn_by(parts.back());
  EXPECT_EQ(std::pair(e.type, e.code),
            (v4 ? std::pair<uint8_t, uint8_t>(3, 2) : std::pair<uint8_t, uint8_t>(4, 1)));
  EXPECT_EQ(e.rest, v4 ? 0U : 6U);
}

TEST_P(IcmpErrors, AreLimitedAndCounted_RFC_4443_2_4_f) {
  stack::Config config = line_config(1);
  config.icmp_errors = 10;
  config.icmp_error_burst = 5;
  start(config);
  const auto flood = [&](int n) {
    size_t answers = 0;
    for (int i = 0; i < n; ++i) answers += around.answers(*a, datagram(them, us, {}), now).size();
    return answers;
  };
  EXPECT_EQ(flood(20), 5U);
  EXPECT_EQ(a->counters().icmp_errors_throttled, 15U);
  now += 300_ms;
  EXPECT_EQ(flood(20), 3U);
  now += 3600_s;
  EXPECT_EQ(flood(20), 5U);
  EXPECT_EQ(a->counters().icmp_errors_sent, 13U);
  EXPECT_EQ(a->counters().icmp_errors_throttled, 47U);
  EXPECT_EQ(a->counters().dropped(DropReason::UdpNoSocket), 60U);
}

// --- IPv6 only: Parameter Problem ---------------------------------------------------------------

class ParameterProblems : public IcmpErrors {
 protected:
  // A packet with one header of eight octets before `payload`.
  [[nodiscard]] Octets with_header(uint8_t kind, Octets header, uint8_t next,
                                   const Octets& payload) const {
    header[0] = next;
    return packet(peer, own, kind, joined(std::move(header), payload));
  }

  // A destination option of this type, which nobody knows.
  static Octets option(uint8_t type) { return {0, 0, type, 4, 0, 0, 0, 0}; }
};

INSTANTIATE_TEST_SUITE_P(Only, ParameterProblems, testing::Values(false),
                         [](const auto&) { return "IPv6"; });

TEST_P(ParameterProblems, PointAtTheOption_RFC_8200_4_2) {
  for (const uint8_t type : {uint8_t{0x80}, uint8_t{0xc0}}) {
    const Octets p = with_header(kDestinationOptions, option(type), wire::kProtocolUdp, Octets(8));
    EXPECT_EQ(drawn_by(p), (Error{4, 2, 42, p}));
  }
  EXPECT_EQ(a->counters().dropped(DropReason::Ipv6OptionUnrecognized), 2U);
  const uint64_t sent = a->counters().icmp_errors_sent;
  EXPECT_TRUE(
      around
          .answers(*a,
                   with_header(kDestinationOptions, option(0x40), wire::kProtocolUdp, Octets(8)),
                   now)
          .empty());
  EXPECT_EQ(a->counters().icmp_errors_sent, sent);
  EXPECT_EQ(a->counters().dropped(DropReason::Ipv6OptionUnrecognized), 3U);
}

TEST_P(ParameterProblems, PointAtTheNextHeaderWhereverItStands_RFC_4443_3_4) {
  const Octets p =
      with_header(kDestinationOptions, {0, 0, 1, 4, 0, 0, 0, 0}, kUnknownProtocol, pattern(20));
  EXPECT_EQ(drawn_by(p), (Error{4, 1, 40, p}));
}

TEST_P(ParameterProblems, PointAtARoutingTypeAndAtAnOffset) {
  constexpr uint8_t routing = 43;
  const Octets r = with_header(routing, {0, 0, 0, 1, 0, 0, 0, 0}, wire::kProtocolUdp, Octets(8));
  EXPECT_EQ(drawn_by(r), (Error{4, 0, 42, r}));
  // RFC 8200 4.5: beyond 65,535 octets.
  const Octets f = with_header(wire::kProtocolFragment, {0, 0, 0xff, 0xf8, 0, 0, 0, 1},
                               wire::kProtocolUdp, Octets(16));
  EXPECT_EQ(drawn_by(f), (Error{4, 0, 42, f}));
  // And a length that is no multiple of eight.
  const Octets l = with_header(wire::kProtocolFragment, {0, 0, 0, 1, 0, 0, 0, 1},
                               wire::kProtocolUdp, Octets(15));
  EXPECT_EQ(drawn_by(l), (Error{4, 0, 4, l}));
}

// RFC 4443 2.4 (e.1): what stands behind the faulty header decides.
TEST_P(ParameterProblems, AreNeverAboutErrors) {
  for (const uint8_t type :
       {wire::kIcmpv6Unreachable, wire::kIcmpv6ParameterProblem, wire::kIcmpv6Redirect}) {
    const Octets error = icmp(peer, own, {type, 0, 0}, pattern(60));
    const auto message = payload_of(error);
    expect_silence(with_header(kDestinationOptions, option(0x80), wire::kProtocolIcmpv6,
                               {message.begin(), message.end()}),
                   "an error behind an option");
  }
  const Octets request = echo_request(peer, own, pattern(10));
  const auto message = payload_of(request);
  const Octets p = with_header(kDestinationOptions, option(0x80), wire::kProtocolIcmpv6,
                               {message.begin(), message.end()});
  EXPECT_EQ(drawn_by(p), (Error{4, 2, 42, p}));
}

}  // namespace
}  // namespace rapport::test
