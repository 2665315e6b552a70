// HostInterface: what Tun and Tap share: the checks, the interface made by ioctl on /dev/net/tun,
// and its settings. It is not persistent: the kernel deletes it when the descriptor is closed,
// however the process ends. Private to device/.
#pragma once

#include "rapport/device/device.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/device/tun.hh"

#include <expected>
#include <memory>

namespace rapport::device {

// Link::Ip: a TUN. Link::Ethernet: a TAP.
[[nodiscard]] std::expected<std::unique_ptr<PacketFd>, TunError> make_host_interface(
    const TunConfig& config, Link link);

}  // namespace rapport::device
