// Pairs of hosts, and their ladders.
#include "rapport/app/ladder_json.hh"

#include "rapport/app/ladder_records.hh"
#include "rapport/app/page.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

constexpr size_t kMostRecords = 20'000;
constexpr size_t kLongestLine = 1 << 16;

// A line without its end; false at the end of the file.
bool read_line(std::FILE* file, std::string& line) {
  line.clear();
  int c = std::fgetc(file);
  if (c == EOF) return false;
  for (; c != EOF && c != '\n' && line.size() < kLongestLine; c = std::fgetc(file))
    line.push_back(static_cast<char>(c));
  return true;
}

struct Pair {
  uint32_t left, right;
  size_t segments = 0;
};

// Who has the address of the other end.
std::optional<uint32_t> peer_of(const observe::Story& story, const HostRecord& r) {
  for (const HostRecord& o : story.records) {
    if (o.host != r.host && o.record.header.local == r.record.header.key.remote) return o.host;
  }
  if (story.hosts.size() == 2) return 1 - r.host;
  return std::nullopt;
}

bool is_sent(const HostRecord& r) {
  return r.record.header.kind == TraceKind::Segment
         && r.record.as<TraceSegment>().direction == static_cast<uint8_t>(Direction::Sent);
}

// Hosts that sent each other segments, who began on the left.
std::vector<Pair> pairs_of(const observe::Story& story) {
  std::vector<Pair> pairs;
  for (const HostRecord& r : story.records) {
    if (!is_sent(r)) continue;
    const auto peer = peer_of(story, r);
    if (!peer) continue;
    const auto known = std::ranges::find_if(pairs, [&](const Pair& p) {
      return std::minmax(p.left, p.right) == std::minmax(r.host, *peer);
    });
    if (known == pairs.end()) {
      pairs.push_back({r.host, *peer, 1});
    } else {
      ++known->segments;
    }
  }
  return pairs;
}

std::vector<HostRecord> with_port(const observe::Story& story, uint16_t port) {
  std::vector<HostRecord> out;
  std::ranges::copy_if(story.records, std::back_inserter(out), [&](const HostRecord& r) {
    const FlowKey& key = r.record.header.key;
    return key.local_port == port || key.remote_port == port;
  });
  return out;
}

void print_pairs(const observe::Story& story, const observe::Wanted& wanted, const Page& page) {
  const std::vector<Pair> pairs = pairs_of(story);
  for (size_t i = 0; i < pairs.size(); ++i) {
    fmt::print("  {}  {} {} {}  {}\n", i + 1, story.hosts[pairs[i].left], page.ascii ? "-" : "–",
               story.hosts[pairs[i].right], observe::counted(pairs[i].segments, "segment"));
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (wanted.connection && *wanted.connection != i + 1) continue;
    const observe::LadderStyle style{.width = page.width,
                                     .ascii = page.ascii,
                                     .colour = page.colour,
                                     .left = pairs[i].left,
                                     .right = pairs[i].right};
    fmt::print("\n{}\n{}", i + 1, observe::ladder(story, style));
  }
}

}  // namespace

std::string draw_json(std::FILE* file, const std::string& name, const observe::Wanted& wanted,
                      const Page& page) {
  JsonStory lines;
  std::string line, fault;
  size_t n = 0;
  while (fault.empty() && read_line(file, line)) {
    ++n;
    if (lines.size() >= kMostRecords) {
      fault = fmt::format("line {}: only the {} records before it are drawn", n, kMostRecords);
      break;
    }
    try {
      lines.take(line);
    } catch (const std::exception& e) {
      fault = fmt::format("line {}: no record of demo --json: {}; what follows is not drawn", n,
                          e.what());
    }
  }
  if (lines.size() == 0) throw Misuse(fmt::format("{}: {}", name, fault));
  observe::Story story = lines.story();
  std::vector<HostRecord> chosen;
  if (wanted.port) {
    chosen = with_port(story, *wanted.port);
    story.records = chosen;
  }
  fmt::print("{}: {}\n", name, observe::counted(lines.size(), "record"));
  print_pairs(story, wanted, page);
  return fault;
}

}  // namespace rapport::app
