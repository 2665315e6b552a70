// The insides of Peer: the stack, its frames, what it said and told, and the story so far.
#pragma once

#include "peer.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rapport::scenario {

struct Peer::Said {
  Instant at;
  std::vector<uint8_t> bytes;  // `segment` points into it
  IpFields ip;
  wire::Segment segment;
};

struct Peer::World {
  static constexpr uint32_t kFrames = 512;
  static constexpr uint32_t kFrameSize = 2048;
  static constexpr uint8_t kShift = 7;  // what the peer offers

  World(const With& with, uint64_t seed);
  void builds_stack();
  // What this world answers a SYN with.
  [[nodiscard]] Seq iss_towards(const Endpoint& from, const Endpoint& to, Instant at);

  With with;
  Random random;
  stack::Config config;
  FramePool frames_of_stack{kFrames, kFrameSize};
  FramePool frames_of_peer{kFrames, kFrameSize};
  std::vector<Frame> taken;  // so that the stack finds none
  std::unique_ptr<stack::Stack> stack;
  Instant start, now;
  tcp::Counters counters_before;

  std::deque<Said> said;  // and not yet expected
  Said heard;             // the last that was
  std::vector<tcp::Occurrence> told;
  std::vector<std::string> story;
  bool over = false;  // failed: no more complaints

  bool iss_known = false, acked = false;
  Seq snd_una, snd_nxt, rcv_nxt;
  ByteCount rcv_wnd;
  uint32_t window = 0;   // the peer's, in octets
  uint32_t ts_base = 0;  // the peer's timestamp clock
  uint32_t ts_of_stack = 0;
  bool our_scale = false, our_timestamps = false, our_sack = false;  // in our SYN
  uint8_t our_shift = 0;
  uint32_t sent = 0, read = 0;            // octets given to SEND, taken by RECEIVE
  std::deque<std::vector<uint8_t>> lent;  // to SendBorrowed
  std::vector<uint64_t> released;         // tokens that came back

  [[nodiscard]] bool peer_offers_scale() const { return with.window_scale.value_or(false); }

  [[nodiscard]] bool peer_offers_timestamps() const { return with.timestamps.value_or(false); }
};

// `n` octets of a stream, from its octet `from` on.
std::vector<uint8_t> stream_text(uint32_t from, ByteCount n);

// The octet at `offset` of every stream in these stories.
constexpr uint8_t octet_at(uint32_t offset) {
  return static_cast<uint8_t>(offset * 131U + (offset >> 8) * 29U + 7U);
}

}  // namespace rapport::scenario
