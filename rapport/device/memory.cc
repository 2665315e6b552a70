// Frames from one end of a pair to the other.
#include "rapport/device/memory.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/device/device.hh"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace rapport::device {

FrameRing::FrameRing(uint32_t capacity)
    : ring_(std::bit_ceil(std::max(capacity, 1U))), mask_(static_cast<uint32_t>(ring_.size()) - 1) {
  ASSERT(capacity <= 1U << 30);
}

size_t MemoryEnd::receive(FramePool& /*pool*/, std::span<Frame> into, const BurstLimit& limit) {
  size_t frames = 0;
  size_t octets = 0;
  while (frames < into.size() && octets < limit.octets && !in_->empty()) {
    into[frames] = in_->pop();
    octets += into[frames].size();
    ++frames;
  }
  counters_.frames_in += frames;
  counters_.octets_in += octets;
  return frames;
}

size_t MemoryEnd::send(std::span<Frame> burst) {
  const size_t frames = std::min<size_t>(burst.size(), out_->room());
  for (Frame& frame : burst.first(frames)) {
    counters_.octets_out += frame.size();
    out_->push(std::move(frame));
  }
  counters_.frames_out += frames;
  if (frames < burst.size()) ++counters_.waits_for_room;
  return frames;
}

MemoryPair::MemoryPair(uint32_t capacity)
    : from_a_(capacity), from_b_(capacity), a_(from_b_, from_a_), b_(from_a_, from_b_) {}

}  // namespace rapport::device
