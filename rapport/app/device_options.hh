// The options that every verb on a real network shares: which interface is made and who has which
// address on it, and the Network that they describe: the device, a shard on it and an io_context
// whose thread is the shard's loop. Everything is checked before anything is made; nothing that
// exists is touched, and what was made goes with the Network.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/time.hh"
#include "rapport/device/fault.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/context.hh"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

namespace rapport::app {

// As they were typed; empty: not given.
struct DeviceOptions {
  std::string tun, tap;
  std::vector<std::string> addresses, host_addresses;
  std::string mtu = "1500";
  std::string pcap;
  std::string fault;
};

// Adds --tun, --tap, --address, --host-address, --mtu, --pcap and --fault to the verb. `into` must
// outlive it.
void add_device_options(CLI::App& verb, DeviceOptions& into);

// --backlog of the verbs that listen: connections that may wait to be accepted, and those that have
// not answered our SYN,ACK yet. As many as Linux's somaxconn: a crowd may come within one moment.
inline constexpr const char* kUsualBacklog = "4096";
void add_backlog_option(CLI::App& verb, std::string& into);
// Throws Misuse for anything but 1 to 65535.
[[nodiscard]] uint32_t backlog_of(const std::string& text);

// What the options ask for, checked.
struct DevicePlan {
  std::string name;                    // of the interface
  std::vector<Cidr> own;               // the stack's addresses
  std::vector<Cidr> host;              // the kernel's on the interface
  std::optional<MacAddress> ethernet;  // ours; none: a TUN
  uint16_t mtu = 1500;
  std::string pcap;  // empty: no capture
  std::optional<device::FaultSettings> fault;
};

// Throws Misuse, in one line that says how to mend it.
//
// Without --tun the interface is rapport0. Without any address the stack is 10.77.0.2 and the host
// 10.77.0.1, both /24. Where only one side is given, the other is the first other address of its
// network.
[[nodiscard]] DevicePlan plan_of(const DeviceOptions& options);

// A running network. One thread: the one that runs io().
class Network {
 public:
  // Makes the interface, and the capture if one is asked for. `base`: everything of the shard but
  // addresses, MTU and number of frames, which the plan decides. Throws Misuse when the kernel
  // refuses; then nothing is left behind. With a TAP it returns when every address of ours may be
  // used (RFC 5227, RFC 4862 5.4), within a second; Failure when another host has one of them.
  explicit Network(DevicePlan plan, shard::Config base = {});

  [[nodiscard]] const DevicePlan& plan() const { return plan_; }

  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  [[nodiscard]] asio::Context& context() { return context_; }

  [[nodiscard]] shard::Shard& shard() { return *shard_; }

  // How long TIME-WAIT lasts.
  [[nodiscard]] Duration two_msl() const { return two_msl_; }

 private:
  void wait_for_addresses();

  DevicePlan plan_;
  Duration two_msl_;
  std::unique_ptr<shard::Shard> shard_;
  boost::asio::io_context io_{1};
  asio::Context
      context_;  // goes before io_ and shard_; streams that live in handlers of io_ go after
};

}  // namespace rapport::app
