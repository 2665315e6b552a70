// Tap: like Tun, but an Ethernet interface (IFF_TAP, IFF_NO_PI): frames carry Ethernet headers, and
// the kernel's address resolution and neighbour discovery ask for us. Answering them is the stack's
// business. The kernel chooses the hardware address of its end; ours is the stack's to choose.
// With IPv6 the kernel has a link-local address there too, as on any Ethernet.
#pragma once

#include "rapport/base/mac.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/device/tun.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

namespace rapport::device {

// Makes the interface. On an error nothing is left behind.
[[nodiscard]] std::expected<std::unique_ptr<PacketFd>, TunError> make_tap(const TunConfig& config);

// A locally administered unicast address (IEEE 802-2014 8.4): the same for the same seed; without
// one drawn from getrandom(2), and none when there is no entropy.
[[nodiscard]] std::optional<MacAddress> draw_mac(std::optional<uint64_t> seed);

}  // namespace rapport::device
