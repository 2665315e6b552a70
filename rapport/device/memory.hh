// MemoryPair: two devices back to back in one process: what one end sends the other receives, in
// order. A frame is moved, not copied: it stays a buffer of its sender's pool until the receiver
// drops it, so both pools must outlive the pair and what came out of it. For benchmarks, tests and
// embedders; one thread. It neither delays nor loses: see sim/ for wires that do.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/device/device.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::device {

// A ring of frames; its memory is taken at construction.
class FrameRing {
 public:
  // Room for `capacity` frames, rounded up to a power of two.
  explicit FrameRing(uint32_t capacity);

  [[nodiscard]] uint32_t size() const { return tail_ - head_; }

  [[nodiscard]] uint32_t room() const { return mask_ + 1 - size(); }

  [[nodiscard]] bool empty() const { return head_ == tail_; }

  // Only with room().
  void push(Frame&& frame) { ring_[tail_++ & mask_] = std::move(frame); }

  // Only when not empty().
  [[nodiscard]] Frame pop() { return std::move(ring_[head_++ & mask_]); }

 private:
  std::vector<Frame> ring_;
  uint32_t mask_;
  uint32_t head_ = 0, tail_ = 0;
};

class MemoryPair;

// One end. send() takes what the ring has room for: the rest stays with the caller.
class MemoryEnd final : public Device {
 public:
  // The pool is not needed: frames come as the other end sent them, with its headroom.
  [[nodiscard]] size_t receive(FramePool& pool, std::span<Frame> into,
                               const BurstLimit& limit) override;
  [[nodiscard]] size_t send(std::span<Frame> burst) override;

  // Nothing to wait for: ask pending().
  [[nodiscard]] int fd() const override { return -1; }

  [[nodiscard]] bool gone() const override { return false; }

  [[nodiscard]] const Counters& counters() const override { return counters_; }

  // Frames that receive() would find.
  [[nodiscard]] uint32_t pending() const { return in_->size(); }

  // Frames that send() would take.
  [[nodiscard]] uint32_t room() const { return out_->room(); }

 private:
  friend class MemoryPair;

  MemoryEnd(FrameRing& in, FrameRing& out) : in_(&in), out_(&out) {}

  FrameRing* in_;
  FrameRing* out_;
  Counters counters_;
};

class MemoryPair {
 public:
  // Each direction holds `capacity` frames, rounded up to a power of two.
  explicit MemoryPair(uint32_t capacity);

  [[nodiscard]] MemoryEnd& a() { return a_; }

  [[nodiscard]] MemoryEnd& b() { return b_; }

 private:
  FrameRing from_a_, from_b_;
  MemoryEnd a_, b_;
};

}  // namespace rapport::device
