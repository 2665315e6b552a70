// Tun: a Linux TUN interface of our own: made, given addresses and brought up here, and gone when
// the object is. The kernel at its other end is our peer and the way to its applications.
// An interface, address or route that is already there is never touched: the name must be free and
// no network may overlap one that this network namespace has an address in or a route to. Plain IP
// packets (IFF_TUN, IFF_NO_PI), no offloads: the kernel hands out whole packets with finished
// checksums. Packets themselves are PacketFd's business.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/device/packet_fd.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace rapport::device {

// Of a TUN or a TAP.
struct TunConfig {
  std::string name;         // 1 to 15 characters
  std::vector<Cidr> hosts;  // the kernel's addresses there, of either family, and the networks
  uint32_t mtu = 1500;      // 68 (RFC 791), with IPv6 1280 (RFC 8200), to 65535
  uint32_t queue_length = 10000;  // packets that the kernel keeps for us
};

enum class TunFault : uint8_t {
  NameInvalid,     // empty, too long, or with characters that the kernel does not take
  NameTaken,       // an interface of that name is there already
  NetworkTaken,    // a network overlaps one that is there already
  AddressInvalid,  // not an address that a host may have, twice the same, or none at all
  MtuInvalid,
  NoIpv6,        // an IPv6 address is asked for, and the kernel has it switched off
  NoDeviceNode,  // /dev/net/tun is missing
  NoDriver,      // the node is there, the kernel's tun driver is not
  NotPermitted,  // the node is not readable, or CAP_NET_ADMIN is missing
  Kernel,        // anything else: see `code`
};

struct TunError {
  TunFault fault = TunFault::Kernel;
  int code = 0;      // the kernel's errno, 0 when it was not asked
  std::string text;  // one line for people: what is wrong and how to mend it
};

// Makes the interface. On an error nothing is left behind.
[[nodiscard]] std::expected<std::unique_ptr<PacketFd>, TunError> make_tun(const TunConfig& config);

}  // namespace rapport::device
