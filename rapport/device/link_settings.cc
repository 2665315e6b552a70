// rtnetlink requests for one interface: each is sent alone and its acknowledgement awaited.
#include "rapport/device/link_settings.hh"

#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/types.h>

namespace rapport::device {
namespace {

// One netlink message under construction; attributes are appended behind a fixed body.
class Request {
 public:
  template <class Body>
  Request(uint16_t type, uint16_t flags, const Body& body) {
    header_.nlmsg_type = type;
    header_.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header_.nlmsg_seq = 1;
    length_ = sizeof(header_);
    put(&body, sizeof(body));
  }

  template <class Value>
  void attribute(uint16_t type, const Value& value) {
    const rtattr a{static_cast<uint16_t>(RTA_LENGTH(sizeof(value))), type};
    put(&a, sizeof(a));
    put(&value, sizeof(value));
  }

  // A nested attribute: open, append, close with what open gave.
  size_t open(uint16_t type) {
    const size_t at = length_;
    const rtattr a{0, type};
    put(&a, sizeof(a));
    return at;
  }

  void close(size_t at) {
    rtattr a{};
    std::memcpy(&a, &bytes_.at(at), sizeof(a));
    a.rta_len = static_cast<uint16_t>(length_ - at);
    std::memcpy(&bytes_.at(at), &a, sizeof(a));
  }

  // Sends it and returns the kernel's errno, 0 when it agreed.
  int exchange(int socket) {
    header_.nlmsg_len = static_cast<uint32_t>(length_);
    std::memcpy(bytes_.data(), &header_, sizeof(header_));
    if (::send(socket, bytes_.data(), length_, 0) < 0) return errno;
    std::array<char, 4096> answer{};
    const ssize_t got = ::recv(socket, answer.data(), answer.size(), 0);
    if (got < 0) return errno;
    nlmsghdr reply{};
    nlmsgerr error{};
    if (static_cast<size_t>(got) < sizeof(reply) + sizeof(error)) return EBADMSG;
    std::memcpy(&reply, answer.data(), sizeof(reply));
    if (reply.nlmsg_type != NLMSG_ERROR) return EBADMSG;
    std::memcpy(&error, &answer.at(sizeof(reply)), sizeof(error));
    return -error.error;
  }

 private:
  void put(const void* from, size_t n) {
    std::memcpy(&bytes_.at(length_), from, n);
    length_ = NLMSG_ALIGN(length_ + n);
  }

  nlmsghdr header_{};
  std::array<char, 512> bytes_{};
  size_t length_ = 0;
};

int set_lengths(int socket, int index, const LinkSettings& settings) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  Request r(RTM_NEWLINK, 0, body);
  r.attribute(IFLA_MTU, settings.mtu);
  r.attribute(IFLA_TXQLEN, settings.queue_length);
  return r.exchange(socket);
}

// No link-local address, so no router solicitations and multicast reports for a peer without IPv6.
int keep_ipv6_off(int socket, int index) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  Request r(RTM_NEWLINK, 0, body);
  const size_t families = r.open(IFLA_AF_SPEC | NLA_F_NESTED);
  const size_t inet6 = r.open(AF_INET6 | NLA_F_NESTED);
  r.attribute(IFLA_INET6_ADDR_GEN_MODE, uint8_t{IN6_ADDR_GEN_MODE_NONE});
  r.close(inet6);
  r.close(families);
  return r.exchange(socket);
}

int add_address(int socket, int index, const Cidr& address) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = address.prefix;
  body.ifa_index = static_cast<uint32_t>(index);
  std::array<uint8_t, 4> octets{};
  std::memcpy(octets.data(), &address.address.octets.at(12), octets.size());
  Request r(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  r.attribute(IFA_LOCAL, octets);
  r.attribute(IFA_ADDRESS, octets);
  return r.exchange(socket);
}

int bring_up(int socket, int index) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  Request r(RTM_NEWLINK, 0, body);
  return r.exchange(socket);
}

}  // namespace

LinkFailure configure_link(const LinkSettings& settings) {
  const Descriptor netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink) return {"reach rtnetlink to configure", errno};
  const auto index = static_cast<int>(::if_nametoindex(settings.name.c_str()));
  if (index == 0) return {"find", errno};
  if (const int e = set_lengths(netlink.get(), index, settings)) {
    return {"set MTU and queue length of", e};
  }
  // A kernel without IPv6 answers EAFNOSUPPORT or EOPNOTSUPP: then there is nothing to keep off.
  if (const int e = keep_ipv6_off(netlink.get(), index);
      e != 0 && e != EAFNOSUPPORT && e != EOPNOTSUPP) {
    return {"keep IPv6 off", e};
  }
  if (const int e = add_address(netlink.get(), index, settings.address)) {
    return {"give an address to", e};
  }
  if (const int e = bring_up(netlink.get(), index)) return {"bring up", e};
  return {};
}

}  // namespace rapport::device
