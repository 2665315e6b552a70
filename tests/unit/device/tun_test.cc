// Tun against the kernel, in a network namespace of its own. Errors that need no kernel are checked
// everywhere.
#include "rapport/device/tun.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/udp.hh"
#include "tests/unit/device/namespace.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::device {
namespace {

const Cidr kHost{IpAddress::v4(10, 77, 0, 1), 24};
const Cidr kHost6 = parse_cidr("fd00:77::1/64").value();

TunConfig config(std::string name = "rtun0") {
  return {.name = std::move(name), .hosts = {kHost}, .mtu = 1400, .queue_length = 5000};
}

using TunInNamespace = test::InNamespace;

TEST(Tun, SaysWhatIsWrongWithAName) {
  for (const char* name : {"", "a/b", "sixteen-letters-", "..", "tun%d", "a b", "eth0:1"}) {
    const auto tun = make_tun(config(name));
    ASSERT_FALSE(tun.has_value()) << name;
    EXPECT_EQ(tun.error().fault, TunFault::NameInvalid) << name;
    EXPECT_NE(tun.error().text.find("1 to 15"), std::string::npos);
  }
}

TEST(Tun, SaysWhatIsWrongWithAnAddressOrMtu) {
  for (const Cidr host :
       {Cidr{IpAddress::v4(224, 0, 0, 1), 24}, Cidr{IpAddress{}, 24},
        Cidr{IpAddress::v4(127, 0, 0, 1), 8}, Cidr{kHost.address, 32}, Cidr{kHost.address, 0}}) {
    TunConfig c = config();
    c.hosts = {host};
    const auto tun = make_tun(c);
    ASSERT_FALSE(tun.has_value());
    EXPECT_EQ(tun.error().fault, TunFault::AddressInvalid);
  }
  TunConfig c = config();
  c.mtu = 67;
  EXPECT_EQ(make_tun(c).error().fault, TunFault::MtuInvalid);
  c.hosts = {};
  EXPECT_EQ(make_tun(c).error().fault, TunFault::AddressInvalid);
  c.hosts = {kHost, kHost};
  EXPECT_EQ(make_tun(c).error().fault, TunFault::AddressInvalid);
}

TEST(Tun, SaysWhatIsWrongWithAnIpv6AddressOrMtu) {
  for (const char* host : {"::/64", "::1/128", "ff02::1/16", "fd00:77::1/0", "fd00:77::1/128"}) {
    TunConfig c = config();
    c.hosts = {parse_cidr(host).value()};
    const auto tun = make_tun(c);
    ASSERT_FALSE(tun.has_value()) << host;
    EXPECT_EQ(tun.error().fault, TunFault::AddressInvalid) << host;
  }
  TunConfig c = config();
  c.hosts = {kHost, kHost6};
  c.mtu = 1279;
  const auto tun = make_tun(c);
  ASSERT_FALSE(tun.has_value());
  EXPECT_EQ(tun.error().fault, TunFault::MtuInvalid);
  EXPECT_NE(tun.error().text.find("1280"), std::string::npos) << tun.error().text;
}

TEST_F(TunInNamespace, IsMadeAsAskedAndGoneAtTheEnd) {
  {
    const auto tun = make_tun(config());
    ASSERT_TRUE(tun.has_value()) << tun.error().text;
    EXPECT_EQ(ask(SIOCGIFMTU, "rtun0").ifr_mtu, 1400);
    EXPECT_EQ(ask(SIOCGIFTXQLEN, "rtun0").ifr_qlen, 5000);
    EXPECT_NE(ask(SIOCGIFFLAGS, "rtun0").ifr_flags & IFF_UP, 0);
    sockaddr_in in{};
    const ifreq address = ask(SIOCGIFADDR, "rtun0");
    std::memcpy(&in, &address.ifr_addr, sizeof(in));
    EXPECT_EQ(ntohl(in.sin_addr.s_addr), kHost.address.v4_host());
    const ifreq mask = ask(SIOCGIFNETMASK, "rtun0");
    std::memcpy(&in, &mask.ifr_netmask, sizeof(in));
    EXPECT_EQ(ntohl(in.sin_addr.s_addr), 0xffffff00U);
  }
  EXPECT_EQ(::if_nametoindex("rtun0"), 0U) << "the interface outlived its owner";
}

TEST_F(TunInNamespace, HasItsIpv6AddressesAtOnceAndNoOther) {
  TunConfig c = config();
  c.hosts = {kHost, kHost6, parse_cidr("fd00:78::1/48").value()};
  const auto tun = make_tun(c);
  ASSERT_TRUE(tun.has_value()) << tun.error().text;
  // 80: permanent; 02: without duplicate address detection, hence not tentative (40)
  const std::set<std::string> wanted{"fd000077000000000000000000000001 40 82",
                                     "fd000078000000000000000000000001 30 82"};
  EXPECT_EQ(ipv6_addresses("rtun0"), wanted);
  FramePool pool(64, 2048);
  const Descriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 peer{};
  peer.sin6_family = AF_INET6;
  peer.sin6_port = htons(9);
  const IpAddress there = parse_address("fd00:77::2").value();
  std::memcpy(&peer.sin6_addr, there.octets.data(), there.octets.size());
  ASSERT_EQ(
      ::sendto(socket.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)),
      5);
  std::array<Frame, 16> burst;
  int datagrams = 0;
  const size_t n = (*tun)->receive(pool, burst, {});
  for (const Frame& frame : std::span(burst).first(n)) {
    const auto bytes = frame.bytes();
    if (bytes.size() == 53 && bytes[0] >> 4 == 6 && bytes[6] == IPPROTO_UDP) ++datagrams;
  }
  EXPECT_EQ(datagrams, 1) << n << " packets";
}

// The kernel makes the local route in a worker of its own: what came before that was lost.
TEST_F(TunInNamespace, TheKernelTakesPacketsForItsIpv6AddressFromTheFirstOn) {
  const IpAddress ours = parse_address("fd00:77::2").value();
  for (int i = 0; i < 20; ++i) {
    TunConfig c = config();
    c.hosts = {kHost6};
    const auto tun = make_tun(c);
    ASSERT_TRUE(tun.has_value()) << tun.error().text;
    const Descriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(4242);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
    FramePool pool(4, 2048);
    Frame frame = pool.allocate(64);
    frame.reshape(64, wire::kIpv6Header + wire::kUdpHeader);
    wire::Ipv6 ip;
    ip.source = ours;
    ip.destination = kHost6.address;
    ip.next_header = wire::kProtocolUdp;
    wire::build_ipv6(frame.data(), ip, wire::kUdpHeader);
    wire::build_udp(frame.data() + wire::kIpv6Header, {7, 4242}, ours, kHost6.address, {});
    ASSERT_EQ((*tun)->send(std::span(&frame, 1)), 1U);
    pollfd readable{.fd = socket.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&readable, 1, 1000), 1) << "interface " << i;
  }
}

TEST_F(TunInNamespace, NeverTouchesAnInterfaceThatIsThere) {
  const auto first = make_tun(config());
  ASSERT_TRUE(first.has_value()) << first.error().text;
  TunConfig same = config();
  same.hosts = {{IpAddress::v4(10, 78, 0, 1), 24}};
  const auto second = make_tun(same);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NameTaken) << second.error().text;
  const auto loopback = make_tun({.name = "lo", .hosts = same.hosts});
  ASSERT_FALSE(loopback.has_value());
  EXPECT_EQ(loopback.error().fault, TunFault::NameTaken) << loopback.error().text;
  EXPECT_EQ(ask(SIOCGIFMTU, "rtun0").ifr_mtu, 1400);
}

TEST_F(TunInNamespace, NeverTakesANetworkThatIsThere) {
  const auto first = make_tun(config());
  ASSERT_TRUE(first.has_value()) << first.error().text;
  TunConfig wide = config("rtun1");
  wide.hosts = {{IpAddress::v4(10, 0, 0, 1), 8}};
  const auto second = make_tun(wide);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NetworkTaken) << second.error().text;
  EXPECT_EQ(::if_nametoindex("rtun1"), 0U);
}

TEST_F(TunInNamespace, NeverTakesAnIpv6NetworkThatIsThere) {
  TunConfig c = config();
  c.hosts = {kHost6};
  const auto first = make_tun(c);
  ASSERT_TRUE(first.has_value()) << first.error().text;
  TunConfig other = config("rtun1");
  other.hosts = {parse_cidr("fd00:77::8000:0:0:1/112").value()};
  const auto second = make_tun(other);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NetworkTaken) << second.error().text;
  EXPECT_NE(second.error().text.find("of interface rtun0"), std::string::npos);
  other.hosts = {parse_cidr("fd00:79::1/64").value()};
  EXPECT_TRUE(make_tun(other).has_value());
}

TEST_F(TunInNamespace, NeverTakesANetworkThatARouteLeadsTo) {
  const auto first = make_tun(config());
  ASSERT_TRUE(first.has_value()) << first.error().text;
  rtentry route{};  // 172.20/16 through 10.77.0.9
  const auto put = [](sockaddr& to, uint32_t address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(address);
    std::memcpy(&to, &in, sizeof(in));
  };
  put(route.rt_dst, 0xac140000);
  put(route.rt_genmask, 0xffff0000);
  put(route.rt_gateway, 0x0a4d0009);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  ASSERT_EQ(::ioctl(inet_.get(), SIOCADDRT, &route), 0);
  TunConfig c = config("rtun1");
  c.hosts = {{IpAddress::v4(172, 20, 30, 1), 24}};
  const auto second = make_tun(c);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NetworkTaken) << second.error().text;
  c.hosts = {{IpAddress::v4(172, 21, 30, 1), 24}};
  EXPECT_TRUE(make_tun(c).has_value());
}

// Answers every echo request that arrives within a second; returns how many.
int answer_pings(Device& device, FramePool& pool) {
  int answered = 0;
  pollfd waiting{device.fd(), POLLIN, 0};
  while (answered == 0 && ::poll(&waiting, 1, 1000) == 1) {
    std::array<Frame, 16> burst;
    const size_t n = device.receive(pool, burst, {});
    for (Frame& frame : std::span(burst).first(n)) {
      const auto ip = wire::parse_ipv4(frame.bytes());
      if (!ip || ip->protocol != wire::kProtocolIcmp) continue;
      wire::make_echo_reply(frame.bytes().subspan(ip->header_length));
      wire::Ipv4 back;
      back.source = ip->destination;
      back.destination = ip->source;
      back.protocol = wire::kProtocolIcmp;
      wire::build_ipv4(frame.data(), back, static_cast<uint16_t>(ip->payload.size()));
      answered += static_cast<int>(device.send({&frame, 1}));
    }
  }
  return answered;
}

TEST_F(TunInNamespace, CarriesAPingBothWays) {
  FramePool pool(64, 2048);
  const auto tun = make_tun(config());
  ASSERT_TRUE(tun.has_value()) << tun.error().text;
  const Descriptor raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  ASSERT_TRUE(raw);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_addr.s_addr = htonl(0x0a4d0002);
  const std::array<uint8_t, 12> echo{8, 0, 0xf7, 0xfd, 0, 1, 0, 1, 0, 0, 0, 0};
  ASSERT_EQ(::sendto(raw.get(), echo.data(), echo.size(), 0,
                     reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)),
            12);
  EXPECT_EQ(answer_pings(**tun, pool), 1);
  pollfd waiting{raw.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&waiting, 1, 1000), 1) << "the kernel did not take the reply";
  std::array<uint8_t, 64> reply{};
  ASSERT_EQ(::recv(raw.get(), reply.data(), reply.size(), 0), 32);
  EXPECT_EQ(reply[20], wire::kIcmpEchoReply);
}

Frame any_packet(FramePool& pool) {
  Frame frame = pool.allocate(64);
  frame.reshape(64, 40);
  std::memset(frame.data(), 0, 40);
  frame.data()[0] = 0x45;
  return frame;
}

TEST_F(TunInNamespace, AnInterfaceThatIsDownLosesFramesAndIsNotFatal) {
  FramePool pool(64, 2048);
  const auto tun = make_tun(config());
  ASSERT_TRUE(tun.has_value()) << tun.error().text;
  set_up("rtun0", false);
  std::array<Frame, 2> frames{any_packet(pool), any_packet(pool)};
  EXPECT_EQ((*tun)->send(frames), 2U) << "taken and lost: nobody has to wait for room";
  EXPECT_EQ((*tun)->counters().write_errors, 2U);
  EXPECT_EQ((*tun)->receive(pool, frames, {}), 0U);
  EXPECT_EQ((*tun)->counters().read_errors, 0U);
  pollfd waiting{(*tun)->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 20), 0)
      << "a loop that waits for packets sleeps: " << waiting.revents;
  EXPECT_FALSE((*tun)->gone());
  set_up("rtun0", true);
  frames[0] = any_packet(pool);
  EXPECT_EQ((*tun)->send(std::span(frames).first(1)), 1U);
  EXPECT_EQ((*tun)->counters().write_errors, 2U) << "up again: the kernel took it";
  EXPECT_EQ((*tun)->counters().frames_out, 1U);
}

TEST_F(TunInNamespace, ADeletedInterfaceIsGoneForGood) {
  FramePool pool(64, 2048);
  const auto tun = make_tun(config());
  ASSERT_TRUE(tun.has_value()) << tun.error().text;
  delete_link("rtun0");
  std::array<Frame, 2> frames;
  EXPECT_EQ((*tun)->receive(pool, frames, {}), 0U);
  EXPECT_TRUE((*tun)->gone());
  frames[0] = any_packet(pool);
  EXPECT_EQ((*tun)->send(std::span(frames).first(1)), 1U) << "lost, not kept";
}

}  // namespace
}  // namespace rapport::device
