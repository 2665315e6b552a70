// One shard with two interfaces and a peer behind each: packets come and go by the right one, and a
// device that is gone does not take the other with it.
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/shard/shard.hh"
#include "rapport/tcp/commands.hh"
#include "tests/unit/shard/pair.hh"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace rapport::shard {
namespace {

struct Ignored final : EventSink {
  void on_event(const tcp::Occurrence& /*event*/) override {}
};

class TwoInterfaces : public testing::Test {
 protected:
  void SetUp() override {
    Config config;
    config.seed = 1;
    config.stack.interfaces.clear();
    std::vector<std::unique_ptr<device::Device>> devices;
    for (uint8_t i = 0; i < 2; ++i) {
      std::array<int, 2> fds{};
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()), 0);
      devices.push_back(std::make_unique<device::PacketFd>(device::Descriptor(fds[0])));
      peers.at(i) = test::ShardPair::make(address(i, 2), fds[1], {}, 2U + i);
      Interface interface;
      interface.addresses = {{address(i, 1), 24}};
      config.stack.interfaces.push_back(interface);
    }
    auto made = Shard::make(config, std::move(devices));
    ASSERT_TRUE(made.has_value());
    shard = std::move(*made);
  }

  static IpAddress address(uint8_t network, uint8_t host) {
    return IpAddress::v4(10, 0, network, host);
  }

  void turn_all() {
    (void)shard->turn(ignored);
    for (auto& peer : peers) {
      if (peer) (void)peer->turn(ignored);
    }
  }

  // The state that a connection of this shard reaches within two seconds, if it is `wanted`.
  tcp::State reaches(const tcp::State wanted, const Handle& connection) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    tcp::State state{};
    do {
      turn_all();
      const auto status = shard->stack().command(tcp::GetStatus{connection}, shard->now());
      if (status) state = status->state;
      if (!status) break;
    } while (state != wanted && std::chrono::steady_clock::now() < end);
    return state;
  }

  std::array<std::unique_ptr<Shard>, 2> peers;
  std::unique_ptr<Shard> shard;
  Ignored ignored;
};

TEST_F(TwoInterfaces, EachPeerIsReachedByItsOwn) {
  for (uint8_t i = 0; i < 2; ++i) {
    tcp::Listen listen;
    listen.port = 80;
    ASSERT_TRUE(peers.at(i)->stack().command(listen, peers.at(i)->now()));
    const uint64_t before = shard->device(1U - i).counters().frames_out;
    tcp::Connect connect;
    connect.remote = {address(i, 2), 80};
    const auto connection = shard->stack().command(connect, shard->now());
    ASSERT_TRUE(connection.has_value());
    EXPECT_EQ(reaches(tcp::State::Established, *connection), tcp::State::Established);
    EXPECT_GE(shard->device(i).counters().frames_out, 2U);
    EXPECT_EQ(shard->device(1U - i).counters().frames_out, before) << "the other one was silent";
  }
}

TEST_F(TwoInterfaces, TheDescriptorSpeaksForBoth) {
  for (uint8_t i = 0; i < 2; ++i) {
    pollfd p{shard->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&p, 1, 0), 0);
    tcp::Connect connect;
    connect.remote = {address(i, 1), 80};
    ASSERT_TRUE(peers.at(i)->stack().command(connect, peers.at(i)->now()));
    (void)peers.at(i)->flush();
    EXPECT_EQ(::poll(&p, 1, 0), 1);
    (void)shard->turn(ignored);
  }
}

TEST_F(TwoInterfaces, OneThatIsGoneLeavesTheOther) {
  peers[0].reset();
  (void)shard->turn(ignored);
  EXPECT_TRUE(shard->lost_a_device());
  EXPECT_TRUE(shard->device(0).gone());
  EXPECT_FALSE(shard->device(1).gone());
  tcp::Listen listen;
  listen.port = 80;
  ASSERT_TRUE(peers[1]->stack().command(listen, peers[1]->now()));
  tcp::Connect connect;
  connect.remote = {address(0, 2), 80};
  (void)shard->stack().command(connect, shard->now());  // its SYN is lost
  connect.remote = {address(1, 2), 80};
  const auto connection = shard->stack().command(connect, shard->now());
  ASSERT_TRUE(connection.has_value());
  EXPECT_EQ(reaches(tcp::State::Established, *connection), tcp::State::Established);
}

}  // namespace
}  // namespace rapport::shard
