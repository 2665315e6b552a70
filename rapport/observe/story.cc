// Joining departures with arrivals, and the order of steps. Two passages cross when they leave and
// arrive in different orders on the two rails; only passages that cross nothing become one line,
// and of the very long ones only those in whose time nothing else happened.
#include "rapport/observe/story.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::observe {

namespace {

bool is_segment(const HostRecord& r, Direction d) {
  return r.record.header.kind == TraceKind::Segment
         && r.record.as<TraceSegment>().direction == static_cast<uint8_t>(d);
}

uint32_t serial_of(const TraceRecord& r) {
  if (r.header.kind == TraceKind::Segment) return r.as<TraceSegment>().serial;
  if (r.header.kind == TraceKind::Drop) return r.as<TraceDrop>().serial;
  return 0;
}

// --- which records concern the pair ---

class Pair {
 public:
  Pair(const Story& story, uint32_t left, uint32_t right)
      : hosts_{left, right}, alone_(story.hosts.size() <= 2) {
    for (const HostRecord& r : story.records) {
      if (r.host == left) own_[0].push_back(r.record.header.local);
      if (r.host == right) own_[1].push_back(r.record.header.local);
    }
  }

  [[nodiscard]] bool concerns(const HostRecord& r) const {
    if (r.host != hosts_[0] && r.host != hosts_[1]) return false;
    const IpAddress& remote = r.record.header.key.remote;
    if (alone_ || remote.is_unspecified()) return true;
    return std::ranges::find(own_[r.host == hosts_[0] ? 1 : 0], remote)
           != own_[r.host == hosts_[0] ? 1 : 0].end();
  }

 private:
  std::array<uint32_t, 2> hosts_;
  std::array<std::vector<IpAddress>, 2> own_;
  bool alone_;
};

// --- passages ---

class Joiner {
 public:
  Joiner(const Story& story, uint32_t left, uint32_t right)
      : story_(story), left_(left), right_(right), pair_(story, left, right) {
    taken_.resize(story.records.size());
  }

  std::vector<Passage> join() {
    for (const WireRecord& w : story_.wires) follow(w);
    for (size_t i = 0; i < story_.records.size(); ++i) {
      if (!taken_[i] && mine(i) && is_segment(story_.records[i], Direction::Sent)) unseen_sent(i);
    }
    for (size_t i = 0; i < story_.records.size(); ++i) {
      if (taken_[i] || !mine(i) || !is_segment(story_.records[i], Direction::Received)) continue;
      const uint32_t to = story_.records[i].host;
      add({.from = to == left_ ? right_ : left_, .to = to, .arrived = i, .fate = Fate::Injected});
    }
    std::ranges::sort(out_, {}, [](const Passage& p) {
      return p.sent != kAbsent && !p.copy ? p.sent : p.arrived;
    });
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool mine(size_t i) const { return pair_.concerns(story_.records[i]); }

  void add(const Passage& p) {
    if (p.sent != kAbsent) taken_[p.sent] = true;
    if (p.arrived != kAbsent) taken_[p.arrived] = true;
    out_.push_back(p);
  }

  // The record of `host` at `at` with this serial; segments are preferred to drops, and what no
  // passage has yet (a host that crashed counts anew at the same instant) to what one has.
  [[nodiscard]] size_t find(uint32_t host, uint32_t serial, Instant at, Direction d) const {
    size_t drop = kAbsent, again = kAbsent;
    auto i = static_cast<size_t>(
        std::ranges::lower_bound(story_.records, at, {},
                                 [](const HostRecord& r) { return r.record.header.at; })
        - story_.records.begin());
    for (; i < story_.records.size() && story_.records[i].record.header.at == at; ++i) {
      const HostRecord& r = story_.records[i];
      if (r.host != host || serial_of(r.record) != serial) continue;
      if (is_segment(r, d) && !taken_[i]) return i;
      if (is_segment(r, d) && d == Direction::Sent && again == kAbsent) again = i;
      if (r.record.header.kind == TraceKind::Drop && d == Direction::Received && !taken_[i]
          && drop == kAbsent)
        drop = i;
    }
    return again != kAbsent ? again : drop;
  }

  void follow(const WireRecord& w) {
    const bool from_us = w.from_host == left_ || w.from_host == right_ || w.from_host == kNoHost;
    const bool to_us = w.to_host == left_ || w.to_host == right_;
    if (!from_us || !to_us || w.from_host == w.to_host) return;
    Passage p{.from = w.from_host, .to = w.to_host, .fate = w.fate};
    if (w.from_host == kNoHost) p.from = w.to_host == left_ ? right_ : left_;
    p.copy = w.fate == Fate::Duplicated;
    if (w.fate != Fate::Injected) p.sent = find(w.from_host, w.serial, w.sent, Direction::Sent);
    if (w.has_arrived()) p.arrived = find(w.to_host, w.serial, w.arrived, Direction::Received);
    if (p.sent == kAbsent && p.arrived == kAbsent) return;  // not TCP, or not traced
    if (p.copy && p.arrived == kAbsent) return;
    p.under_way = story_.goes_on && p.arrived == kAbsent && w.has_arrived()
                  && w.arrived >= story_.records.back().record.header.at;
    add(p);
  }

  // No wire record tells of this departure: the first arrival with its number is its own.
  void unseen_sent(size_t i) {
    const HostRecord& s = story_.records[i];
    Passage p{.from = s.host, .to = s.host == left_ ? right_ : left_, .sent = i};
    const uint32_t serial = serial_of(s.record);
    bool found = false;
    for (size_t j = i + 1; j < story_.records.size(); ++j) {
      const HostRecord& r = story_.records[j];
      // The sender was restarted and counts anew.
      const bool another = r.host == s.host && is_segment(r, Direction::Sent);
      if (another && serial_of(r.record) == serial) break;
      if (r.host != p.to || taken_[j] || !is_segment(r, Direction::Received)
          || serial_of(r.record) != serial)
        continue;
      p.arrived = j;
      p.copy = found;
      p.fate = found ? Fate::Duplicated : Fate::Delivered;
      add(p);
      found = true;
    }
    if (found) return;
    p.under_way = story_.goes_on;
    p.fate = Fate::Lost;
    add(p);
  }

  const Story& story_;
  uint32_t left_, right_;
  Pair pair_;
  std::vector<bool> taken_;
  std::vector<Passage> out_;
};

// --- the order of steps ---

constexpr size_t kNowhere = SIZE_MAX;
constexpr Duration kLongWay = 500_ms;

class Arranger {
 public:
  Arranger(const Story& story, std::span<const Passage> passages, uint32_t left, uint32_t right)
      : story_(story), passages_(passages), left_(left), pair_(story, left, right) {
    place_.assign(story.records.size(), kNowhere);
    departs_.assign(story.records.size(), kNowhere);
    arrives_.assign(story.records.size(), kNowhere);
    for (size_t p = 0; p < passages.size(); ++p) {
      if (passages[p].sent != kAbsent && !passages[p].copy) departs_[passages[p].sent] = p;
      if (passages[p].arrived != kAbsent) arrives_[passages[p].arrived] = p;
    }
    rails(right);
    choose_lines();
  }

  std::vector<Step> arrange() {
    std::array<size_t, 2> at{};
    while (at[0] < rail_[0].size() || at[1] < rail_[1].size()) {
      const int side = next_side(at);
      const auto s = static_cast<size_t>(side);
      const Node& n = rail_[s][at[s]++];
      out_.push_back(n.step);
      if (n.step.kind == StepKind::Arrow) ++at[1 - s];
    }
    return std::move(out_);
  }

 private:
  struct Node {
    uint64_t key;  // twice the order of its record, one less for a remark
    Step step;
  };

  [[nodiscard]] std::vector<Node>& rail_of(uint32_t host) { return rail_[host == left_ ? 0 : 1]; }

  [[nodiscard]] Step step_of(size_t record) const {
    if (arrives_[record] != kNowhere) return {StepKind::Arrival, arrives_[record]};
    if (departs_[record] != kNowhere) return {StepKind::Departure, departs_[record]};
    return {StepKind::Event, record};
  }

  void note_places(const std::vector<Node>& rail) {
    for (size_t n = 0; n < rail.size(); ++n) {
      const Step& s = rail[n].step;
      if (s.kind == StepKind::Departure) place_[passages_[s.index].sent] = n;
      if (s.kind == StepKind::Arrival) place_[passages_[s.index].arrived] = n;
    }
  }

  void rails(uint32_t right) {
    for (size_t m = 0; m < story_.remarks.size(); ++m) {
      const Remark& r = story_.remarks[m];
      if (r.host != left_ && r.host != right) continue;
      rail_of(r.host).push_back({2 * uint64_t{r.before} + 1, {StepKind::Remark, m}});
    }
    for (size_t i = 0; i < story_.records.size(); ++i) {
      const HostRecord& r = story_.records[i];
      if (!pair_.concerns(r) || r.record.header.kind == TraceKind::Sample) continue;
      rail_of(r.host).push_back({2 * uint64_t{r.order} + 2, step_of(i)});
    }
    for (auto& rail : rail_) {
      std::ranges::sort(rail, {}, [](const Node& n) { return std::pair(n.key, n.step.index); });
      note_places(rail);
    }
  }

  struct Candidate {
    size_t passage, left, right;
    size_t crossings = 0;
  };

  // On a long way (a frame that was held back) something else happened at either end: one line
  // would turn the order of times around.
  [[nodiscard]] bool is_overtaken_by_time(const Passage& g) const {
    const Instant left = story_.records[g.sent].record.header.at;
    const Instant arrived = story_.records[g.arrived].record.header.at;
    if (arrived - left < kLongWay) return false;
    return std::ranges::any_of(story_.records, [&](const HostRecord& r) {
      const Instant at = r.record.header.at;
      return left < at && at < arrived && pair_.concerns(r);
    });
  }

  static bool cross(const Candidate& a, const Candidate& b) {
    return (a.left < b.left) != (a.right < b.right);
  }

  // Passages that cross nothing become lines. Where many cross one (a frame that was held back),
  // that one is split first; two that cross each other alone are both split.
  void choose_lines() {
    std::vector<Candidate> c;
    for (size_t p = 0; p < passages_.size(); ++p) {
      const Passage& g = passages_[p];
      if (g.sent == kAbsent || g.arrived == kAbsent || g.copy) continue;
      const bool forth = g.from == left_;
      if (is_overtaken_by_time(g)) continue;
      c.push_back({p, place_[forth ? g.sent : g.arrived], place_[forth ? g.arrived : g.sent]});
    }
    for (Candidate& a : c) {
      a.crossings = static_cast<size_t>(
          std::ranges::count_if(c, [&](const Candidate& b) { return cross(a, b); }));
    }
    split_crossing(c);
    for (const Candidate& a : c) {
      rail_[0][a.left].step = {StepKind::Arrow, a.passage};
      rail_[1][a.right].step = {StepKind::Arrow, a.passage};
    }
  }

  static void split_crossing(std::vector<Candidate>& c) {
    while (!c.empty()) {
      const auto worst = std::ranges::max_element(c, {}, &Candidate::crossings);
      if (worst->crossings == 0) return;
      if (worst->crossings == 1) {
        std::erase_if(c, [](const Candidate& a) { return a.crossings > 0; });
        return;
      }
      const Candidate gone = *worst;
      c.erase(worst);
      for (Candidate& a : c) {
        if (cross(a, gone)) --a.crossings;
      }
    }
  }

  // The rail whose next step may be told now: the earlier one, unless it is a line whose other end
  // has to wait.
  [[nodiscard]] int next_side(const std::array<size_t, 2>& at) const {
    if (at[0] == rail_[0].size()) return 1;
    if (at[1] == rail_[1].size()) return 0;
    const Node& l = rail_[0][at[0]];
    const Node& r = rail_[1][at[1]];
    const bool l_waits = l.step.kind == StepKind::Arrow;
    const bool r_waits = r.step.kind == StepKind::Arrow;
    if (l_waits != r_waits) return l_waits ? 1 : 0;
    return l.key <= r.key ? 0 : 1;
  }

  const Story& story_;
  std::span<const Passage> passages_;
  uint32_t left_;
  Pair pair_;
  std::vector<size_t> place_, departs_, arrives_;  // by record
  std::array<std::vector<Node>, 2> rail_;
  std::vector<Step> out_;
};

}  // namespace

std::vector<Passage> passages(const Story& story, uint32_t left, uint32_t right) {
  return Joiner(story, left, right).join();
}

std::vector<Step> arrange(const Story& story, std::span<const Passage> passages, uint32_t left,
                          uint32_t right) {
  return Arranger(story, passages, left, right).arrange();
}

}  // namespace rapport::observe
