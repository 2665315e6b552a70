// The ring behind the trace.
#include "rapport/base/trace.hh"

#include <bit>
#include <cstdint>

namespace rapport {

void Trace::enable(uint32_t records) {
  ring_.clear();
  written_ = read_ = lost_ = 0;
  mask_ = 0;
  if (records == 0) return;
  const uint32_t size = std::bit_ceil(records < 2 ? 2U : records);
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
