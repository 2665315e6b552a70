// KernelHost: the kernel as one sequence sees it: packets through the TUN, calls as system calls on
// non-blocking sockets, states as inet_diag tells them.
#pragma once

#include "host.hh"
#include "rapport/device/descriptor.hh"

#include <cstdint>
#include <span>
#include <string>

namespace rapport::differential {

class KernelHost final : public Host {
 public:
  // The descriptors are the Kernel's and must outlive it.
  KernelHost(const Ends& ends, int tun, int diag) : ends_(ends), tun_(tun), diag_(diag) {}

  KernelHost(const KernelHost&) = delete;
  KernelHost& operator=(const KernelHost&) = delete;
  ~KernelHost() override;

  void packet(std::span<const uint8_t> octets) override;
  std::string state() override;
  uint32_t unread() override;

 private:
  [[nodiscard]] device::Descriptor socket() const;
  std::string opens(const std::string& what) override;
  std::string sends(uint32_t octets, bool urgent) override;
  std::string reads() override;
  std::string error() override;
  std::string closes(const std::string& what) override;
  void aborts();
  void sets_option(const std::string& what, uint32_t number) override;
  void applies_options(int fd) const;

  Ends ends_;
  int tun_, diag_;
  device::Descriptor listener_, connection_;
  bool no_delay_ = false;
  uint32_t keep_alive_ = 0;  // seconds, 0: off
};

}  // namespace rapport::differential
