// A loopback of our own: a network namespace, its MTU and its segmentation offload.
#include "couple.hh"
#include "work.hh"

#include <cstdint>
#include <cstring>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::bench {

namespace {

ifreq request_for_lo() {
  ifreq r{};
  std::memcpy(r.ifr_name, "lo", 3);
  return r;
}

bool ethtool(int fd, uint32_t command, bool on) {
  ethtool_value v{};
  v.cmd = command;
  v.data = on ? 1 : 0;
  ifreq r = request_for_lo();
  r.ifr_data = reinterpret_cast<char*>(&v);
  return ::ioctl(fd, SIOCETHTOOL, &r) == 0;
}

}  // namespace

bool enter_own_loopback() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(fd >= 0, "a socket");
  ifreq r = request_for_lo();
  require(::ioctl(fd, SIOCGIFFLAGS, &r) == 0, "lo's flags");
  r.ifr_flags = static_cast<int16_t>(r.ifr_flags | IFF_UP);
  require(::ioctl(fd, SIOCSIFFLAGS, &r) == 0, "lo up");
  ::close(fd);
  return true;
}

void set_loopback(uint32_t mtu, bool offload) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(fd >= 0, "a socket");
  ifreq r = request_for_lo();
  r.ifr_mtu = static_cast<int>(mtu);
  require(::ioctl(fd, SIOCSIFMTU, &r) == 0, "lo's MTU");
  require(ethtool(fd, ETHTOOL_STSO, offload), "lo's TSO");
  require(ethtool(fd, ETHTOOL_SGSO, offload), "lo's GSO");
  ::close(fd);
}

}  // namespace rapport::bench
