// Frames from a sender back to itself, and the descriptor that tells of them.
#include "rapport/device/loopback.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

#include <sys/eventfd.h>

namespace rapport::device {

std::expected<std::unique_ptr<Loopback>, int> Loopback::make(uint32_t capacity) {
  Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return std::unexpected(errno);
  return std::unique_ptr<Loopback>(new Loopback(capacity, std::move(event)));
}

Loopback::Loopback(uint32_t capacity, Descriptor event)
    : ring_(capacity), event_(std::move(event)) {}

size_t Loopback::receive(FramePool& /*pool*/, std::span<Frame> into, const BurstLimit& limit) {
  if (ring_.empty()) return 0;
  size_t frames = 0;
  size_t octets = 0;
  while (frames < into.size() && octets < limit.octets && !ring_.empty()) {
    into[frames] = ring_.pop();
    octets += into[frames].size();
    ++frames;
  }
  counters_.frames_in += frames;
  counters_.octets_in += octets;
  eventfd_t told = 0;
  if (ring_.empty()) (void)::eventfd_read(event_.get(), &told);
  return frames;
}

size_t Loopback::send(std::span<Frame> burst) {
  const bool was_empty = ring_.empty();
  const size_t frames = std::min<size_t>(burst.size(), ring_.room());
  for (Frame& frame : burst.first(frames)) {
    counters_.octets_out += frame.size();
    ring_.push(std::move(frame));
  }
  counters_.frames_out += frames;
  if (frames < burst.size()) ++counters_.waits_for_room;
  if (was_empty && frames > 0) (void)::eventfd_write(event_.get(), 1);
  return frames;
}

}  // namespace rapport::device
