// Keeping a run, and words for numbers.
#include "rapport/app/worlds/why_question.hh"

#include "rapport/app/demo_stage.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

// At most one decimal, and none that is 0.
std::string decimal(uint64_t value, uint64_t unit) {
  const uint64_t tenths = (value * 10 + unit / 2) / unit;
  if (tenths % 10 == 0) return grouped(tenths / 10);
  return fmt::format("{}.{}", grouped(tenths / 10), tenths % 10);
}

std::string octets(uint64_t value) {
  constexpr uint64_t kibi = 1024;
  if (value >= kibi * kibi * kibi) return decimal(value, kibi * kibi * kibi) + " GiB";
  if (value >= kibi * kibi) return decimal(value, kibi * kibi) + " MiB";
  if (value >= 10 * kibi) return decimal(value, kibi) + " KiB";
  return grouped(value);
}

std::string rate(uint64_t bits_per_second) {
  if (bits_per_second >= 1'000'000'000) return decimal(bits_per_second, 1'000'000'000) + " Gbit/s";
  if (bits_per_second >= 1'000'000) return decimal(bits_per_second, 1'000'000) + " Mbit/s";
  return decimal(bits_per_second, 1'000) + " kbit/s";
}

}  // namespace

std::string grouped(uint64_t value) {
  std::string s = std::to_string(value);
  for (size_t left = s.size(); left > 3; left -= 3) s.insert(left - 3, 1, ',');
  return s;
}

std::string quantity(uint64_t value, Unit unit) {
  switch (unit) {
    case Unit::Number: break;
    case Unit::Octets: return octets(value);
    case Unit::Time: return observe::length_words({static_cast<int64_t>(value)});
    case Unit::BitsPerSecond: return rate(value);
  }
  return grouped(value);
}

observe::Story Run::story() const {
  observe::Story s;
  s.hosts = hosts;
  s.records = records;
  s.wires = wires;
  s.remarks = remarks;
  return s;
}

void Run::keep_only(uint32_t client, uint16_t port) {
  std::erase_if(records, [&](const HostRecord& r) {
    const FlowKey& key = r.record.header.key;
    if (key.remote_port == 0) return false;
    return (r.host == client ? key.local_port : key.remote_port) != port;
  });
}

void Run::leave_out(uint32_t first, uint32_t last, uint32_t host, std::string words) {
  const auto outside = [&](const HostRecord& r) { return r.order < first || r.order >= last; };
  const auto found = std::ranges::find_if_not(records, outside);
  if (found == records.end()) return;
  remarks.push_back({host, last, found->record.header.at, std::move(words), false, false});
  std::erase_if(records, [&](const HostRecord& r) { return !outside(r); });
}

Run run_of(const Stage& stage) {
  const observe::Story story = stage.story();
  Run run;
  run.hosts = story.hosts;
  run.records.assign(story.records.begin(), story.records.end());
  run.wires.assign(story.wires.begin(), story.wires.end());
  run.remarks = story.remarks;
  run.ladders = stage.ladders;
  return run;
}

std::vector<Question> all_questions() {
  std::vector<Question> out;
  for (const auto group :
       {searched_questions(), open_questions(), close_questions(), attack_questions(),
        reset_questions(), old_questions(), path_questions()})
    out.insert(out.end(), group.begin(), group.end());
  return out;
}

}  // namespace rapport::app
