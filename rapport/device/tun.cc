// Tun: all of it is host_interface.cc's.
#include "rapport/device/tun.hh"

#include "rapport/device/device.hh"
#include "rapport/device/host_interface.hh"
#include "rapport/device/packet_fd.hh"

#include <expected>
#include <memory>

namespace rapport::device {

std::expected<std::unique_ptr<PacketFd>, TunError> make_tun(const TunConfig& config) {
  return make_host_interface(config, Link::Ip);
}

}  // namespace rapport::device
