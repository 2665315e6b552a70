// A network namespace that this process makes for itself, once, for the tests against the kernel;
// tests are skipped, and say so, where it may not make one.
#pragma once

#include "rapport/device/descriptor.hh"
#include "rapport/device/netlink.hh"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::test {

class InNamespace : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!isolated_) {
      isolated_ = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    }
  }

  void SetUp() override {
    if (!isolated_) GTEST_SKIP() << "may not make a network namespace";
    if (::access("/dev/net/tun", R_OK | W_OK) != 0)
      GTEST_SKIP() << "/dev/net/tun is not open to us";
    inet_ = device::Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }

  ifreq ask(unsigned long what, const char* name) {
    ifreq r{};
    std::strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    EXPECT_EQ(::ioctl(inet_.get(), what, &r), 0) << name;
    return r;
  }

  void set_up(const char* name, bool up) {
    ifreq r = ask(SIOCGIFFLAGS, name);
    r.ifr_flags =
        static_cast<short>(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~static_cast<short>(IFF_UP));
    EXPECT_EQ(::ioctl(inet_.get(), SIOCSIFFLAGS, &r), 0);
  }

  static void delete_link(const char* name) {
    const device::Netlink netlink;
    ifinfomsg body{};
    body.ifi_index = static_cast<int>(::if_nametoindex(name));
    device::NetlinkRequest r(RTM_DELLINK, NLM_F_ACK, body);
    EXPECT_EQ(netlink.ask(r), 0);
  }

  // The kernel's IPv6 addresses on an interface, as "fd00...01 40 82": address, prefix length and
  // flags in hexadecimal digits.
  static std::set<std::string> ipv6_addresses(const std::string& name) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/net/if_inet6", "re"),
                                                     &std::fclose);
    std::set<std::string> lines;
    std::array<char, 33> address{};
    std::array<char, 17> interface{};
    unsigned prefix = 0;
    unsigned flags = 0;
    while (file
           && std::fscanf(file.get(), "%32s %*x %x %*x %x %16s", address.data(), &prefix, &flags,
                          interface.data())
                  == 4) {
      if (name != interface.data()) continue;
      std::array<char, 64> line{};
      (void)std::snprintf(line.data(), line.size(), "%s %x %x", address.data(), prefix, flags);
      lines.insert(line.data());
    }
    return lines;
  }

  static inline bool isolated_ = false;
  device::Descriptor inet_;
};

}  // namespace rapport::test
