// Link: one direction of a wire between two hosts: delay, rate, queue, faults drawn from the seed,
// and mishaps that a script orders for the n-th frame. It decides; the World carries.
#pragma once

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"

#include <cstdint>
#include <vector>

namespace rapport::sim {

struct LinkConfig {
  Duration delay = 1_ms;         // propagation
  uint64_t bits_per_second = 0;  // 0: no time is spent in sending
  uint32_t queue = 0;            // octets that may wait to be sent; 0: no limit
};

class Link {
 public:
  Link(const LinkConfig& config, uint64_t seed);

  // Takes effect with the next frame.
  void configure(const LinkConfig& config);

  [[nodiscard]] const LinkConfig& config() const { return config_; }

  void cut(bool cut) { cut_ = cut; }

  // Frames that were put on this link so far, the lost ones too. The first frame has number 1.
  [[nodiscard]] uint32_t frames() const { return frames_; }

  // --- scripts: by the number of the frame on this link, counted from 1
  // ---------------------------
  void lose(uint32_t nth);
  // Arrives `by` later than it would; later frames overtake it.
  void hold(uint32_t nth, Duration by);
  // A second copy arrives `after` the first.
  void duplicate(uint32_t nth, Duration after);
  // One bit of the octet `at` of the packet is turned.
  void corrupt(uint32_t nth, uint32_t at);

 private:
  LinkConfig config_;
  Random random_;
  bool cut_ = false;
  uint32_t frames_ = 0;
};

}  // namespace rapport::sim
