// Two stacks in one thread, joined by a ring of frames each way: no device, no system call. Frames
// move as handles (the buffer is never copied) and are handed over in bursts of at most 32.
// Virtual time: the caller moves `now`.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace rapport::bench {

inline constexpr size_t kBurst = 32;

class Ring {
 public:
  [[nodiscard]] bool full() const { return tail_ - head_ == frames_.size(); }

  [[nodiscard]] bool empty() const { return tail_ == head_; }

  void push(Frame&& f) { frames_[tail_++ % kSize] = std::move(f); }

  // The oldest frames that lie together, at most a burst.
  [[nodiscard]] std::span<Frame> front() {
    const size_t at = head_ % kSize;
    return std::span(frames_).subspan(at, std::min({tail_ - head_, kSize - at, kBurst}));
  }

  void pop(size_t n) { head_ += n; }

 private:
  static constexpr size_t kSize = 4096;
  std::array<Frame, kSize> frames_;
  size_t head_ = 0, tail_ = 0;
};

// One end: its buffers, its stack, and the ring of what it sends.
struct End {
  End(const stack::Config& config, uint32_t buffers);

  FramePool frames;
  stack::Stack stack;
  Ring sent;
  uint64_t segments = 0, bursts = 0;  // handed to the other end

  // Takes from the stack whatever it wants to send.
  void collect() {
    while (!sent.full()) {
      Frame f = stack.next_frame();
      if (!f) return;
      sent.push(std::move(f));
    }
  }

  // Fires what is due.
  void keep_time(Instant now) {
    while (stack.next_deadline() <= now) stack.expire(now);
  }
};

struct Couple {
  Couple(const stack::Config& left_config, const stack::Config& right_config, uint32_t buffers);

  End left, right;
  Instant now{1'000'000'000};

  // Hands over one burst from `from` to `to`; false when there was none.
  bool hand_over(End& from, End& to) {
    const std::span<Frame> burst = from.sent.front();
    if (burst.empty()) return false;
    from.segments += burst.size();
    ++from.bursts;
    to.stack.receive(burst, now);
    from.sent.pop(burst.size());
    return true;
  }
};

// A stack at 10.0.`net`.1 and as many further addresses as wanted, all in 10.0.0.0/16.
[[nodiscard]] stack::Config config_at(uint8_t net, uint8_t addresses, uint64_t seed);

// Ends the program with a message when what was measured did not happen as meant.
[[noreturn]] void give_up(const char* what);

inline void require(bool held, const char* what) {
  if (!held) give_up(what);
}

}  // namespace rapport::bench
