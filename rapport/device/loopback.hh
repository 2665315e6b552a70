// Loopback: a device that hands back what it is given, in order: a shard on it talks to its own
// addresses, in real time, without root and without a network. A frame is moved, not copied, and
// stays a buffer of its sender's pool. A descriptor tells the loop when something is there. For
// examples, tests and programs that want TCP inside one process. It neither delays nor loses.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/memory.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

namespace rapport::device {

class Loopback final : public Device {
 public:
  // Holds `capacity` frames, rounded up to a power of two. The error is the errno of eventfd(2).
  [[nodiscard]] static std::expected<std::unique_ptr<Loopback>, int> make(uint32_t capacity = 1024);

  // The pool is not needed: frames come as they were sent, with their headroom.
  [[nodiscard]] size_t receive(FramePool& pool, std::span<Frame> into,
                               const BurstLimit& limit) override;
  [[nodiscard]] size_t send(std::span<Frame> burst) override;

  [[nodiscard]] int fd() const override { return event_.get(); }

  [[nodiscard]] bool gone() const override { return false; }

  [[nodiscard]] const Counters& counters() const override { return counters_; }

 private:
  Loopback(uint32_t capacity, Descriptor event);

  FrameRing ring_;
  Descriptor event_;  // an eventfd: readable exactly while the ring holds a frame
  Counters counters_;
};

}  // namespace rapport::device
