// Kernel: the Linux kernel as the side under test: a network namespace that this process makes for
// itself, a TUN in it, and one loop that plays many sequences at the same time, in real time.
#pragma once

#include "host.hh"
#include "player.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/packet_fd.hh"
#include "sequence.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rapport::differential {

// The ends of the n-th sequence: a peer and a port of its own.
[[nodiscard]] Ends ends_of(uint8_t family, uint32_t n);

class Kernel {
 public:
  // Why this machine cannot do it, in words.
  static std::expected<std::unique_ptr<Kernel>, std::string> make();

  // The answers to each sequence. The error: what went wrong, e.g. a machine that is too busy to
  // measure what a delay is.
  [[nodiscard]] std::expected<std::vector<std::vector<Answer>>, std::string> play(
      const std::vector<Sequence>& all);

  // How many sequences had to be played again because this process had been kept waiting.
  [[nodiscard]] uint32_t repeated() const { return repeated_; }

 private:
  Kernel(std::unique_ptr<device::PacketFd> tun, device::Descriptor diag);
  struct Play;
  struct Run;
  void drain(Run& run);
  void begins(Run& run, size_t which);
  void advances(Run& run);

  std::unique_ptr<device::PacketFd> tun_;
  device::Descriptor diag_;  // NETLINK_SOCK_DIAG: states
  uint32_t played_ = 0, repeated_ = 0;
};

}  // namespace rapport::differential
