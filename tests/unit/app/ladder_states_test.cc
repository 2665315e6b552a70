// What a capture of each scenario lets us infer, held against what the hosts themselves recorded:
// wherever the capture determines a state, the two agree. Captured at every host.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::app {

namespace {

using observe::kAbsent;
using observe::Passage;
using observe::Row;
using enum tcp::State;

// Packets at host `h` with the records of both their ends.
struct Vantage {
  std::vector<Row> rows;          // as inferred
  std::vector<Passage> passages;  // as they were
};

std::vector<Row> rows_at(const Stage& stage, uint32_t h) {
  observe::Wanted wanted;
  wanted.keeping = {.rows = 1'000'000, .fold = false};
  observe::Capture capture(wanted);
  std::vector<std::pair<size_t, size_t>> places;  // conversation, row
  for (const Stage::Passed& p : stage.passed()) {
    if (p.host != h) continue;
    std::vector<uint64_t> before;
    for (const auto& c : capture.conversations()) before.push_back(c.segments());
    capture.packet(p.packet, p.packet.size(), p.at);
    for (size_t i = 0; i < capture.conversations().size(); ++i) {
      const uint64_t was = i < before.size() ? before[i] : 0;
      if (capture.conversations()[i].segments() > was) places.emplace_back(i, was);
    }
  }
  std::vector<Row> out;
  for (const auto& [conversation, row] : places)
    out.push_back(capture.conversations()[conversation].head().at(row));
  return out;
}

std::vector<Passage> passages_at(const Stage& stage, const observe::Story& story, uint32_t h) {
  std::vector<Passage> out;
  for (uint32_t k = 1; k < story.hosts.size(); ++k) {
    if (h != 0 && h != k) continue;
    for (const Passage& p : observe::passages(story, 0, k)) {
      const bool leaves = p.from == h && p.sent != kAbsent && !p.copy;
      const bool comes = p.to == h && p.arrived != kAbsent;
      if (leaves || comes) out.push_back(p);
    }
  }
  std::ranges::sort(out, {}, [h](const Passage& p) { return p.from == h ? p.sent : p.arrived; });
  (void)stage;
  return out;
}

class Truth {
 public:
  Truth(const observe::Story& story, const std::vector<Passage>& passages, uint32_t h)
      : story_(story), passages_(passages), h_(h) {
    for (size_t i = 0; i < story.records.size(); ++i) {
      const auto s = segment(i);
      if (!s) continue;
      const bool sent = s->direction == static_cast<uint8_t>(Direction::Sent);
      if (sent && (s->flags & wire::kFin.v) != 0) fins_[story.records[i].host].push_back(i);
    }
  }

  [[nodiscard]] std::optional<TraceSegment> segment(size_t record) const {
    if (record == kAbsent) return std::nullopt;
    const TraceRecord& r = story_.records[record].record;
    if (r.header.kind != TraceKind::Segment) return std::nullopt;
    return r.as<TraceSegment>();
  }

  // The state in a record, as far as segments can show it: a close() shows with its FIN.
  [[nodiscard]] std::optional<tcp::State> state(size_t record) const {
    const auto s = segment(record);
    if (!s) return std::nullopt;
    const auto state = after(record, *s);
    const auto fins = fins_.find(story_.records[record].host);
    const auto same = [&](size_t fin) {
      return fin <= record
             && story_.records[fin].record.header.key == story_.records[record].record.header.key;
    };
    if (state == Listen) return Closed;  // the listener's: there is no connection
    if (fins != fins_.end() && std::ranges::any_of(fins->second, same)) return state;
    if (state == FinWait1) return Established;
    if (state == LastAck || state == Closing) return CloseWait;
    return state;
  }

  // Before `record`, the far host had done just what the capture shows before packet `i`.
  [[nodiscard]] bool shows_all(size_t i, size_t record) const {
    const uint32_t far = story_.records[record].host;
    std::set<size_t> shown;
    for (size_t j = 0; j < i; ++j) {
      const Passage& p = passages_[j];
      if (p.from != far && p.to != far) continue;
      const size_t at = p.from == far ? p.sent : p.arrived;
      if (at == kAbsent || at > record) return false;  // lost behind the capture, or later
      shown.insert(at);
    }
    for (size_t r = 0; r < record; ++r) {
      if (story_.records[r].host == far && segment(r) && !shown.contains(r)) return false;
    }
    return true;
  }

  [[nodiscard]] bool determined(size_t i, size_t record) const {
    return record != kAbsent && (story_.records[record].host == h_ || shows_all(i, record));
  }

 private:
  // A reset is recorded before the move that it stands for.
  [[nodiscard]] tcp::State after(size_t record, const TraceSegment& s) const {
    const auto state = static_cast<tcp::State>(s.state);
    const bool sent = s.direction == static_cast<uint8_t>(Direction::Sent);
    if (!sent || (s.flags & wire::kRst.v) == 0) return state;
    const HostRecord& mine = story_.records[record];
    for (const HostRecord& r : story_.records.subspan(record + 1)) {
      if (r.record.header.at != mine.record.header.at) break;
      if (r.host != mine.host || r.record.header.kind != TraceKind::Transition) continue;
      if (r.record.header.key == mine.record.header.key)
        return static_cast<tcp::State>(r.record.as<TraceTransition>().to);
    }
    return state;
  }

  const observe::Story& story_;
  const std::vector<Passage>& passages_;
  uint32_t h_;
  std::map<uint32_t, std::vector<size_t>> fins_;
};

struct Tally {
  size_t ends = 0, sure = 0;
};

void compare(const Truth& truth, size_t i, size_t record, const observe::Belief& belief,
             const std::string& where, Tally& tally) {
  if (!truth.determined(i, record)) return;
  const auto state = truth.state(record);
  if (!state) return;
  ++tally.ends;
  if (!belief.sure) return;
  ++tally.sure;
  EXPECT_EQ(observe::words(belief), tcp::name(*state)) << where << ", packet " << i + 1;
}

void compare_at(const Stage& stage, uint32_t h, const std::string& scenario, Tally& tally) {
  const observe::Story story = stage.story();
  const std::vector<Row> rows = rows_at(stage, h);
  const std::vector<Passage> passages = passages_at(stage, story, h);
  const std::string where =
      scenario + " with seed " + std::to_string(stage.settings().seed) + " at " + story.hosts[h];
  ASSERT_EQ(rows.size(), passages.size()) << where;
  const Truth truth(story, passages, h);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Passage& p = passages[i];
    compare(truth, i, p.copy ? kAbsent : p.sent, rows[i].beliefs.sender, where + " (sender)",
            tally);
    compare(truth, i, p.arrived, rows[i].beliefs.receiver, where + " (receiver)", tally);
  }
}

Tally compare_all(const DemoSettings& settings) {
  Tally all;
  for (const Scenario& s : all_scenarios()) {
    Stage stage(settings);
    s.play(stage);
    Tally tally;
    for (uint32_t h = 0; h < stage.story().hosts.size(); ++h)
      compare_at(stage, h, std::string(s.name), tally);
    EXPECT_GT(tally.sure, 0U) << s.name;
    all.ends += tally.ends;
    all.sure += tally.sure;
  }
  return all;
}

TEST(LadderStates, AgreeWithTheHostsInEveryScenario) {
  for (const uint64_t seed : {uint64_t{1}, uint64_t{2}, uint64_t{77}}) {
    const Tally tally = compare_all({.seed = seed});
    EXPECT_GT(tally.ends, 500U);
    EXPECT_GT(tally.sure * 100, tally.ends * 90) << tally.sure << " of " << tally.ends;
  }
}

TEST(LadderStates, AgreeWithTheHostsWhateverTheWireDoes) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    DemoSettings settings{.seed = seed};
    settings.loss_ppm = 150'000;
    settings.duplicate_ppm = 50'000;
    settings.reorder_ppm = 100'000;
    const Tally tally = compare_all(settings);
    EXPECT_GT(tally.sure * 100, tally.ends * 88) << tally.sure << " of " << tally.ends;
  }
}

}  // namespace

}  // namespace rapport::app
