// Tun: a Linux TUN interface of our own: made, given an address and brought up here, and gone when
// the object is. The kernel at its other end is our peer and the way to its applications.
// An interface, address or network that is already there is never touched: the name must be free
// and the network must not overlap one that this network namespace has. Plain IPv4 packets
// (IFF_TUN, IFF_NO_PI), no offloads: the kernel hands out whole packets with finished checksums.
// Packets themselves are PacketFd's business.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/device/packet_fd.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

namespace rapport::device {

struct TunConfig {
  std::string name;               // 1 to 15 characters
  Cidr host;                      // the kernel's address on the interface, and the network
  uint32_t mtu = 1500;            // 68 (RFC 791) to 65535
  uint32_t queue_length = 10000;  // packets that the kernel keeps for us
};

enum class TunFault : uint8_t {
  NameInvalid,     // empty, too long, or with characters that the kernel does not take
  NameTaken,       // an interface of that name is there already
  NetworkTaken,    // the network overlaps one that is there already
  AddressInvalid,  // not an IPv4 address that a host may have
  MtuInvalid,
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
