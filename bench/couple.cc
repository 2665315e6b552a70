// The two ends.
#include "couple.hh"

#include "rapport/base/address.hh"
#include "rapport/stack/stack.hh"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace rapport::bench {

namespace {

// Text begins 128 octets into a buffer: 76 + IPv4 20 + TCP 20 + timestamps 12.
constexpr uint32_t kHeadroom = 76;
constexpr uint32_t kBuffer = 1664;

}  // namespace

End::End(const stack::Config& config, uint32_t buffers)
    : frames(buffers, kBuffer), stack(config, frames) {
  frames.populate();
}

Couple::Couple(const stack::Config& left_config, const stack::Config& right_config,
               uint32_t buffers)
    : left(left_config, buffers), right(right_config, buffers) {}

stack::Config config_at(uint8_t net, uint8_t addresses, uint64_t seed) {
  stack::Config c;
  for (uint8_t i = 1; i <= addresses; ++i) {
    c.interfaces[0].addresses.push_back({IpAddress::v4(10, 0, net, i), 16});
  }
  c.interfaces[0].mtu = 1500;
  c.frame_headroom = kHeadroom;
  c.tcp.seed = seed;
  return c;
}

void give_up(const char* what) {
  (void)std::fprintf(stderr, "figures: not as meant: %s\n", what);
  std::exit(1);
}

}  // namespace rapport::bench
