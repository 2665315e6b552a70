// Sockets of a host with two addresses of IPv4 and one of IPv6, and what it has sent.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/sockets.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::udp::test {

inline const IpAddress kOurs = IpAddress::v4(10, 0, 0, 1);
inline const IpAddress kOther = IpAddress::v4(10, 0, 1, 1);
inline const IpAddress kOurs6 = parse_address("fd00::1").value();
inline const Endpoint kPeer{IpAddress::v4(10, 0, 0, 2), 4000};
inline const Endpoint kPeer6{parse_address("fd00::2").value(), 4000};

inline Config small() {
  Config c;
  c.max_sockets = 16;
  c.max_datagrams = 64;
  c.max_blocks = 512;
  return c;
}

struct Sent {
  Endpoint local, remote;
  std::string text;
  uint8_t ttl = 0, dscp = 0;
};

inline std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct World {
  explicit World(const Config& config = small(), uint64_t seed = 1)
      : random(seed),
        udp(config, {.context = this,
                     .source_towards = &World::source_towards,
                     .is_ours = &World::is_ours,
                     .is_broadcast = &World::is_broadcast,
                     .send = &World::send,
                     .random = &random}) {}

  static IpAddress source_towards(void* /*self*/, const IpAddress& remote) {
    if (!remote.is_v4()) return kOurs6;
    if (remote.octets[12] != 10) return {};  // no route
    return remote.octets[14] == 1 ? kOther : kOurs;
  }

  static bool is_ours(void* /*self*/, const IpAddress& a) {
    return a == kOurs || a == kOther || a == kOurs6;
  }

  static bool is_broadcast(void* /*self*/, const IpAddress& a) {
    return a == IpAddress::v4(10, 0, 0, 255);
  }

  static std::expected<void, Error> send(void* self, const Outgoing& d) {
    auto& w = *static_cast<World*>(self);
    if (w.full) return std::unexpected(Error::WouldBlock);
    w.sent.push_back({d.local, d.remote, {d.text.begin(), d.text.end()}, d.ttl, d.dscp});
    return {};
  }

  Handle open_as(const Open& c) {
    const auto handle = udp.command(c);
    EXPECT_TRUE(handle) << (handle ? "" : name(handle.error()));
    return handle.value_or(Handle{});
  }

  Handle open(const Endpoint& local, const Endpoint& remote = {}, uint64_t cookie = 0) {
    return open_as(Open{.local = local, .remote = remote, .cookie = cookie, .options = {}});
  }

  std::expected<std::string, Error> read(Handle socket, size_t room = 65536) {
    std::string text(room, '?');
    const auto got =
        udp.command(ReceiveFrom{socket, {reinterpret_cast<uint8_t*>(text.data()), room}});
    if (!got) return std::unexpected(got.error());
    text.resize(got->octets.v);
    return text;
  }

  Arrival hear(std::string_view text, const Endpoint& local, const Endpoint& remote = kPeer) {
    return udp.arrives(bytes(text), local, remote);
  }

  std::vector<Occurrence> events() {
    std::vector<Occurrence> all;
    Occurrence o;
    while (udp.next_event(o)) all.push_back(o);
    return all;
  }

  Random random;
  bool full = false;
  std::vector<Sent> sent;
  Sockets udp;
};

}  // namespace rapport::udp::test
