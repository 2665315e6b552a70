// Tun against the kernel, in a network namespace that this process makes for itself; skipped, and
// said so, where it may not make one. Errors that need no kernel are checked everywhere.
#include "rapport/device/tun.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/ipv4.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::device {
namespace {

const Cidr kHost{IpAddress::v4(10, 77, 0, 1), 24};

TunConfig config(std::string name = "rtun0") {
  return {.name = std::move(name), .host = kHost, .mtu = 1400, .queue_length = 5000};
}

class TunInNamespace : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    isolated_ = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  }

  void SetUp() override {
    if (!isolated_) GTEST_SKIP() << "may not make a network namespace";
    if (::access("/dev/net/tun", R_OK | W_OK) != 0)
      GTEST_SKIP() << "/dev/net/tun is not open to us";
    inet_ = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }

  ifreq ask(unsigned long what, const char* name) {
    ifreq r{};
    std::strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    EXPECT_EQ(::ioctl(inet_.get(), what, &r), 0) << name;
    return r;
  }

  void take_down(const char* name) {
    ifreq r = ask(SIOCGIFFLAGS, name);
    r.ifr_flags = static_cast<short>(r.ifr_flags & ~IFF_UP);
    EXPECT_EQ(::ioctl(inet_.get(), SIOCSIFFLAGS, &r), 0);
  }

  static inline bool isolated_ = false;
  Descriptor inet_;
};

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
    c.host = host;
    const auto tun = make_tun(c);
    ASSERT_FALSE(tun.has_value());
    EXPECT_EQ(tun.error().fault, TunFault::AddressInvalid);
  }
  TunConfig c = config();
  c.mtu = 67;
  EXPECT_EQ(make_tun(c).error().fault, TunFault::MtuInvalid);
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

TEST_F(TunInNamespace, NeverTouchesAnInterfaceThatIsThere) {
  const auto first = make_tun(config());
  ASSERT_TRUE(first.has_value()) << first.error().text;
  TunConfig same = config();
  same.host = {IpAddress::v4(10, 78, 0, 1), 24};
  const auto second = make_tun(same);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NameTaken) << second.error().text;
  const auto loopback = make_tun({.name = "lo", .host = same.host});
  ASSERT_FALSE(loopback.has_value());
  EXPECT_EQ(loopback.error().fault, TunFault::NameTaken) << loopback.error().text;
  EXPECT_EQ(ask(SIOCGIFMTU, "rtun0").ifr_mtu, 1400);
}

TEST_F(TunInNamespace, NeverTakesANetworkThatIsThere) {
  const auto first = make_tun(config());
  ASSERT_TRUE(first.has_value()) << first.error().text;
  TunConfig wide = config("rtun1");
  wide.host = {IpAddress::v4(10, 0, 0, 1), 8};
  const auto second = make_tun(wide);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, TunFault::NetworkTaken) << second.error().text;
  EXPECT_EQ(::if_nametoindex("rtun1"), 0U);
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

TEST_F(TunInNamespace, AnInterfaceThatIsDownLosesFramesAndIsNotFatal) {
  FramePool pool(64, 2048);
  const auto tun = make_tun(config());
  ASSERT_TRUE(tun.has_value()) << tun.error().text;
  take_down("rtun0");
  std::array<Frame, 1> frame;
  frame[0] = pool.allocate(64);
  frame[0].reshape(64, 40);
  std::memset(frame[0].data(), 0, 40);
  frame[0].data()[0] = 0x45;
  EXPECT_EQ((*tun)->send(frame), 1U);
  EXPECT_EQ((*tun)->counters().write_errors, 1U);
  EXPECT_FALSE((*tun)->gone());
}

}  // namespace
}  // namespace rapport::device
