// Tap against the kernel, in a network namespace of its own: Ethernet frames, the kernel's own
// hardware address, and its questions for ours in both families.
#include "rapport/device/tap.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/tun.hh"
#include "tests/unit/device/namespace.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace rapport::device {
namespace {

using TapInNamespace = test::InNamespace;

TunConfig config() {
  return {.name = "rtap0",
          .hosts = {{IpAddress::v4(10, 77, 0, 1), 24}, parse_cidr("fd00:77::1/64").value()},
          .mtu = 1400,
          .queue_length = 5000};
}

using Octets = std::vector<uint8_t>;

// What comes within a second, until there is a frame that `wanted` is true of; empty: none came.
template <class Wanted>
Octets first_frame(Device& device, FramePool& pool, Wanted wanted) {
  pollfd waiting{device.fd(), POLLIN, 0};
  while (::poll(&waiting, 1, 1000) == 1) {
    std::array<Frame, 16> burst;
    const size_t n = device.receive(pool, burst, {});
    for (const Frame& frame : std::span(burst).first(n)) {
      if (wanted(frame.bytes())) return {frame.bytes().begin(), frame.bytes().end()};
    }
  }
  return {};
}

TEST(Tap, DrawsLocalUnicastAddresses) {
  std::set<MacAddress> drawn;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto mac = draw_mac(seed);
    ASSERT_TRUE(mac.has_value());
    EXPECT_EQ(mac->octets[0] & 3, 2) << "locally administered, unicast";
    EXPECT_EQ(draw_mac(seed), mac);
    drawn.insert(*mac);
  }
  const auto once = draw_mac({});
  const auto twice = draw_mac({});
  ASSERT_TRUE(once && twice);
  EXPECT_EQ(once->octets[0] & 3, 2);
  drawn.insert({*once, *twice});
  EXPECT_EQ(drawn.size(), 102U);
}

TEST(Tap, KnowsHowLargeAnEthernetFrameMayBe) {
  TunConfig c = config();
  c.mtu = 65522;
  const auto tap = make_tap(c);
  ASSERT_FALSE(tap.has_value());
  EXPECT_EQ(tap.error().fault, TunFault::MtuInvalid);
}

TEST_F(TapInNamespace, IsAnEthernetInterfaceAndGoneAtTheEnd) {
  {
    const auto tap = make_tap(config());
    ASSERT_TRUE(tap.has_value()) << tap.error().text;
    EXPECT_EQ((*tap)->link(), Link::Ethernet);
    EXPECT_EQ(ask(SIOCGIFMTU, "rtap0").ifr_mtu, 1400);
    EXPECT_EQ(ask(SIOCGIFTXQLEN, "rtap0").ifr_qlen, 5000);
    EXPECT_NE(ask(SIOCGIFFLAGS, "rtap0").ifr_flags & IFF_UP, 0);
    EXPECT_EQ(ask(SIOCGIFHWADDR, "rtap0").ifr_hwaddr.sa_family, ARPHRD_ETHER);
    EXPECT_EQ(ipv6_addresses("rtap0").size(), 2U) << "a link-local one, as on any Ethernet";
  }
  EXPECT_EQ(::if_nametoindex("rtap0"), 0U);
}

TEST_F(TapInNamespace, TheKernelAsksForOurAddress) {
  FramePool pool(64, 2048);
  const auto tap = make_tap(config());
  ASSERT_TRUE(tap.has_value()) << tap.error().text;
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(9);
  peer.sin_addr.s_addr = htonl(0x0a4d0002);
  ASSERT_EQ(
      ::sendto(inet_.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)),
      5);
  const Octets question = first_frame(**tap, pool, [](auto frame) {
    return frame.size() >= 42 && frame[12] == 8 && frame[13] == 6;
  });
  ASSERT_FALSE(question.empty()) << "no ARP request";
  EXPECT_EQ(question[0], 0xff) << "to all";
  const ifreq theirs = ask(SIOCGIFHWADDR, "rtap0");
  EXPECT_EQ(std::memcmp(&question[6], theirs.ifr_hwaddr.sa_data, 6), 0) << "from the kernel";
  const Octets wanted{10, 77, 0, 2};
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), question.begin() + 38));
}

TEST_F(TapInNamespace, TheKernelSolicitsOurIpv6Address) {
  FramePool pool(64, 2048);
  const auto tap = make_tap(config());
  ASSERT_TRUE(tap.has_value()) << tap.error().text;
  const Descriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 peer{};
  peer.sin6_family = AF_INET6;
  peer.sin6_port = htons(9);
  const IpAddress there = parse_address("fd00:77::2").value();
  std::memcpy(&peer.sin6_addr, there.octets.data(), there.octets.size());
  ASSERT_EQ(
      ::sendto(socket.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)),
      5);
  const auto is_solicitation = [&](auto frame) {  // RFC 4861 4.3, for our address
    return frame.size() >= 78 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 58
           && frame[54] == 135 && std::equal(there.octets.begin(), there.octets.end(), &frame[62]);
  };
  const Octets question = first_frame(**tap, pool, is_solicitation);
  ASSERT_FALSE(question.empty()) << "no neighbour solicitation";
  EXPECT_EQ(question[0], 0x33) << "to the solicited-node group (RFC 2464 7)";
}

}  // namespace
}  // namespace rapport::device
