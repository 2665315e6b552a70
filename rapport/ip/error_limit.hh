// How many ICMP errors may leave: a token bucket for the whole host (RFC 4443 2.4 (f), RFC 1812
// 4.3.2.8), so that whoever sends us nonsense at full speed is not answered at full speed.
#pragma once

#include "rapport/base/time.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::ip {

class ErrorLimit {
 public:
  // `rate` a second in the long run, 0: none ever; at most `burst` at once.
  ErrorLimit(uint32_t rate, uint32_t burst) : rate_(rate), full_(int64_t{burst} * kToken) {
    level_ = full_;
  }

  // Takes one; false when there is none left.
  [[nodiscard]] bool take(Instant now) {
    // What is earned in a second fills any bucket that is worth having.
    const int64_t ns = std::min<int64_t>((now - at_).ns, kToken);
    at_ = now;
    level_ = std::min(full_, level_ + ns * rate_);
    if (rate_ == 0 || level_ < kToken) return false;
    level_ -= kToken;
    return true;
  }

  // Calls add(to, field) for every field that the future depends on (Stack::fingerprint).
  void fingerprint(void (*add)(void* to, uint64_t field), void* to) const {
    add(to, static_cast<uint64_t>(level_));
    add(to, static_cast<uint64_t>(at_.ns));
  }

 private:
  static constexpr int64_t kToken = 1'000'000'000;  // earned in a second at a rate of one

  uint32_t rate_;
  int64_t full_;
  int64_t level_ = 0;
  Instant at_{};
};

}  // namespace rapport::ip
