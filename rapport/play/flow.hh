// Flow: one connection between the script and the stack, and what the script's numbers mean in it.
// Two rules, told apart by the SYN bit. A segment without SYN counts from the ISN of the side that
// the number belongs to. In one with SYN the script's own numbers are raw, and the stack's are
// shifted so that its ISN is the number in its first SYN of the script. With no connection both
// ISNs are 0, so that numbers are raw. Modulo 2^32 (RFC 9293 3.4).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/seen.hh"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::play {

class Flow {
 public:
  Endpoint local, remote;  // the stack's end and the script's; port 0: not known yet

  // The ports are those of packets or of calls, no longer the usual ones.
  bool named = false;

  // --- script -> live ---
  [[nodiscard]] Seq live_of_remote(uint32_t n, bool syn) const {
    return Seq{syn ? n : n + remote_isn_.v};
  }

  [[nodiscard]] Seq live_of_local(uint32_t n, bool syn) const {
    return Seq{n + local_iss_.v - (syn ? script_iss_ : 0)};
  }

  // The live value of a timestamp of the stack that the script calls `value`; nothing: never seen.
  [[nodiscard]] std::optional<uint32_t> live_timestamp(uint32_t value) const;

  // --- live -> script ---
  [[nodiscard]] uint32_t script_of_remote(Seq n, bool syn) const {
    return syn ? n.v : n.v - remote_isn_.v;
  }

  [[nodiscard]] uint32_t script_of_local(Seq n, bool syn) const {
    return n.v - local_iss_.v + (syn ? script_iss_ : 0);
  }

  // What the script calls a live timestamp, the latest name of it.
  [[nodiscard]] std::optional<uint32_t> script_timestamp(uint32_t live) const;

  // --- what passes ---
  // A SYN of the script's side is about to be injected. `fresh`: the stack holds nothing of this
  // flow, or TIME-WAIT, so that it may begin anew.
  void note_inbound_syn(uint32_t sequence, bool fresh);
  // Before a segment is compared: what its SYN or its ACK tells of the two ISNs. `written`: the
  // number that the script has for its sequence.
  void note_outbound(const Seen& seen, uint32_t written);
  void bind_timestamp(uint32_t script, uint32_t live);

  // The first pair that was bound.
  [[nodiscard]] const std::optional<std::pair<uint32_t, uint32_t>>& first_timestamp() const {
    return first_timestamp_;
  }

  [[nodiscard]] bool local_known() const { return local_known_; }

  // Something of it has passed.
  [[nodiscard]] bool begun() const { return local_known_ || syn_.has_value(); }

  [[nodiscard]] Seq local_iss() const { return local_iss_; }

 private:
  Seq local_iss_, remote_isn_;
  uint32_t script_iss_ = 0;
  bool local_known_ = false, remote_fixed_ = false;
  std::optional<uint32_t> syn_;  // the number of the last SYN that was injected
  bool may_begin_anew_ = false;
  std::optional<std::pair<uint32_t, uint32_t>> first_timestamp_;
  std::vector<std::pair<uint32_t, uint32_t>> timestamps_;  // script, live; the last counts
};

}  // namespace rapport::play
