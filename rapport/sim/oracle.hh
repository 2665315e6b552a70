// Oracle: a second opinion on every state, computed from the trace alone. Where the core has one
// state machine of eleven names, this has two small ones for each end, what it sends and what it
// receives, and derives the name from them. It believes no change of state without
// evidence: a segment on the wire, a call, or the passage of time. Builds with RAPPORT_CHECKS run
// it in every World; others may attach one. It changes nothing.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace rapport::sim {

// The segment was looked at as far as its ACK; what was dropped came behind (RFC 9293 3.10.7.4).
bool ack_was_taken(const TraceDrop& d);

// What we have sent and had acknowledged. FinSent: CLOSE was called, the FIN may still be queued.
enum class Sending : uint8_t { Closed, SynSent, Open, FinSent, FinAcked };
// What we have received in order.
enum class Receiving : uint8_t { None, Open, FinReceived };

// Both halves of one end.
struct Halves {
  Sending sending = Sending::Closed;
  Receiving receiving = Receiving::None;
  bool answered = false;  // our CLOSE came after the peer's FIN

  // The name of RFC 9293 3.3.2 for this pair.
  [[nodiscard]] tcp::State name() const;
  friend bool operator==(const Halves&, const Halves&) = default;
};

// Octets received so far, as disjoint runs of offsets; the gaps are what is missing.
class Coverage {
 public:
  void add(uint32_t left, uint32_t right);
  // Everything from 0 up to `right` has been received.
  [[nodiscard]] bool covers(uint32_t right) const;

 private:
  std::map<uint32_t, uint32_t> runs_;  // left -> right
};

class Oracle final : public Observer {
 public:
  // `two_msl` of host h is asked for when its first TIME-WAIT ends.
  void set_two_msl(HostId h, Duration two_msl) { two_msl_[h] = two_msl; }

  // The host was told to drain: what is left at `deadline` is aborted without another call.
  void set_drain(HostId h, Instant deadline) { drains_[h] = deadline; }

  void recorded(const HostRecord& record) override;
  // The host crashed: its ends are no more.
  void forget(HostId h);

  // What first contradicted the trace, in words; empty when nothing has.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

  // Changes of state that were believed.
  [[nodiscard]] uint64_t believed() const { return believed_; }

 private:
  using Key = std::tuple<HostId, IpAddress, uint16_t, IpAddress, uint16_t>;

  struct End {
    Halves halves;
    std::optional<Seq> iss, irs;
    Seq snd_max;                        // behind everything sent
    std::optional<Seq> fin_end;         // behind our FIN, once it was sent
    std::vector<Seq> fins;              // the number of the peer's FIN; several if some are forged
    std::optional<Seq> fin_taken;       // the one that we acknowledged
    Coverage received;                  // offsets from irs + 1
    std::optional<TraceSegment> heard;  // the last segment received
    Instant heard_at = kNever;
    Seq una;                      // what the peer has acknowledged
    Instant progress{};           // when it last acknowledged something new; at first, our SYN
    Instant called = kNever;      // the last CLOSE, shutdown or ABORT
    bool close_waits = false;     // CLOSE was called before the handshake was complete (3.10.4)
    Instant dropped_at = kNever;  // the last segment that was dropped
    Instant timer_at = kNever;    // the last timer that fired
    Instant icmp_at = kNever;     // the last that ICMP told
    TraceTimer timer{};
    Instant quiet_since{};   // TIME-WAIT: the last FIN
    Instant quiet_before{};  // and the one before, should that one be dropped
    bool exact = true;       // quiet_since is known

    // Before the last segment, should that one be dropped.
    Seq una_before;
    std::optional<Seq> irs_before;
    size_t fins_before = 0;
    Instant progress_before{}, heard_before = kNever;
  };

  void segment(const HostRecord& r, End& end);
  static void sent(const HostRecord& r, const TraceSegment& s, End& end);
  void heard(const HostRecord& r, const TraceSegment& s, End& end);
  void noted(const HostRecord& r, End& end);
  static void dropped(const TraceDrop& d, End& end);
  void transition(const HostRecord& r, End& end);
  [[nodiscard]] bool is_evident(const HostRecord& r, tcp::Event event, const End& end) const;
  [[nodiscard]] bool has_waited(const HostRecord& r, const End& end) const;
  [[nodiscard]] bool may_abort(const HostRecord& r, const End& end) const;
  [[nodiscard]] bool may_evict(const HostRecord& r, const End& end) const;
  [[nodiscard]] bool listener_goes(const HostRecord& r) const;
  [[nodiscard]] static bool may_give_up(Instant now, const End& end);
  static void apply(tcp::Event event, End& end);
  void complain(const HostRecord& r, const std::string& what);

  std::map<Key, End> ends_;
  std::map<HostId, Duration> two_msl_;
  std::map<HostId, Instant> drains_;
  std::map<HostId, Instant> listener_closed_;  // the last time that any was
  std::map<HostId, Instant> time_wait_began_;  // of any end
  std::map<HostId, Instant> syn_heard_;        // by anybody there: it may make the oldest give way
  std::string complaint_;
  uint64_t believed_ = 0;
};

}  // namespace rapport::sim
