// Stack::fingerprint() below the transports: neighbours, addresses under check, fragments that
// wait, path MTUs and the allowance of ICMP errors are part of the history.
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr Instant kStart{1'000'000};

// What one of these histories leads to.
uint64_t after(const stack::Config& config,
               const std::function<void(stack::Stack&, Surroundings&)>& history) {
  FramePool frames(512, 2048);
  Surroundings around;
  stack::Stack a(config, frames);
  a.expire(kStart);
  (void)Surroundings::said_by(a);
  history(a, around);
  (void)Surroundings::said_by(a);
  return a.fingerprint();
}

// The same history twice is the same; any two of them differ.
void expect_all_different(
    const stack::Config& config,
    const std::vector<std::function<void(stack::Stack&, Surroundings&)>>& histories) {
  std::set<uint64_t> seen;
  for (size_t i = 0; i < histories.size(); ++i) {
    const uint64_t value = after(config, histories[i]);
    EXPECT_EQ(value, after(config, histories[i])) << i;
    EXPECT_TRUE(seen.insert(value).second) << i;
  }
}

class NetworkFingerprint : public testing::TestWithParam<bool> {
 protected:
  const bool v4 = GetParam();
  const IpAddress own = address_of(v4, 1);
  const IpAddress peer = address_of(v4, 2);
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, NetworkFingerprint, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(NetworkFingerprint, FragmentsThatWait) {
  const Octets whole = echo_request(peer, own, pattern(5'000));
  const auto feed = [&](std::vector<Octets> parts, Instant at = kStart) {
    return [parts, at](stack::Stack& a, Surroundings& around) {
      for (const Octets& p : parts) around.feed(a, p, at);
    };
  };
  const auto parts = fragments(whole, 1500, 1);
  expect_all_different(line_config(1), {
                                           feed({}),
                                           feed({parts[0]}),
                                           feed({parts[1]}),
                                           feed({parts[0], parts[1]}),
                                           feed({fragment(whole, 0, 1'480, 2)}),
                                           feed({fragment(whole, 0, 1'472, 1)}),
                                           feed({parts[0]}, kStart + 1_ms),
                                           feed({parts[0], fragment(whole, 8, 80, 1)}),
                                       });
}

TEST_P(NetworkFingerprint, PathMtus) {
  const auto lower = [&](uint16_t mtu, Instant at) {
    return [this, mtu, at](stack::Stack& a, Surroundings& around) {
      const udp::Open open{.local = {{}, 9}, .remote = {}, .options = {}};
      const Handle socket = *a.command(open, kStart);
      const Octets text = pattern(1'400);
      (void)a.command(udp::SendTo{socket, {peer, 7}, text, {}}, kStart);
      const auto sent = Surroundings::said_by(a);
      tcp::Occurrence o;
      const wire::IcmpHead head = v4 ? wire::IcmpHead{wire::kIcmpUnreachable, 4, mtu}
                                     : wire::IcmpHead{wire::kIcmpv6PacketTooBig, 0, mtu};
      around.feed(a, icmp(peer, own, head, sent.at(0)), at);
      (void)a.next_event(o);
    };
  };
  // The largest is no news: nothing is remembered of it.
  expect_all_different(line_config(1), {lower(1'300, kStart), lower(1'301, kStart),
                                        lower(1'300, kStart + 1_ms), lower(1'500, kStart)});
}

TEST_P(NetworkFingerprint, TheAllowanceOfErrors) {
  const auto complain = [&](int times) {
    return [this, times](stack::Stack& a, Surroundings& around) {
      for (int i = 0; i < times; ++i) around.feed(a, datagram({peer, 9}, {own, 7}, {}), kStart);
    };
  };
  expect_all_different(line_config(1), {complain(0), complain(1), complain(2)});
}

TEST_P(NetworkFingerprint, AddressesUnderCheckAndNeighbours) {
  const auto run = [&](Duration time, int packets) {
    return [this, time, packets](stack::Stack& a, Surroundings&) {
      const udp::Open open{.local = {{}, 9}, .remote = {}, .options = {}};
      const Handle socket = *a.command(open, kStart);
      for (Instant at = a.next_deadline(); at <= kStart + time; at = a.next_deadline()) {
        a.expire(at);
        (void)Surroundings::said_by(a);
      }
      for (int i = 0; i < packets; ++i) {
        const IpAddress to = address_of(v4, static_cast<uint8_t>(i + 2));
        (void)a.command(udp::SendTo{socket, {to, 7}, {}, {}}, kStart + time);
      }
    };
  };
  expect_all_different(lan_config(1), {run({}, 0), run(1'500_ms, 0), run(20_s, 0), run(20_s, 1),
                                       run(20_s, 2), run(21_s, 2)});
}

}  // namespace
}  // namespace rapport::test
