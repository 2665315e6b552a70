// The ring behind the trace.
#include "rapport/base/trace.hh"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace rapport {
namespace {

constexpr uint32_t kMost = 1U << 24;  // 4 GiB

}  // namespace

void Trace::enable(uint32_t records) {
  ring_.clear();
  written_ = read_ = lost_ = 0;
  mask_ = 0;
  if (records == 0) return;
  const uint32_t size = std::bit_ceil(std::clamp(records, 2U, kMost));
  ring_.resize(size);
  mask_ = size - 1;
}

TraceRecord& Trace::claim() {
  if (written_ - read_ > mask_) {
    ++read_;
    ++lost_;
  }
  return ring_[written_++ & mask_];
}

bool Trace::read(TraceRecord& out) {
  if (read_ == written_) return false;
  out = ring_[read_++ & mask_];
  return true;
}

}  // namespace rapport
