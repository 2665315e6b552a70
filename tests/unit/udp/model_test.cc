// Any sequence of calls and arrivals against a model that keeps sockets in a plain list: the same
// answers, the same order of datagrams, and every pool empty at the end. The same seed, the same
// fingerprint.
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/sockets.hh"
#include "tests/unit/udp/world.hh"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rapport::udp {
namespace {

using namespace test;

struct Datagram {
  std::string text;
  Endpoint from;
};

struct Modelled {
  Handle handle;
  Endpoint local, remote;
  std::deque<Datagram> waiting;
};

// A few ports and peers, so that they meet often.
struct Model {
  World w;
  Random draw;
  std::vector<Modelled> sockets;
  uint32_t serial = 0;

  explicit Model(uint64_t seed) : draw(seed) {}

  Endpoint some_local(bool may_be_any) {
    const uint32_t which = draw.below(may_be_any ? 3 : 2);
    const auto port = static_cast<uint16_t>(100 + draw.below(3));
    return {which == 0 ? kOurs : which == 1 ? kOther : IpAddress{}, port};
  }

  Endpoint some_peer() {
    const auto port = static_cast<uint16_t>(4000 + draw.below(3));
    return {kPeer.address, port};
  }

  Modelled* some_socket() {
    if (sockets.empty()) return nullptr;
    return &sockets[draw.below(static_cast<uint32_t>(sockets.size()))];
  }

  void open() {
    Open c;
    c.local = some_local(true);
    if (draw.below(2) == 0) c.remote = some_peer();
    Endpoint local = c.local;
    if (c.remote.port != 0 && local.address.is_unspecified()) local.address = kOurs;
    bool taken = sockets.size() == 16;
    for (const Modelled& m : sockets) taken = taken || (m.local == local && m.remote == c.remote);
    const auto handle = w.udp.command(c);
    RC_ASSERT(handle.has_value() == !taken);
    if (handle) sockets.push_back({*handle, local, c.remote, {}});
  }

  void close() {
    Modelled* m = some_socket();
    if (m == nullptr) return;
    RC_ASSERT(w.udp.command(CloseSocket{m->handle}).has_value());
    *m = sockets.back();
    sockets.pop_back();
  }

  static int fitness(const Modelled& m, const Endpoint& local, const Endpoint& remote) {
    if (m.local.port != local.port) return 0;
    if (m.remote.port != 0) return m.remote == remote && m.local == local ? 3 : 0;
    return m.local == local ? 2 : m.local.address.is_unspecified() ? 1 : 0;
  }

  void arrive() {
    const Endpoint local = some_local(false);
    const Endpoint remote = some_peer();
    Modelled* best = nullptr;
    int best_fitness = 0;
    for (Modelled& m : sockets) {
      const int f = fitness(m, local, remote);
      if (f > best_fitness) {
        best = &m;
        best_fitness = f;
      }
    }
    std::string text = std::to_string(serial++);
    text.resize(draw.below(3) == 0 ? draw.below(3000) : text.size(), '.');
    const bool full = w.udp.population().datagrams == small().max_datagrams
                      || w.udp.population().blocks + (text.size() + kBlockText - 1) / kBlockText
                             > small().max_blocks;
    const Arrival a = w.hear(text, local, remote);
    const auto wanted = best == nullptr ? Arrival::Kind::PortUnreachable
                        : full          ? Arrival::Kind::Dropped
                                        : Arrival::Kind::Delivered;
    RC_ASSERT(a.kind == wanted);
    if (a.kind == Arrival::Kind::Delivered) best->waiting.push_back({text, remote});
  }

  void read() {
    Modelled* m = some_socket();
    if (m == nullptr) return;
    std::vector<uint8_t> into(4000);
    const auto got = w.udp.command(ReceiveFrom{m->handle, into});
    RC_ASSERT(got.has_value() == !m->waiting.empty());
    if (!got) return;
    const Datagram& wanted = m->waiting.front();
    RC_ASSERT(got->from == wanted.from);
    RC_ASSERT(std::string(into.begin(), into.begin() + got->octets.v) == wanted.text);
    m->waiting.pop_front();
  }

  void step() {
    switch (draw.below(8)) {
      case 0: return open();
      case 1: return draw.below(3) == 0 ? close() : open();
      case 2:
      case 3:
      case 4: return read();
      default: return arrive();
    }
  }

  [[nodiscard]] uint64_t fingerprint() const {
    uint64_t hash = 0;
    w.udp.fingerprint(
        [](void* to, uint64_t field) {
          auto& h = *static_cast<uint64_t*>(to);
          h = (h ^ field) * 0x9e3779b97f4a7c15ULL;
          h ^= h >> 29;
        },
        &hash);
    return hash;
  }
};

TEST(UdpModel, any_calls_and_arrivals_agree_with_a_plain_list) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    Model m(seed);
    for (int i = 0; i < 400; ++i) m.step();
    size_t waiting = 0;
    for (const Modelled& s : m.sockets) waiting += s.waiting.size();
    RC_ASSERT(m.w.udp.population().datagrams == waiting);
    RC_ASSERT(m.w.udp.population().sockets == m.sockets.size());
    while (!m.sockets.empty()) m.close();
    RC_ASSERT(m.w.udp.population() == Sockets::Population{});
    RC_ASSERT(m.w.events().empty());
  }));
}

TEST(UdpModel, the_same_seed_gives_the_same_fingerprint_and_a_datagram_changes_it) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    Model a(seed);
    Model b(seed);
    for (int i = 0; i < 100; ++i) {
      a.step();
      b.step();
      RC_ASSERT(a.fingerprint() == b.fingerprint());
    }
    a.sockets.clear();
    a.w.udp.close_all();
    b.w.udp.close_all();
    const Handle s = a.w.open({{}, 9});
    const Handle t = b.w.open({{}, 9});
    RC_ASSERT(a.fingerprint() == b.fingerprint());
    a.w.hear("x", {kOurs, 9});
    RC_ASSERT(a.fingerprint() != b.fingerprint());
    RC_ASSERT(a.w.read(s).has_value());
    (void)a.w.events();
    (void)b.w.events();
    RC_ASSERT(b.w.read(t).error() == Error::WouldBlock);
    RC_ASSERT(a.fingerprint() == b.fingerprint());
  }));
}

}  // namespace
}  // namespace rapport::udp
