// A Context with small tables and one address, 10.0.0.1: for tests of single steps of tcp/.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/paths.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/context.hh"

#include <cstdint>
#include <vector>

namespace rapport::tcp::test {

inline const std::vector<Interface> kInterfaces{{.addresses = {{IpAddress::v4(10, 0, 0, 1), 24}}}};

inline Config small(uint64_t seed = 1) {
  Config c;
  c.seed = seed;
  c.max_connections = 4096;
  c.max_half_open = c.max_time_wait = c.max_listeners = c.max_transfers = c.max_extras = 8;
  c.max_blocks = 8;
  c.max_pieces = 64;
  return c;
}

// What was given back, in order: Surroundings::release of World.
struct Released {
  std::vector<uint64_t> tokens;

  static void note(void* self, uint64_t token) {
    static_cast<Released*>(self)->tokens.push_back(token);
  }
};

struct World {
  explicit World(const Config& config)
      : cx(config,
           {.interfaces = kInterfaces,
            .locals = &locals,
            .network = &paths,
            .release = &Released::note,
            .release_context = &released},
           frames) {
    cx.set_time(Instant{1'000'000'000});
  }

  explicit World(uint64_t seed = 1) : World(small(seed)) {}

  [[nodiscard]] FlowKey towards(const Endpoint& remote) const {
    FlowKey key;
    key.remote = remote.address;
    key.remote_port = remote.port;
    key.local.v = paths.source_towards(remote.address);
    return key;
  }

  Released released;
  FramePool frames{2, 2048};
  LocalAddresses locals{kInterfaces};
  ip::Paths paths{kInterfaces, {}, locals, 8, {}};
  Context cx;
};

}  // namespace rapport::tcp::test
