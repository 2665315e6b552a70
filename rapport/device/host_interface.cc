// The interface is made by ioctl and configured over rtnetlink. See host_interface.hh.
#include "rapport/device/host_interface.hh"

#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/link_settings.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/device/tun.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

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

bool has_ipv6(const TunConfig& config) {
  return std::ranges::any_of(config.hosts, [](const Cidr& c) { return !c.address.is_v4(); });
}

std::string text_of(const Cidr& c) {
  return to_string(c.address) + "/" + std::to_string(c.prefix);
}

// What is wrong with a host's address, in words; empty when nothing is.
std::string wrong_with(const Cidr& c) {
  const IpAddress& a = c.address;
  const unsigned longest = a.is_v4() ? 31 : 127;
  if (!a.is_unspecified() && !a.is_multicast() && !a.is_loopback() && !a.is_reserved_or_broadcast()
      && c.prefix > 0 && c.prefix <= longest) {
    return {};
  }
  return text_of(c)
         + " cannot be the host's address there: a unicast address with a prefix of 1 to "
         + std::to_string(longest) + " is needed";
}

std::optional<TunError> check_addresses(const std::vector<Cidr>& hosts) {
  if (hosts.empty())
    return TunError{TunFault::AddressInvalid, 0, "the host needs an address there"};
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (std::string wrong = wrong_with(hosts[i]); !wrong.empty()) {
      return TunError{TunFault::AddressInvalid, 0, std::move(wrong)};
    }
    for (size_t j = 0; j < i; ++j) {
      if (hosts[i].address == hosts[j].address) {
        return TunError{TunFault::AddressInvalid, 0,
                        "the host's address " + to_string(hosts[i].address) + " is given twice"};
      }
    }
  }
  return std::nullopt;
}

std::optional<TunError> check_mtu(const TunConfig& config, Link link) {
  constexpr uint32_t kEthernetHeader = 14;
  const bool v6 = has_ipv6(config);
  const uint32_t least = v6 ? 1280 : 68;
  const uint32_t most = 65535 - (link == Link::Ethernet ? kEthernetHeader : 0);
  if (config.mtu >= least && config.mtu <= most) return std::nullopt;
  return TunError{TunFault::MtuInvalid, 0,
                  "an MTU of " + std::to_string(config.mtu)
                      + " is out of bounds: " + std::to_string(least) + " to "
                      + std::to_string(most) + (v6 ? " with IPv6" : "")};
}

std::optional<TunError> check(const TunConfig& config, Link link) {
  if (!is_usable_name(config.name)) {
    return TunError{TunFault::NameInvalid, 0,
                    "'" + config.name + "' is no name for an interface: 1 to 15 letters, digits, "
                                        "'-', '_' or '.'"};
  }
  if (auto wrong = check_addresses(config.hosts)) return wrong;
  return check_mtu(config, link);
}

// The first of the wanted networks that overlaps one of this namespace, if any does.
std::optional<TunError> check_networks(const std::vector<Cidr>& wanted) {
  const auto there = networks_there();
  if (!there) {
    return TunError{TunFault::Kernel, there.error(),
                    "cannot ask the kernel for its networks: " + reason(there.error())};
  }
  for (const Cidr& host : wanted) {
    for (const auto& [network, interface] : *there) {
      if (host.address.is_v4() != network.address.is_v4()) continue;
      if (!network.contains(host.address) && !host.contains(network.address)) continue;
      return TunError{TunFault::NetworkTaken, 0,
                      "the network of " + text_of(host) + " overlaps " + text_of(network)
                          + (interface.empty() ? "" : " of interface " + interface)
                          + ": choose another network (--address CIDR, and another --tun NAME)"};
    }
  }
  return std::nullopt;
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
                   "no permission to open " + node + ": run as root, or make the node "
                   "readable and writable for this user and give the program CAP_NET_ADMIN");
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
                   "no permission to make the interface '" + name
                       + "': it takes the capability CAP_NET_ADMIN: run as root, or 'setcap cap_net_admin+ep' on the program");
    default:
      return fault(TunFault::Kernel, code,
                   "cannot make the interface '" + name + "': " + reason(code));
  }
}

std::unexpected<TunError> cannot_configure(const TunConfig& config, const LinkFailure& failure) {
  const std::string what =
      std::string("cannot ") + failure.step + " the interface '" + config.name + "': ";
  switch (failure.code) {
    case EPERM: return fault(TunFault::NotPermitted, failure.code, what + reason(failure.code));
    case EACCES:  // net.ipv6.conf.*.disable_ipv6
    case EAFNOSUPPORT:
    case EOPNOTSUPP:
      return fault(TunFault::NoIpv6, failure.code,
                   what + "IPv6 is switched off here ('sysctl net.ipv6.conf.default.disable_ipv6=0' "
                          "switches it on), or leave the IPv6 addresses out");
    default: return fault(TunFault::Kernel, failure.code, what + reason(failure.code));
  }
}

}  // namespace

std::expected<std::unique_ptr<PacketFd>, TunError> make_host_interface(const TunConfig& config,
                                                                       Link link) {
  if (auto wrong = check(config, link)) return std::unexpected(std::move(*wrong));
  Descriptor fd(::open(kNode, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return cannot_open(errno);
  if (auto taken = check_networks(config.hosts)) return std::unexpected(std::move(*taken));
  const bool ethernet = link == Link::Ethernet;
  ifreq request{};
  std::memcpy(request.ifr_name, config.name.data(), config.name.size());
  // IFF_TUN_EXCL: fail with EBUSY where TUNSETIFF would else attach to an interface that is there.
  request.ifr_flags = static_cast<short>((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return cannot_make(config.name, errno);

  const LinkSettings settings{.name = config.name,
                              .mtu = config.mtu,
                              .queue_length = config.queue_length,
                              .link_local = ethernet && has_ipv6(config),
                              .addresses = config.hosts};
  if (const LinkFailure failure = configure_link(settings); failure.code != 0) {
    return cannot_configure(config, failure);
  }
  return std::make_unique<PacketFd>(std::move(fd), link);
}

}  // namespace rapport::device
