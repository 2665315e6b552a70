// Keeping track of states and scales by connection.
#include "rapport/observe/rails.hh"

#include "rapport/base/address.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::observe {

Rails::Rails(const Story& story, uint32_t left, uint32_t right) {
  for (const HostRecord& r : story.records) {
    if ((r.host != left && r.host != right) || r.record.header.kind != TraceKind::Segment) continue;
    Place& p = places_[r.host];
    const uint16_t port = r.record.header.key.local_port;
    if (!p.known) p = {r.record.header.local, port, true};
    if (p.port != port) p.port = 0;
  }
}

Rails::Key Rails::key(const HostRecord& r) {
  const FlowKey& k = r.record.header.key;
  return {r.host, k.local_port, k.remote.is_unspecified() ? IpAddress{} : k.remote, k.remote_port};
}

void Rails::move(const HostRecord& r) {
  const auto t = r.record.as<TraceTransition>();
  states_[key(r)] = static_cast<tcp::State>(t.to);
  if (static_cast<tcp::State>(t.to) == tcp::State::Closed) shifts_.erase(key(r));
}

void Rails::agree(const HostRecord& r) {
  const auto o = r.record.as<TraceOptions>();
  shifts_[key(r)] = o.scaling_on != 0 ? o.window_scale_sent : uint8_t{0};
}

void Rails::forget(uint32_t host) {
  std::erase_if(states_, [host](const auto& e) { return std::get<0>(e.first) == host; });
  std::erase_if(shifts_, [host](const auto& e) { return std::get<0>(e.first) == host; });
}

std::string_view Rails::state(const HostRecord& r) const {
  const auto own = states_.find(key(r));
  if (own != states_.end() && own->second != tcp::State::Closed) return tcp::name(own->second);
  const FlowKey& k = r.record.header.key;
  const auto listener = states_.find({r.host, k.local_port, IpAddress{}, 0});
  return tcp::name(listener != states_.end() ? listener->second : tcp::State::Closed);
}

uint8_t Rails::shift(std::span<const HostRecord> records, const Passage& p) const {
  if (p.sent == kAbsent) return 0;
  const auto found = shifts_.find(key(records[p.sent]));
  return found != shifts_.end() ? found->second : 0;
}

void Rails::note_syn(const HostRecord& sent) {
  const auto s = sent.record.as<TraceSegment>();
  if ((s.flags & wire::kSyn.v) == 0) return;
  auto& all = syns_[key(sent)];
  if (all.empty() || all.back() != s.seq) all.push_back(s.seq);
}

std::optional<Counted> Rails::count(const HostRecord& r, uint32_t number) const {
  return count(key(r), number);
}

std::optional<Counted> Rails::count_of_peer(const HostRecord& r, uint32_t peer_host,
                                            uint32_t number) const {
  const FlowKey& k = r.record.header.key;
  return count(Key{peer_host, k.remote_port, r.record.header.local, k.local_port}, number);
}

std::optional<Counted> Rails::count(const Key& k, uint32_t number) const {
  constexpr uint32_t kFar = 1U << 24;  // beyond: of another connection
  const auto found = syns_.find(k);
  if (found == syns_.end()) return std::nullopt;
  for (auto syn = found->second.rbegin(); syn != found->second.rend(); ++syn) {
    if (number - *syn < kFar) return Counted{number - *syn, syn != found->second.rbegin()};
  }
  return std::nullopt;
}

SegmentNumbers Rails::numbers(std::span<const HostRecord> records, const Passage& p,
                              const TraceSegment* sent, const TraceSegment* arrived) const {
  SegmentNumbers n = segment_numbers(sent, arrived);
  const TraceSegment& s = sent != nullptr ? *sent : *arrived;
  const HostRecord& r = records[sent != nullptr ? p.sent : p.arrived];
  const bool own_view = sent != nullptr;
  const auto seq = own_view ? count(r, s.seq) : count_of_peer(r, p.from, s.seq);
  const auto ack = own_view ? count_of_peer(r, p.to, s.ack) : count(r, s.ack);
  if (seq && s.seq != 0) {  // the SEQ of a reset may be just zero
    n.seq = std::to_string(seq->distance);
    n.earlier |= seq->earlier;
  }
  if (ack && !n.ack.empty()) {
    n.ack = std::to_string(ack->distance);
    n.earlier |= ack->earlier;
  }
  n.absolute = n.seq.starts_with('#') || n.ack.starts_with('#');
  return n;
}

std::string Rails::endpoint(uint32_t host) const {
  const auto found = places_.find(host);
  if (found == places_.end()) return {};
  const Place& p = found->second;
  return p.port != 0 ? to_string(Endpoint{p.address, p.port}) : to_string(p.address);
}

}  // namespace rapport::observe
