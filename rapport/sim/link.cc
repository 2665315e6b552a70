// One direction of a wire.
#include "rapport/sim/link.hh"

#include "rapport/base/faults.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rapport::sim {

Link::Link(const LinkConfig& config, uint64_t seed)
    : config_(config), faults_(config.faults, seed), weather_(~seed) {}

void Link::configure(const LinkConfig& config) {
  config_ = config;
  faults_.configure(config.faults);
}

void Link::lose(uint64_t nth) {
  faults_.order({.packet = nth, .kind = FaultKind::Lose});
}

void Link::hold(uint64_t nth, Duration by) {
  faults_.order({.packet = nth, .kind = FaultKind::Reorder, .by = by});
}

void Link::duplicate(uint64_t nth, Duration after) {
  faults_.order({.packet = nth, .kind = FaultKind::Duplicate, .by = after});
}

void Link::corrupt(uint64_t nth, uint32_t at) {
  faults_.order({.packet = nth, .kind = FaultKind::Corrupt, .octet = at});
}

Duration Link::sending_time(size_t octets) const {
  constexpr uint64_t bit_nanoseconds = 8'000'000'000;
  if (config_.bits_per_second == 0) return {};
  return Duration{static_cast<int64_t>(octets * bit_nanoseconds / config_.bits_per_second)};
}

// Delivered when nothing stands against it.
Fate Link::loss(const Verdict& verdict, size_t octets, Instant now) {
  if (cut_) return Fate::Partitioned;
  if (config_.queue > 0 && config_.bits_per_second > 0
      && free_at_ - now + sending_time(octets) > sending_time(config_.queue)) {
    return Fate::Overflowed;
  }
  const bool periodic = config_.lose_every > 0 && frames() % config_.lose_every == 0;
  const bool spell = lost_in_a_spell();
  if (verdict.lost()) {
    ++losses_.random;
  } else if (spell) {
    ++losses_.bursty;
  } else if (periodic) {
    ++losses_.periodic;
  } else {
    return Fate::Delivered;
  }
  return Fate::Lost;
}

bool Link::lost_in_a_spell() {
  const BurstyLoss& b = config_.bursty;
  if (b.begins_ppm == 0) return false;
  const bool turns = weather_.chance_ppm(bad_spell_ ? b.ends_ppm : b.begins_ppm);
  if (turns) bad_spell_ = !bad_spell_;
  const bool hit = weather_.chance_ppm(b.loss_ppm);
  return bad_spell_ && hit;
}

Passage Link::pass(size_t octets, Instant now) {
  Passage p;
  p.verdict = faults_.decide(octets);
  p.copies[0].fate = loss(p.verdict, octets, now);
  if (p.copies[0].fate == Fate::Partitioned || p.copies[0].fate == Fate::Overflowed) return p;
  free_at_ = std::max(now, free_at_) + sending_time(octets);
  if (p.copies[0].fate == Fate::Lost) return p;
  p.count = p.verdict.copies;
  for (uint32_t i = 0; i < p.count; ++i) {
    Passage::Copy& copy = p.copies.at(i);
    copy.held = p.verdict.delay.at(i);
    copy.arrival = free_at_ + config_.delay + copy.held;
    copy.fate = p.verdict.corrupted ? Fate::Corrupted : i > 0 ? Fate::Duplicated : Fate::Delivered;
  }
  return p;
}

}  // namespace rapport::sim
