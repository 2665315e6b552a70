// rtnetlink requests for one interface, and what is there: addresses and routes. See
// link_settings.hh.
#include "rapport/device/link_settings.hh"

#include "rapport/base/address.hh"
#include "rapport/device/netlink.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace rapport::device {
namespace {

ifinfomsg link_body(int index) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  return body;
}

int set_lengths(const Netlink& netlink, int index, const LinkSettings& settings) {
  NetlinkRequest r(RTM_NEWLINK, NLM_F_ACK, link_body(index));
  r.attribute(IFLA_MTU, settings.mtu);
  r.attribute(IFLA_TXQLEN, settings.queue_length);
  return netlink.ask(r);
}

// Without a link-local address there are no router solicitations, nor multicast reports from it.
int keep_link_local_off(const Netlink& netlink, int index) {
  NetlinkRequest r(RTM_NEWLINK, NLM_F_ACK, link_body(index));
  const size_t families = r.open(IFLA_AF_SPEC | NLA_F_NESTED);
  const size_t inet6 = r.open(AF_INET6 | NLA_F_NESTED);
  r.attribute(IFLA_INET6_ADDR_GEN_MODE, uint8_t{IN6_ADDR_GEN_MODE_NONE});
  r.close(inet6);
  r.close(families);
  const int e = netlink.ask(r);
  // A kernel without IPv6: there is nothing to keep off.
  return e == EAFNOSUPPORT || e == EOPNOTSUPP ? 0 : e;
}

int add_address(const Netlink& netlink, int index, const Cidr& address) {
  const bool is_v4 = address.address.is_v4();
  ifaddrmsg body{};
  body.ifa_family = is_v4 ? AF_INET : AF_INET6;
  body.ifa_prefixlen = address.prefix;
  body.ifa_index = static_cast<uint32_t>(index);
  NetlinkRequest r(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, body);
  const auto octets = std::span(address.address.octets).subspan(is_v4 ? 12 : 0);
  r.attribute(IFA_LOCAL, octets);
  r.attribute(IFA_ADDRESS, octets);
  if (!is_v4) r.attribute(IFA_FLAGS, uint32_t{IFA_F_NODAD});
  return netlink.ask(r);
}

int add_addresses(const Netlink& netlink, int index, const std::vector<Cidr>& addresses, bool v4) {
  for (const Cidr& address : addresses) {
    if (address.address.is_v4() != v4) continue;
    if (const int e = add_address(netlink, index, address)) return e;
  }
  return 0;
}

int bring_up(const Netlink& netlink, int index) {
  ifinfomsg body = link_body(index);
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  NetlinkRequest r(RTM_NEWLINK, NLM_F_ACK, body);
  return netlink.ask(r);
}

// --- what is there ------------------------------------------------------------------------------

IpAddress address_of(std::span<const uint8_t> octets) {
  if (octets.size() == 4) return IpAddress::v4(octets[0], octets[1], octets[2], octets[3]);
  IpAddress address;
  std::copy_n(octets.begin(), std::min(octets.size(), address.octets.size()),
              address.octets.begin());
  return address;
}

// The value of an attribute, empty when it is not there.
std::span<const uint8_t> attribute_of(const nlmsghdr* message, size_t body, uint16_t wanted) {
  const auto* at = static_cast<const uint8_t*>(NLMSG_DATA(message)) + NLMSG_ALIGN(body);
  const auto* end = reinterpret_cast<const uint8_t*>(message) + message->nlmsg_len;
  while (end - at >= static_cast<ptrdiff_t>(sizeof(rtattr))) {
    rtattr a{};
    std::memcpy(&a, at, sizeof(a));
    if (a.rta_len < sizeof(a) || a.rta_len > end - at) break;
    if ((a.rta_type & NLA_TYPE_MASK) == wanted) return {at + sizeof(a), at + a.rta_len};
    at += std::min<ptrdiff_t>(RTA_ALIGN(a.rta_len), end - at);
  }
  return {};
}

uint32_t number_of(std::span<const uint8_t> octets) {
  uint32_t n = 0;
  if (octets.size() == sizeof(n)) std::memcpy(&n, octets.data(), sizeof(n));
  return n;
}

std::string name_of(uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return index != 0 && ::if_indextoname(index, name.data()) != nullptr ? name.data() : "";
}

bool is_everywhere(const Cidr& network) {
  const auto& o = network.address.octets;
  const bool v6_link_local = o[0] == 0xfe && (o[1] & 0xc0) == 0x80;
  return network.prefix == 0 || network.address.is_multicast() || v6_link_local;
}

void take_address(const nlmsghdr* message, std::vector<NetworkThere>& into) {
  ifaddrmsg body{};
  std::memcpy(&body, NLMSG_DATA(message), sizeof(body));
  auto octets = attribute_of(message, sizeof(body), IFA_LOCAL);
  if (octets.empty()) octets = attribute_of(message, sizeof(body), IFA_ADDRESS);
  if (octets.empty()) return;
  into.push_back({{address_of(octets), body.ifa_prefixlen}, name_of(body.ifa_index)});
}

void take_route(const nlmsghdr* message, std::vector<NetworkThere>& into) {
  rtmsg body{};
  std::memcpy(&body, NLMSG_DATA(message), sizeof(body));
  const bool is_ip = body.rtm_family == AF_INET || body.rtm_family == AF_INET6;
  const auto octets = attribute_of(message, sizeof(body), RTA_DST);
  if (!is_ip || body.rtm_table != RT_TABLE_MAIN || octets.empty()) return;
  const uint32_t index = number_of(attribute_of(message, sizeof(body), RTA_OIF));
  into.push_back({{address_of(octets), body.rtm_dst_len}, name_of(index)});
}

// The kernel takes packets for one of its IPv6 addresses once there is a local route, which a
// worker of its own makes some time after the address was acknowledged. What comes before is
// dropped.
bool is_taken_for_us(const Netlink& netlink, const IpAddress& address) {
  bool found = false;
  rtmsg body{};
  body.rtm_family = AF_INET6;
  NetlinkRequest r(RTM_GETROUTE, NLM_F_DUMP, body);
  const auto look = [&](const nlmsghdr* message) {
    rtmsg route{};
    std::memcpy(&route, NLMSG_DATA(message), sizeof(route));
    if (route.rtm_type != RTN_LOCAL) return;
    const auto octets = attribute_of(message, sizeof(route), RTA_DST);
    found = found || (octets.size() == 16 && address_of(octets) == address);
  };
  return netlink.dump(r, look) != 0 || found;
}

// At most a second in all: an address that does not become usable in it is the kernel's to explain.
void wait_until_usable(const Netlink& netlink, const std::vector<Cidr>& addresses) {
  constexpr int kLooks = 200;
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 5'000'000};
  int looks = 0;
  for (const Cidr& address : addresses) {
    if (address.address.is_v4()) continue;
    for (; looks < kLooks && !is_taken_for_us(netlink, address.address); ++looks) {
      (void)::nanosleep(&kPause, nullptr);
    }
  }
}

}  // namespace

LinkFailure configure_link(const LinkSettings& settings) {
  const Netlink netlink;
  if (netlink.failure() != 0) return {"reach rtnetlink to configure", netlink.failure()};
  const auto index = static_cast<int>(::if_nametoindex(settings.name.c_str()));
  if (index == 0) return {"find", errno};
  if (const int e = set_lengths(netlink, index, settings)) {
    return {"set MTU and queue length of", e};
  }
  if (const int e = settings.link_local ? 0 : keep_link_local_off(netlink, index)) {
    return {"keep IPv6 off", e};
  }
  if (const int e = add_addresses(netlink, index, settings.addresses, true)) {
    return {"give an IPv4 address to", e};
  }
  if (const int e = bring_up(netlink, index)) return {"bring up", e};
  // Their routes are made with an interface that is up.
  if (const int e = add_addresses(netlink, index, settings.addresses, false)) {
    return {"give an IPv6 address to", e};
  }
  wait_until_usable(netlink, settings.addresses);
  return {};
}

std::expected<std::vector<NetworkThere>, int> networks_there() {
  const Netlink netlink;
  if (netlink.failure() != 0) return std::unexpected(netlink.failure());
  std::vector<NetworkThere> there;
  NetlinkRequest addresses(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  if (const int e = netlink.dump(addresses, [&](const nlmsghdr* m) { take_address(m, there); })) {
    return std::unexpected(e);
  }
  NetlinkRequest routes(RTM_GETROUTE, NLM_F_DUMP, rtmsg{});
  if (const int e = netlink.dump(routes, [&](const nlmsghdr* m) { take_route(m, there); })) {
    return std::unexpected(e);
  }
  std::erase_if(there, [](const NetworkThere& n) { return is_everywhere(n.network); });
  return there;
}

}  // namespace rapport::device
