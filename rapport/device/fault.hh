// Fault: a decorator that degrades a device in real time, both ways: packets are lost, doubled,
// held back and damaged as base/faults decides from a seed. What is held back waits here, up to
// kMostHeld packets a direction, and what comes beyond that is lost, as in the queue of a slow
// link; a timer in the descriptor wakes the loop when it is due. send() takes everything.
#pragma once

#include "rapport/base/faults.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::device {

struct FaultSettings {
  FaultPlan in, out;  // packets on their way to us, and from us
  uint64_t seed = 1;
};

// "loss=2%,delay=20ms,out-corrupt=0.1%,seed=7": loss, duplicate, reorder and corrupt take a share
// of all packets, delay, jitter and reorder-delay a time in s, ms or us; with in- or out- before
// the name for one direction only. The error is a line for people.
[[nodiscard]] std::expected<FaultSettings, std::string> parse_faults(std::string_view text);

class Fault final : public Device {
 public:
  static constexpr size_t kMostHeld = 1024;

  // The error is the errno of epoll_create1(2) or timerfd_create(2).
  [[nodiscard]] static std::expected<std::unique_ptr<Fault>, int> make(
      std::unique_ptr<Device> inner, const FaultSettings& settings);

  [[nodiscard]] size_t receive(FramePool& pool, std::span<Frame> into,
                               const BurstLimit& limit) override;
  [[nodiscard]] size_t send(std::span<Frame> burst) override;

  [[nodiscard]] int fd() const override { return epoll_.get(); }

  [[nodiscard]] bool gone() const override { return inner_->gone(); }

  [[nodiscard]] Link link() const override { return inner_->link(); }

  // Of the device itself, as of the last burst, and what was lost here.
  [[nodiscard]] const Counters& counters() const override { return counters_; }

  [[nodiscard]] const FaultCounts& in() const { return in_.faults.counts(); }

  [[nodiscard]] const FaultCounts& out() const { return out_.faults.counts(); }

  // Packets lost because too many were held back.
  [[nodiscard]] uint64_t overflows() const { return overflows_; }

 private:
  struct Held {
    Instant due;
    uint64_t order = 0;
    Frame frame;
  };

  // One direction: a heap of what is held, the first to go in front.
  struct Way {
    Way(const FaultPlan& plan, uint64_t seed) : faults(plan, seed) { held.reserve(kMostHeld); }

    [[nodiscard]] Instant next() const { return held.empty() ? kNever : held.front().due; }

    Faults faults;
    std::vector<Held> held;
    uint64_t taken = 0;
  };

  Fault(std::unique_ptr<Device> inner, const FaultSettings& settings);

  void take(Way& way, Frame frame, Instant now, FramePool* pool);
  void hold(Way& way, Held held);
  [[nodiscard]] static Held release(Way& way);
  void send_due(Instant now);
  void watch();
  void count();

  std::optional<FramePool> copies_;  // of frames that are doubled on their way out
  std::unique_ptr<Device> inner_;
  Way in_, out_;
  uint64_t overflows_ = 0;
  Counters counters_;
  bool full_ = false;  // the device did not take what was due
  Descriptor epoll_, timer_;
  uint32_t watched_ = 0;    // epoll events asked for of the device
  Instant armed_ = kNever;  // what the timer is set to
};

}  // namespace rapport::device
