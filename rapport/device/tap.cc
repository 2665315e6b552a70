// Tap: the interface is host_interface.cc's; the address is drawn here.
#include "rapport/device/tap.hh"

#include "rapport/base/mac.hh"
#include "rapport/base/random.hh"
#include "rapport/device/host_interface.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/device/tun.hh"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>

#include <sys/random.h>
#include <sys/types.h>

namespace rapport::device {

std::expected<std::unique_ptr<PacketFd>, TunError> make_tap(const TunConfig& config) {
  return make_host_interface(config, Link::Ethernet);
}

std::optional<MacAddress> draw_mac(std::optional<uint64_t> seed) {
  MacAddress mac;
  if (seed) {
    const uint64_t drawn = Random(*seed).next();
    std::memcpy(mac.octets.data(), &drawn, mac.octets.size());
  } else {
    ssize_t n = -1;
    do {
      n = ::getrandom(mac.octets.data(), mac.octets.size(), 0);
    } while (n < 0 && errno == EINTR);
    if (n != static_cast<ssize_t>(mac.octets.size())) return std::nullopt;
  }
  mac.octets[0] = static_cast<uint8_t>((mac.octets[0] | 0x02U) & ~0x01U);
  return mac;
}

}  // namespace rapport::device
