// Machine: one host of a World: its pool, its stack and its programs, through crashes and restarts.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/stack/stack.hh"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace rapport::sim {

class Machine {
 public:
  Machine(HostConfig config, uint64_t seed, Instant now);

  void boot(Instant now);
  void crash();

  // The world's time as this machine's clock shows it. All other methods take the world's.
  [[nodiscard]] Instant time(Instant now) const;

  [[nodiscard]] bool up() const { return stack_ != nullptr; }

  [[nodiscard]] bool owns(const IpAddress& a) const;

  // Its programs run. True when anything did.
  bool turn(Instant now) { return programs_.turn(time(now)); }

  // Timers that are due.
  void expire(Instant now);
  // The next instant at which stack or programs want to be called, not before `now`.
  [[nodiscard]] Instant next_deadline(Instant now);

  [[nodiscard]] const std::string& name() const { return config_.name; }

  // What a recording is told of it.
  [[nodiscard]] RecordedHost recorded();

  [[nodiscard]] uint32_t incarnation() const { return incarnation_; }

  [[nodiscard]] FramePool& pool() { return pool_; }

  [[nodiscard]] stack::Stack& stack() { return *stack_; }

  [[nodiscard]] coroutine::Host& programs() { return programs_; }

  // A frame of this host's pool that holds `packet`; a false one when the pool is exhausted.
  [[nodiscard]] Frame frame_of(std::span<const uint8_t> packet);

 private:
  // The first instant of the world at which the machine's clock shows `local` or more.
  [[nodiscard]] Instant world_time(Instant local) const;

  HostConfig config_;
  uint64_t seed_;
  uint32_t incarnation_ = 0;
  uint8_t snap_length_ = 0;  // of the trace, through crashes
  FramePool pool_;
  std::unique_ptr<stack::Stack> stack_;
  coroutine::Host programs_;  // goes before the stack that it runs on
};

}  // namespace rapport::sim
