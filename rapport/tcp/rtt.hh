// The retransmission timer's arithmetic (RFC 6298 2): SRTT and RTTVAR in microseconds, scaled by 8
// and by 4 so that shifts do the smoothing.
#pragma once

#include "rapport/tcp/connection.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

// One measured round trip. RTTVAR is updated before SRTT (R6298-3).
inline void sample_rtt(Connection& c, uint32_t us) {
  us = std::clamp<uint32_t>(us, 1, 120'000'000);
  if (c.srtt == 0) {  // R6298-2
    c.srtt = us * 8;
    c.rttvar = us * 2;
    return;
  }
  const auto error = static_cast<int32_t>(us - c.srtt / 8);
  const auto magnitude = static_cast<uint32_t>(error < 0 ? -error : error);
  c.rttvar = c.rttvar - c.rttvar / 4 + magnitude;
  c.srtt = static_cast<uint32_t>(static_cast<int64_t>(c.srtt) + error);
}

// SRTT + max(G, 4 * RTTVAR); G, the clock's grain, is 1 ms. Not yet clamped nor backed off.
inline uint32_t plain_rto_us(const Connection& c) {
  return c.srtt / 8 + std::max<uint32_t>(1'000, c.rttvar);
}

// What was sent, an ACK's segment or a probe, was for nothing: the next wait is twice as long.
inline void one_more_try(Connection& c) {
  if (c.retries < 250) ++c.retries;
  if (c.backoff < 20) ++c.backoff;
}

inline void no_more_tries(Connection& c) {
  c.retries = 0;
  c.backoff = 0;
}

}  // namespace rapport::tcp
