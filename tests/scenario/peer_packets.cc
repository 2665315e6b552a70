// Whole packets, for tests that spoil what a Seg cannot say: IP options, fragments, checksums.
#include "peer.hh"
#include "rapport/base/frame.hh"
#include "words.hh"
#include "world.hh"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::scenario {

std::vector<uint8_t> Peer::packet_of(const Seg& s) const {
  const Seg f = filled_in(s);
  return build(f, text_of(f));
}

Peer& Peer::hears_packets(const std::vector<std::vector<uint8_t>>& all, At at) {
  expects_silence("heard packets", at);
  std::vector<Frame> burst;
  for (const auto& packet : all) {
    tells("peer   a packet of " + std::to_string(packet.size()) + " octets");
    burst.push_back(frame_of(packet, at));
  }
  arrives(burst, at);
  return *this;
}

std::span<const uint8_t> Peer::heard_packet() const {
  return w_->heard.bytes;
}

}  // namespace rapport::scenario
