// PacketFd: a device on any descriptor that keeps packets apart, one packet per read and per write:
// a TUN, a TAP, or a socket pair of AF_UNIX SOCK_SEQPACKET or SOCK_DGRAM. Makes the descriptor
// non-blocking and owns it. Which packets and whose network is not its business.
#pragma once

#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

namespace rapport::device {

class PacketFd final : public Device {
 public:
  explicit PacketFd(Descriptor fd, Link link = Link::Ip);

  [[nodiscard]] size_t receive(FramePool& pool, std::span<Frame> into,
                               const BurstLimit& limit) override;
  [[nodiscard]] size_t send(std::span<Frame> burst) override;

  [[nodiscard]] int fd() const override { return fd_.get(); }

  [[nodiscard]] bool gone() const override { return gone_; }

  [[nodiscard]] Link link() const override { return link_; }

  [[nodiscard]] const Counters& counters() const override { return counters_; }

 private:
  Descriptor fd_;
  Link link_;
  Counters counters_;
  bool gone_ = false;
};

}  // namespace rapport::device
