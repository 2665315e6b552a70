// Two shards in one process, back to back over a socket pair that keeps packets apart: real time,
// real descriptors, no root. Used by the tests of shard/ and socket/asio.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/shard/shard.hh"

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

#include <sys/socket.h>

namespace rapport::test {

inline const IpAddress kLeft = IpAddress::v4(10, 0, 0, 1);
inline const IpAddress kRight = IpAddress::v4(10, 0, 0, 2);

struct ShardPair {
  // `send_buffer`: of the socket pair, 0 for the kernel's default; a small one fills up quickly.
  explicit ShardPair(int send_buffer = 0, const tcp::Config& tcp = {}) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    for (const int fd : fds) {
      if (send_buffer != 0) {
        (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
      }
    }
    left = make(kLeft, fds[0], tcp, 1);
    right = make(kRight, fds[1], tcp, 2);
  }

  static std::unique_ptr<shard::Shard> make(const IpAddress& address, int fd,
                                            const tcp::Config& tcp, uint64_t seed) {
    shard::Config config;
    config.stack.interfaces[0].addresses = {{address, 24}};
    config.stack.tcp = tcp;
    config.seed = seed;
    auto made =
        shard::Shard::make(config, std::make_unique<device::PacketFd>(device::Descriptor(fd)));
    if (!made) throw std::runtime_error(made.error().step);
    return std::move(*made);
  }

  std::unique_ptr<shard::Shard> left, right;
};

}  // namespace rapport::test
