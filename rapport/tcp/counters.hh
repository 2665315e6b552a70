// Counters of one Stack: how often everything happened that somebody will ask about.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstdint>

namespace rapport::tcp {

struct Counters {
  uint64_t frames_received = 0, frames_sent = 0;
  uint64_t segments_received = 0, segments_sent = 0;
  uint64_t octets_received = 0, octets_sent = 0;  // text, as it arrived / left, repeats included
  uint64_t retransmissions = 0, fast_retransmissions = 0, timeouts = 0,
           spurious_retransmissions = 0;
  uint64_t resets_sent = 0, challenges_sent = 0, challenges_throttled = 0;
  uint64_t duplicate_acks_sent = 0, dsacks_sent = 0, probes_sent = 0, keep_alives_sent = 0;
  uint64_t syn_received = 0, syn_ack_retransmissions = 0, syn_retransmissions = 0;
  uint64_t malformed_options = 0;
  uint64_t soft_errors = 0;  // told by ICMP to TCP
  uint64_t icmp_errors_received = 0, icmp_errors_sent = 0, icmp_errors_throttled = 0;
  uint64_t path_mtus_lowered = 0, fragmented = 0, reassembled = 0;  // fragments: datagrams
  uint64_t unusable_routes = 0;  // left out when the stack was made
  uint64_t remotes_refused = 0;  // OPENs and datagrams to what can be no peer: not one packet
  uint64_t debt_overflows = 0, outbox_overflows = 0;
  // The bounds of work in a turn, as they were kept: octets first touched, timers fired.
  uint64_t most_touched_in_a_turn = 0, most_timers_in_a_turn = 0;
  uint64_t time_wait_reused = 0, time_wait_evicted = 0, half_open_evicted = 0;
  uint64_t runs_touched = 0;  // runs of out-of-order text looked at or moved, one by one
  std::array<uint64_t, static_cast<size_t>(DropReason::kCount)> drops{};
  std::array<uint64_t, static_cast<size_t>(CloseReason::kCount)> ended{};
  std::array<std::array<uint32_t, kEvents>, kStates> transitions{};  // [from][event]

  void drop(DropReason r) { ++drops[static_cast<size_t>(r)]; }

  [[nodiscard]] uint64_t dropped(DropReason r) const { return drops[static_cast<size_t>(r)]; }

  [[nodiscard]] uint64_t ended_by(CloseReason r) const { return ended[static_cast<size_t>(r)]; }
};

}  // namespace rapport::tcp
