// Patience: a second opinion on how long one end waits for the other, from its trace alone: when a
// connection or a handshake is given up (RFC 9293 3.8.3, MUST-20 to -23), keep-alive (3.8.4), the
// wait without a reader in FIN-WAIT-2, the linger. Limits that applications chose count as far as
// they are known.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/sender.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <optional>
#include <string>

namespace rapport::sim {

class Patience {
 public:
  struct Rules {
    Duration syn = 180_s, syn_ack = 180_s, r2 = 924_s, orphan = 120_s, fin_wait_2 = 60_s;
    Duration initial_rto = 1_s, max_rto = 120_s;
    uint32_t half_open_cap = 4096, retries_under_pressure = 5;
  };

  void begin(const Rules& rules, bool passive);

  void chose(const tcp::ConnectionOptions& options) { options_ = options; }

  // What is on the trace of this end, in its order; `sender` was told before. `half_open`: passive
  // handshakes of the host that are under way.
  void at(Instant now, const Sender& sender, bool scarce);
  void heard(const TraceSegment& s);
  void dropped(const TraceDrop& d);
  void moved(tcp::State to, tcp::Event event);
  void sampled();
  void sent(const TraceSegment& s, const Sender& sender);
  void called(CallKind call);
  void fired(const TraceTimer& t, uint32_t half_open);

  [[nodiscard]] bool is_orphan() const { return orphan_; }

  [[nodiscard]] const std::optional<tcp::ConnectionOptions>& options() const { return options_; }

  [[nodiscard]] const Doubts& doubts() const { return doubts_; }

 private:
  void complain(Invariant which, const std::string& words) { doubts_.add(which, words); }

  [[nodiscard]] int64_t now_ms_up() const { return (now_.ns + 999'999) / 1'000'000; }

  [[nodiscard]] int64_t limit_ms() const;
  [[nodiscard]] int64_t probe_due_ms() const;
  void is_overdue(const Sender& sender);
  void gives_up(const TraceTimer& t);
  void keeps_alive(const TraceTimer& t);
  void half_open_waits(const TraceTimer& t, uint32_t half_open);

  Rules rules_;
  Doubts doubts_;
  std::optional<tcp::ConnectionOptions> options_;
  bool passive_ = false, orphan_ = false, scarce_ = false;
  tcp::State state_ = tcp::State::Closed;
  Instant now_{};

  bool syn_acked_ = false, opened_ = false, has_syn_ = false;
  bool unsure_ = false;  // a closed window: the trace does not tell since when it waits
  int64_t stalled_ms_ = 0, orphaned_ms_ = 0;
  int64_t fin_wait_2_ms_ = INT64_MAX;
  std::optional<uint32_t> coming_;  // serial of what came and may yet be dropped
  int64_t coming_ms_ = 0, heard_ms_ = 0, probed_ms_ = 0;
  uint32_t probes_ = 0, coming_probes_ = 0;
  int64_t heard_before_ms_ = 0;
  int64_t half_open_ms_ = 0, half_open_waited_ms_ = 0;
  std::optional<bool> must_give_up_;  // what has to follow the timer of a passive handshake
};

}  // namespace rapport::sim
