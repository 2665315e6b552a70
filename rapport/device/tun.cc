// Tun: the interface is made by ioctl on /dev/net/tun and configured over rtnetlink. It is not
// persistent: the kernel deletes it when the descriptor is closed, however the process ends.
#include "rapport/device/tun.hh"

#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/link_settings.hh"
#include "rapport/device/packet_fd.hh"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace rapport::device {
namespace {

constexpr const char* kNode = "/dev/net/tun";

std::unexpected<TunError> fault(TunFault what, int code, std::string text) {
  return std::unexpected(TunError{what, code, std::move(text)});
}

std::string reason(int code) {
  return std::system_category().message(code);
}

bool is_usable_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return std::ranges::all_of(
      name, [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%'; });
}

std::optional<TunError> check(const TunConfig& config) {
  const IpAddress& host = config.host.address;
  if (!is_usable_name(config.name)) {
    return TunError{TunFault::NameInvalid, 0,
                    "'" + config.name + "' is no name for an interface: 1 to 15 letters, digits, "
                                        "'-', '_' or '.'"};
  }
  if (!host.is_v4() || host.is_unspecified() || host.is_multicast() || host.is_loopback()
      || host.is_reserved_or_broadcast() || config.host.prefix == 0 || config.host.prefix > 31) {
    return TunError{TunFault::AddressInvalid, 0,
                    to_string(host) + "/" + std::to_string(config.host.prefix)
                        + " cannot be the host's address on a TUN: an IPv4 unicast address with a "
                          "prefix of 1 to 31 is needed"};
  }
  if (config.mtu < 68 || config.mtu > 65535) {
    return TunError{TunFault::MtuInvalid, 0,
                    "an MTU of " + std::to_string(config.mtu) + " is out of bounds: 68 to 65535"};
  }
  return std::nullopt;
}

// The IPv4 address in `from` in host order.
uint32_t v4_of(const sockaddr* from) {
  sockaddr_in in{};
  std::memcpy(&in, from, sizeof(in));
  return ntohl(in.sin_addr.s_addr);
}

// The first network of this namespace that overlaps `wanted`, in words; empty when there is none.
std::string overlapping(const Cidr& wanted) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> keeper(list, &::freeifaddrs);
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_netmask == nullptr || i->ifa_addr->sa_family != AF_INET) {
      continue;
    }
    const Cidr there{IpAddress::v4(v4_of(i->ifa_addr)),
                     static_cast<uint8_t>(std::popcount(v4_of(i->ifa_netmask)))};
    if (there.contains(wanted.address) || wanted.contains(there.address)) {
      return to_string(there.address) + "/" + std::to_string(there.prefix) + " of interface "
             + i->ifa_name;
    }
  }
  return {};
}

std::unexpected<TunError> cannot_open(int code) {
  const std::string node = kNode;
  switch (code) {
    case ENOENT:
      return fault(TunFault::NoDeviceNode, code,
                   node + " is missing: load the driver ('modprobe tun'), or give the container "
                          "the device (--device " + node + ")");
    case ENXIO:
    case ENODEV:
      return fault(TunFault::NoDriver, code,
                   node + " is there but the kernel has no tun driver behind it: 'modprobe tun'");
    case EACCES:
    case EPERM:
      return fault(TunFault::NotPermitted, code,
                   "no permission to open " + node + ": run as root, or make the node readable and "
                   "writable for this user and give the program CAP_NET_ADMIN");
    default: return fault(TunFault::Kernel, code, "cannot open " + node + ": " + reason(code));
  }
}

std::unexpected<TunError> cannot_make(const std::string& name, int code) {
  switch (code) {
    case EBUSY:
    case EEXIST:
    case EINVAL:  // the name belongs to an interface of another kind
      return fault(TunFault::NameTaken, code,
                   "an interface named '" + name + "' is there already: choose another name");
    case EPERM:
    case EACCES:
      return fault(TunFault::NotPermitted, code,
                   "no permission to make the TUN interface '" + name
                       + "': it takes the capability CAP_NET_ADMIN (run as root, or 'setcap "
                         "cap_net_admin+ep' on the program)");
    default:
      return fault(TunFault::Kernel, code,
                   "cannot make the TUN interface '" + name + "': " + reason(code));
  }
}

}  // namespace

std::expected<std::unique_ptr<PacketFd>, TunError> make_tun(const TunConfig& config) {
  if (auto wrong = check(config)) return std::unexpected(std::move(*wrong));
  Descriptor fd(::open(kNode, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return cannot_open(errno);
  if (const std::string other = overlapping(config.host); !other.empty()) {
    return fault(TunFault::NetworkTaken, 0,
                 "the network of " + to_string(config.host.address) + "/"
                     + std::to_string(config.host.prefix) + " overlaps " + other
                     + ": choose another network");
  }
  ifreq request{};
  std::memcpy(request.ifr_name, config.name.data(), config.name.size());
  // IFF_TUN_EXCL: fail with EBUSY where TUNSETIFF would else attach to an interface that is there.
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return cannot_make(config.name, errno);

  const LinkSettings settings{config.name, config.mtu, config.queue_length, config.host};
  if (const LinkFailure failure = configure_link(settings); failure.code != 0) {
    return fault(failure.code == EPERM ? TunFault::NotPermitted : TunFault::Kernel, failure.code,
                 std::string("cannot ") + failure.step + " the TUN interface '" + config.name
                     + "': " + reason(failure.code));
  }
  return std::make_unique<PacketFd>(std::move(fd));
}

}  // namespace rapport::device
