// A Stack that only receives, and a peer that sends it text by stream position: for tests of the
// ACKs and of the SACK and D-SACK blocks that each segment draws.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/stack/stack.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace rapport::test {

// [left, right) in stream positions: 0 is the first octet of text.
struct Stretch {
  uint32_t left = 0, right = 0;
  friend bool operator==(Stretch, Stretch) = default;
};

struct Answer {
  uint32_t ack = 0;  // stream position
  std::vector<Stretch> blocks;
  friend bool operator==(const Answer&, const Answer&) = default;
};

class Receiver {
 public:
  // Established, SACK agreed, no timestamps, RCV.WND = `window` octets, the text's octet at
  // position p is content(p). ISNs near the wrap of sequence space when `wraps`.
  explicit Receiver(uint32_t window, bool wraps = false);

  // Sends [left, right) and returns what the stack said, at once or by its delayed ACK.
  std::vector<Answer> hears(Stretch text);
  // Reads everything in order; false when an octet is wrong. Returns how many.
  [[nodiscard]] std::optional<uint32_t> reads_all();

  static uint8_t content(uint32_t position) {
    return static_cast<uint8_t>(position * 131 + position / 251);
  }

  [[nodiscard]] stack::Stack& stack() { return stack_; }

 private:
  void feed(wire::Flags flags, Seq seq, Seq ack, std::vector<uint8_t> text, const wire::Options* o);
  std::vector<Answer> collect();

  FramePool pool_;
  FramePool peer_pool_;
  stack::Stack stack_;
  Instant now_{1'000'000'000};
  Endpoint ours_, peer_;
  Seq irs_, iss_;
  Handle handle_;
  uint32_t read_ = 0;
};

}  // namespace rapport::test
