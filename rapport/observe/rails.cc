// Keeping track of states and scales by connection.
#include "rapport/observe/rails.hh"

#include "rapport/wire/tcp.hh"

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

std::string Rails::endpoint(uint32_t host) const {
  const auto found = places_.find(host);
  if (found == places_.end()) return {};
  const Place& p = found->second;
  return p.port != 0 ? to_string(Endpoint{p.address, p.port}) : to_string(p.address);
}

}  // namespace rapport::observe
