// Words for a replay.
#include "rapport/app/replay_show.hh"

#include "rapport/app/page.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/record/replay.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rapport::app {

namespace {

constexpr size_t kMostLadders = 10;
constexpr size_t kMostChanges = 4;  // of state, in one line
constexpr size_t kEthernetHeader = 14;

using Pair = std::pair<uint32_t, uint32_t>;

std::string host_name(const sim::Replay& replay, uint32_t h) {
  const auto names = replay.hosts();
  return h < names.size() && !names[h].empty() ? names[h] : fmt::format("host {}", h);
}

// "client ESTABLISHED → FIN-WAIT-1, server ..."
std::string changes_of(const sim::Replay& replay, const Page& page) {
  std::string out;
  size_t changes = 0;
  for (const HostRecord& r : replay.moment().records) {
    if (r.record.header.kind != TraceKind::Transition) continue;
    if (++changes > kMostChanges) continue;
    const auto t = r.record.as<TraceTransition>();
    out += fmt::format("{}{} {} {}", out.empty() ? "" : ", ",
                       tcp::name(static_cast<tcp::State>(t.from)), page.ascii ? "->" : "→",
                       tcp::name(static_cast<tcp::State>(t.to)));
  }
  if (changes > kMostChanges) out += fmt::format(" and {} more", changes - kMostChanges);
  return out;
}

std::vector<Pair> pairs_of(const sim::Replay& replay) {
  std::vector<Pair> pairs = replay.ladders();
  const size_t hosts = replay.hosts().size();
  std::erase_if(pairs, [&](const Pair& p) { return p.first >= hosts || p.second >= hosts; });
  if (!pairs.empty()) return pairs;
  for (const WireRecord& w : replay.wires()) {
    if (w.from_host >= hosts || w.to_host >= hosts) continue;
    const auto same = [&](const Pair& p) {
      return std::minmax(p.first, p.second) == std::minmax(w.from_host, w.to_host);
    };
    if (std::ranges::none_of(pairs, same)) pairs.emplace_back(w.from_host, w.to_host);
  }
  return pairs;
}

std::string divergence_words(const sim::Replay& replay) {
  const sim::Replay::Divergence& d = replay.divergence();
  return fmt::format(
      "input {}, {}, {} s: something else came of it: {}\n  recorded  {}\n  came      {}\n",
      d.input, host_name(replay, d.host), observe::seconds(d.at), d.asked, d.recorded, d.came);
}

}  // namespace

std::string step_line(const sim::Replay& replay, const Page& page) {
  const sim::Replay::Moment& m = replay.moment();
  std::string out =
      fmt::format("{:>6} {:>10} {:<10} {}: {}", m.input, observe::seconds(m.at),
                  host_name(replay, m.host), m.asked, m.answer.empty() ? "no answer" : m.answer);
  const std::string changes = changes_of(replay, page);
  if (!changes.empty()) out += "; " + changes;
  if (m.frames > 0) out += "; " + observe::counted(m.frames, "frame") + " sent";
  return out;
}

observe::Story story_of(const sim::Replay& replay) {
  observe::Story story;
  story.hosts = replay.hosts();
  story.records = replay.records();
  story.wires = replay.wires();
  story.goes_on = replay.state() != sim::Replay::State::Finished;
  for (const sim::Replay::Placed& p : replay.notes()) {
    if (p.note.host >= story.hosts.size()) continue;
    story.remarks.push_back(
        {p.note.host, p.before, p.note.at, p.note.text, p.note.forgets, p.note.closes});
  }
  return story;
}

void print_ladders(const sim::Replay& replay, const Page& page) {
  const observe::Story story = story_of(replay);
  const std::vector<Pair> pairs = pairs_of(replay);
  for (size_t i = 0; i < std::min(pairs.size(), kMostLadders); ++i) {
    const observe::LadderStyle style{.width = page.width,
                                     .ascii = page.ascii,
                                     .colour = page.colour,
                                     .left = pairs[i].first,
                                     .right = pairs[i].second};
    fmt::print("\n{}", observe::ladder(story, style));
  }
  if (pairs.size() > kMostLadders)
    fmt::print("\n{} more pairs of hosts are not drawn\n", pairs.size() - kMostLadders);
}

void capture_packets(const sim::Replay& replay, observe::Capture& capture) {
  for (const sim::Replay::Moment::Packet& p : replay.moment().packets) {
    const size_t skip = p.ethernet ? std::min(kEthernetHeader, p.octets.size()) : 0;
    const std::span packet = std::span(p.octets).subspan(skip);
    const bool ip = !packet.empty() && (packet[0] >> 4 == 4 || packet[0] >> 4 == 6);
    if (ip) {
      capture.packet(packet, packet.size(), p.at);
    } else {
      capture.other_packet();
    }
  }
}

std::string title_of(const sim::Replay& replay, const Page& page) {
  const sim::RecordingAbout& about = replay.about();
  std::string out =
      fmt::format("{} {} recorded by {}", about.asked, page.ascii ? "-" : "–", about.program);
  if (about.seed != 0) out += fmt::format(", seed {}", about.seed);
  if (!about.rules_off.empty())
    out += fmt::format(", rules off: {}", fmt::join(about.rules_off, ", "));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::string summary_of(const sim::Replay& replay) {
  using State = sim::Replay::State;
  if (replay.state() == State::Diverged) return divergence_words(replay);
  std::string hosts;
  for (const std::string& name : replay.hosts())
    hosts += (hosts.empty() ? " (" : ", ") + (name.empty() ? "?" : name);
  if (!hosts.empty()) hosts += ")";
  std::string out = fmt::format(
      "{} to {}{} within {} s, {} sent: every answer, event and frame as recorded, {} the same\n",
      observe::counted(replay.inputs(), "input"), observe::counted(replay.hosts().size(), "host"),
      hosts, observe::seconds(replay.now()), observe::counted(replay.frames(), "frame"),
      observe::counted(replay.compared(), "fingerprint"));
  if (replay.state() == State::Going) out += "stopped there: the recording goes on\n";
  return out;
}

}  // namespace rapport::app
