// Host: the stack under test in virtual time. It is fed packets and moved through time, timer by
// timer; what it sends waits in order, with the instant at which it left. Bursts of one. The script
// is whoever is at the other end of the wire. RFC 9293 3.9.2 is the interface that is played here.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/play/chronicle.hh"
#include "rapport/play/seen.hh"
#include "rapport/stack/stack.hh"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

namespace rapport::play {

// Tables as small as a script needs them, and quick to make.
[[nodiscard]] stack::Config small_config();

class Host {
 public:
  // `frames` must outlive the host.
  Host(const stack::Config& config, FramePool& frames);

  [[nodiscard]] stack::Stack& stack() { return stack_; }

  [[nodiscard]] const stack::Stack& stack() const { return stack_; }

  [[nodiscard]] Instant now() const { return now_; }

  // Since the beginning of the script.
  [[nodiscard]] Duration elapsed() const { return now_ - kStart; }

  // One packet from the wire, now. False: no buffer was left for it.
  [[nodiscard]] bool inject(std::span<const uint8_t> packet);
  // Takes what the stack has to send. After every call.
  void collect();
  // Fires the timers of the next instant that has any, if that is not after `limit`; else false,
  // and the clock is at `limit`.
  bool step(Instant limit);

  // Tells `chronicle` of every packet from now on.
  void watch(Chronicle* chronicle) { chronicle_ = chronicle; }

  // What left and was not yet looked at, oldest first.
  [[nodiscard]] std::deque<Seen>& seen() { return seen_; }

  // The stack went on for so many turns at one instant, or in all, that something is wrong.
  [[nodiscard]] bool runs_away() const { return turns_ > kMostTurns; }

  static constexpr Instant kStart{1'000'000'000'000};  // a whole tick, and not zero
  static constexpr uint32_t kMostTurns = 2'000'000;

 private:
  FramePool& frames_;
  stack::Stack stack_;
  Instant now_ = kStart;
  std::deque<Seen> seen_;
  uint32_t turns_ = 0;
  Chronicle* chronicle_ = nullptr;
};

}  // namespace rapport::play
