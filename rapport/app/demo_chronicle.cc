// Reading two traces and telling one connection's story.
#include "rapport/app/demo_chronicle.hh"

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/story.hh"
#include "rapport/shard/shard.hh"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

constexpr uint32_t kTraceRecords = 1 << 14;  // of each host, between two readings
constexpr uint8_t kSnap = 32;                // octets of text that are kept
constexpr size_t kMostRecords = 400;         // of one connection
constexpr size_t kMostLives = 256;
constexpr uint32_t kClient = 0;

bool is_segment(const HostRecord& r, Direction d) {
  return r.record.header.kind == TraceKind::Segment
         && r.record.as<TraceSegment>().direction == static_cast<uint8_t>(d);
}

// Those of one instant stay as they came. (std::stable_sort asks for memory in a way that clang 19
// finds deprecated in this library.)
std::vector<HostRecord> in_order_of_time(const std::vector<HostRecord>& records) {
  std::vector<size_t> places(records.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::ranges::sort(places, {},
                    [&](size_t i) { return std::pair(records[i].record.header.at, i); });
  std::vector<HostRecord> sorted;
  sorted.reserve(records.size());
  for (const size_t i : places) sorted.push_back(records[i]);
  return sorted;
}

}  // namespace

Chronicle::Chronicle(shard::Shard& client, shard::Shard& server, Duration way)
    : shards_{&client, &server}, way_(way) {
  for (shard::Shard* s : shards_) {
    s->stack().trace().enable(kTraceRecords);
    s->stack().trace().set_snap_length(kSnap);
  }
}

Instant Chronicle::now() const {
  const auto since = std::chrono::steady_clock::now() - began_;
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

void Chronicle::gather() {
  for (uint32_t h = 0; h < shards_.size(); ++h) read(h);
  shed();
}

void Chronicle::read(uint32_t host) {
  shard::Shard& shard = *shards_.at(host);
  HostRecord r{host, 0, {}};
  while (shard.stack().trace().read(r.record)) {
    TraceHeader& h = r.record.header;
    const auto since = shard.to_steady(h.at) - began_;
    h.at = {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
    const uint16_t port = host == kClient ? h.key.local_port : h.key.remote_port;
    if (port == 0) continue;  // a listener's
    const auto [life, fresh] = lives_.try_emplace(port);
    if (fresh) order_.push_back(port);
    if (life->second.records.size() < kMostRecords) {
      life->second.records.push_back(r);
    } else {
      ++life->second.left_out;
    }
  }
}

// The oldest go; the latest that ended stays.
void Chronicle::shed() {
  for (auto p = order_.begin(); p != order_.end() && lives_.size() > kMostLives;) {
    if (*p == latest_) {
      ++p;
      continue;
    }
    lives_.erase(*p);
    p = order_.erase(p);
  }
}

std::string Chronicle::ladder(uint16_t client_port, size_t width) {
  gather();
  const auto life = lives_.find(client_port);
  return life == lives_.end() ? std::string() : draw(life->second, width);
}

void Chronicle::end(uint16_t client_port) {
  gather();
  if (lives_.contains(client_port)) latest_ = client_port;
}

std::string Chronicle::latest(size_t width) {
  return latest_ == 0 ? std::string() : ladder(latest_, width);
}

std::string Chronicle::draw(const Life& life, size_t width) const {
  std::vector<HostRecord> records = in_order_of_time(life.records);
  // What is on its way right now would look lost.
  const Instant recent = now() - 2 * way_ - 5_ms;
  std::erase_if(records, [&](const HostRecord& r) {
    if (!is_segment(r, Direction::Sent) || r.record.header.at < recent) return false;
    return std::ranges::none_of(records, [&](const HostRecord& a) {
      return a.host != r.host && is_segment(a, Direction::Received)
             && a.record.as<TraceSegment>().serial == r.record.as<TraceSegment>().serial;
    });
  });
  if (records.empty()) return {};
  const Instant first = records.front().record.header.at;
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].order = static_cast<uint32_t>(i);
    records[i].record.header.at = Instant{} + (records[i].record.header.at - first);
  }
  observe::Story story;
  story.hosts = {"client", "server"};
  story.records = records;
  std::string out = observe::ladder(story, {.width = width});
  if (life.left_out > 0) out += fmt::format("    {} later records are not shown\n", life.left_out);
  return out;
}

}  // namespace rapport::app
