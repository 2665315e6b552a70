// Shard: what one core runs: one Stack, the devices its packets come from and go to, one for each
// of its interfaces, the pool of their buffers, and the clock. It is the lowest layer that knows
// real time: CLOCK_MONOTONIC, read once a turn, as nanoseconds since the shard began. It has no
// thread: either the caller loops over turn() and wait(), or a foreign event loop watches fd() and
// deadline() and calls turn(). Who owns connections, and what events mean, is the caller's
// business. One thread only.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace rapport::shard {

inline constexpr size_t kLargestBurst = 64;

struct Config {
  stack::Config stack{};                // its tcp.seed is replaced, see `seed`
  uint32_t frames = 8192;               // buffers for packets on their way in and out
  uint32_t burst = 64;                  // most packets of one burst: 1 to kLargestBurst
  size_t burst_octets = 128 << 10;      // most octets of one burst, exceeded by less than a packet
  uint32_t bursts_out = 8;              // most bursts sent in one turn
  std::optional<uint64_t> seed{};       // of every draw and key; none: from getrandom(2)
  stack::Recorder* recorder = nullptr;  // of the stack, from the beginning
};

// Takes the events of the stack. May call commands of the stack from within.
class EventSink {
 public:
  virtual void on_event(const tcp::Occurrence& event) = 0;

 protected:
  ~EventSink() = default;
};

// What the kernel refused: a verb phrase and the errno.
struct Failure {
  const char* step = "";
  int code = 0;
};

class Shard {
 public:
  // `devices`: one for each of config.stack.interfaces, in that order; an interface with a hardware
  // address has one that carries Ethernet frames, the others have ones that carry IP packets.
  // Fails without descriptors left for the epoll set, or without entropy.
  [[nodiscard]] static std::expected<std::unique_ptr<Shard>, Failure> make(
      Config config, std::vector<std::unique_ptr<device::Device>> devices);
  // With one interface.
  [[nodiscard]] static std::expected<std::unique_ptr<Shard>, Failure> make(
      Config config, std::unique_ptr<device::Device> device);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  // --- for the event loop ---------------------------------------------------------------------
  // One turn: take(), deliver(), flush(). True: work is left, call again before waiting.
  bool turn(EventSink& sink);

  // The three parts of a turn, for a loop that runs its own handlers between deliver() and flush()
  // so that their answers leave with the acknowledgements that are owed.
  // Reads the clock, gives one burst of packets of each device and the timers that are due to the
  // stack.
  void take();
  // Hands all events to the sink.
  void deliver(EventSink& sink);
  // Sends what the stack has to send, as far as the devices take it: while one of them is full, the
  // stack is not asked for more. True as for turn().
  bool flush();

  // Readable when a turn would find something to do before deadline(). An epoll set.
  [[nodiscard]] int fd() const { return epoll_.get(); }

  // When a turn is due even if fd() stays silent; kNever when no timer runs.
  [[nodiscard]] Instant deadline() { return stack_.next_deadline(); }

  // Waits for fd(), deadline() or `until`, whichever comes first. For callers without a loop.
  void wait(Instant until = kNever);

  // --- for the owner of connections -----------------------------------------------------------
  [[nodiscard]] stack::Stack& stack() { return stack_; }

  // The time to give to commands: that of the turn under way; between turns the clock is read at
  // the first call after the last turn.
  [[nodiscard]] Instant now();

  // The same instant on the clock of std::chrono.
  [[nodiscard]] std::chrono::steady_clock::time_point to_steady(Instant t) const;

  // By the number of its interface.
  [[nodiscard]] const device::Device& device(size_t interface = 0) const {
    return *ports_[interface].device;
  }

  // True when a device is gone for good.
  [[nodiscard]] bool lost_a_device() const;

  struct Counters {
    uint64_t turns = 0;
    uint64_t blocked = 0;  // times that sending had to wait for a device
  };

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // A device and what is to be sent by it: waiting[first .. end).
  struct Port {
    std::unique_ptr<device::Device> device;
    device::BurstLimit limit;
    std::array<Frame, kLargestBurst> waiting;
    size_t first = 0, end = 0;
    uint32_t watched = 0;  // epoll events asked for; 0: the device is not in the set
  };

  Shard(const Config& config, std::vector<std::unique_ptr<device::Device>> devices,
        device::Descriptor epoll);

  [[nodiscard]] Instant read_clock();
  void watch();
  void watch(Port& port);
  [[nodiscard]] bool send_waiting();
  [[nodiscard]] bool fill_waiting();

  uint32_t burst_;
  uint32_t bursts_out_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Instant now_{};
  bool in_turn_ = false;       // now_ is that of the turn under way
  bool more_to_take_ = false;  // a last burst was full
  device::Descriptor epoll_;
  FramePool pool_;           // outlives every frame: those of the ports and of the stack
  std::vector<Port> ports_;  // by the numbers of interfaces
  stack::Stack stack_;
  std::array<Frame, kLargestBurst> burst_in_;
  Counters counters_;
};

}  // namespace rapport::shard
