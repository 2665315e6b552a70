// One host of a World.
#include "rapport/sim/machine.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace rapport::sim {

Machine::Machine(HostConfig config, uint64_t seed, Instant now)
    : config_(std::move(config)),
      seed_(seed),
      pool_(config_.frames, stack::buffer_size(config_.stack)) {
  boot(now);
}

namespace {

constexpr int64_t kMillion = 1'000'000;

}  // namespace

// Slower by whole nanoseconds, so that it shows each of its instants at some instant of the world:
// a timer that is due by its own clock is called to the tick.
Instant Machine::time(Instant now) const {
  const int64_t lag = config_.clock_lag_ppm;
  return now - Duration{now.ns / kMillion * lag + now.ns % kMillion * lag / kMillion};
}

Instant Machine::world_time(Instant local) const {
  const int64_t rate = kMillion - int64_t{config_.clock_lag_ppm};
  if (rate == kMillion || local == kNever) return local;
  Instant guess{local.ns / rate * kMillion + local.ns % rate * kMillion / rate};
  while (time(guess) < local) guess = guess + Duration{1};
  return guess;
}

// The incarnation takes part in the seed: a machine that comes up again has other secrets, so that
// its sequence numbers are not those of its former life.
void Machine::boot(Instant now) {
  ASSERT(!up());
  stack::Config config = config_.stack;
  Random random(seed_ + incarnation_);
  config.tcp.seed = random.next();
  stack_ = std::make_unique<stack::Stack>(config, pool_);
  if (config_.trace_records > 0) stack_->trace().enable(config_.trace_records);
  stack_->trace().set_snap_length(snap_length_);
  programs_.attach(*stack_, time(now));
}

void Machine::crash() {
  ASSERT(up());
  programs_.detach();
  snap_length_ = stack_->trace().snap_length();
  stack_.reset();
  ++incarnation_;
}

bool Machine::owns(const IpAddress& a) const {
  return std::ranges::any_of(config_.stack.interfaces, [&](const Interface& i) {
    return std::ranges::any_of(i.addresses, [&](const Cidr& own) { return own.address == a; });
  });
}

void Machine::expire(Instant now) {
  constexpr int many = 1'000'000;  // far beyond what a stack of any size has due at one instant
  const Instant local = time(now);
  for (int calls = 0; stack_->next_deadline() <= local; ++calls) {
    ASSERT(calls < many);
    stack_->expire(local);
  }
}

Instant Machine::next_deadline(Instant now) {
  if (!up()) return kNever;
  return std::max(now, world_time(std::min(stack_->next_deadline(), programs_.next_deadline())));
}

RecordedHost Machine::recorded() {
  return {.name = config_.name,
          .trace_records = config_.trace_records,
          .snap_length = up() ? stack_->trace().snap_length() : uint8_t{0}};
}

Frame Machine::frame_of(std::span<const uint8_t> packet) {
  Frame frame = pool_.allocate(config_.stack.frame_headroom);
  if (!frame) return frame;
  frame.reshape(config_.stack.frame_headroom, packet.size());
  std::memcpy(frame.data(), packet.data(), packet.size());
  return frame;
}

}  // namespace rapport::sim
