// What a script's numbers mean.
#include "rapport/play/flow.hh"

#include "rapport/base/seq.hh"
#include "rapport/play/seen.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ranges>
#include <utility>

namespace rapport::play {

std::optional<uint32_t> Flow::live_timestamp(uint32_t value) const {
  for (const auto& [script, live] : timestamps_ | std::views::reverse) {
    if (script == value) return live;
  }
  return std::nullopt;
}

std::optional<uint32_t> Flow::script_timestamp(uint32_t live) const {
  for (const auto& [script, bound] : timestamps_ | std::views::reverse) {
    if (bound == live) return script;
  }
  return std::nullopt;
}

void Flow::note_inbound_syn(uint32_t sequence, bool fresh) {
  syn_ = sequence;
  may_begin_anew_ = fresh;
  if (local_known_ && !remote_fixed_) remote_isn_ = Seq{sequence};
}

void Flow::note_outbound(const Seen& seen, uint32_t written) {
  const wire::Segment& s = seen.tcp;
  const bool syn = s.flags.has(wire::kSyn);
  const bool acks = s.flags.has(wire::kAck) && !s.flags.has(wire::kRst);
  const bool answers = acks && syn_ && s.ack.v == *syn_ + 1;
  const bool anew = syn && answers && may_begin_anew_ && s.seq != local_iss_;
  if (syn && (!local_known_ || anew)) {
    local_iss_ = s.seq;
    script_iss_ = written;
    local_known_ = true;
    remote_fixed_ = false;
  }
  if (!answers || remote_fixed_) return;
  remote_isn_ = Seq{*syn_};
  remote_fixed_ = true;
  may_begin_anew_ = false;
}

void Flow::bind_timestamp(uint32_t script, uint32_t live) {
  if (!first_timestamp_) first_timestamp_ = {script, live};
  const auto known = std::ranges::find(timestamps_, script, &std::pair<uint32_t, uint32_t>::first);
  if (known != timestamps_.end()) timestamps_.erase(known);
  timestamps_.emplace_back(script, live);
}

}  // namespace rapport::play
