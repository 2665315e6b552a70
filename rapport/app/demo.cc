// The verb `demo`: plays a scenario in virtual time and prints its ladder and what is to be learned
// from it, or its trace as JSON. No root, no network, no clock: the same seed prints the same
// bytes.
#include "rapport/app/demo_capture.hh"
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_server.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/app/ladder_file.hh"
#include "rapport/app/page.hh"
#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/json.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/observe/strip.hh"
#include "rapport/sim/record/recording.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rapport::app {

namespace {

constexpr uint64_t kLongestDelay = 10'000;  // milliseconds

// As given; read into values before the play.
struct DemoArguments {
  std::string scenario;
  bool list = false, json = false, serve = false;
  std::string seed = "1", loss = "0", duplicate = "0", reorder = "0", delay = "10";
  std::string pcap, pcap_at, record, port;
  PageArguments page;
};

std::string scenario_names() {
  std::string out;
  for (const Scenario& s : all_scenarios()) out += (out.empty() ? "" : ", ") + std::string(s.name);
  return out;
}

DemoSettings settings_of(const DemoArguments& a) {
  DemoSettings s;
  s.seed = whole_number("--seed", a.seed, 0, UINT64_MAX);
  s.loss_ppm = parts_per_million("--loss", a.loss);
  s.duplicate_ppm = parts_per_million("--duplicate", a.duplicate);
  s.reorder_ppm = parts_per_million("--reorder", a.reorder);
  s.delay = static_cast<int64_t>(whole_number("--delay", a.delay, 0, kLongestDelay)) * 1_ms;
  return s;
}

void print(const observe::Strip& strip, const Page& page) {
  fmt::print("{}\n", strip.render(page.colour));
}

void print_wrapped(std::string_view text, size_t indent, const Page& page) {
  const std::string margin(indent, ' ');
  for (const std::string& l : observe::paragraph(text, page.width - 2 * indent, 0))
    fmt::print("{}{}\n", margin, l);
}

void list_scenarios() {
  for (const Scenario& s : all_scenarios()) fmt::print("{:<22} {}\n", s.name, s.line);
}

// --- what is said under the ladder ---

// What the wire did besides carrying, unless nothing.
std::string wire_summary(const Stage& stage, const observe::Story& story) {
  const DemoSettings& s = stage.settings();
  if (s.loss_ppm == 0 && s.duplicate_ppm == 0 && s.reorder_ppm == 0) return {};
  size_t lost = 0, doubled = 0, held = 0;
  for (const WireRecord& w : story.wires) {
    if (w.fate == Fate::Lost) ++lost;
    if (w.fate == Fate::Duplicated) ++doubled;
    if (w.fate == Fate::Delivered && w.held > 0_ns) ++held;
  }
  const observe::Facts facts(story);
  size_t again = 0;
  for (uint32_t h = 0; h < story.hosts.size(); ++h) again += facts.retransmissions(h);
  return fmt::format(
      "In this run the wire lost {}, doubled {} and held back {} of {}; {} sent again.", lost,
      doubled, held, observe::counted(story.wires.size() - doubled, "frame"),
      again == 1 ? "1 segment was" : fmt::format("{} segments were", again));
}

void print_telling(const Stage& stage, const observe::Story& story, const Scenario& scenario,
                   const Page& page) {
  const observe::Facts facts(story);
  Telling telling;
  scenario.tell(stage, facts, telling);
  for (const Telling::Table& t : telling.tables()) {
    fmt::print("\n");
    print(observe::Strip(t.title, observe::Ink::Strong), page);
    for (const std::string& row : t.rows) {
      for (const std::string& l : observe::paragraph(row, page.width, 20)) fmt::print("{}\n", l);
    }
  }
  fmt::print("\n");
  print(observe::Strip("What was seen", observe::Ink::Strong), page);
  const std::string wire = wire_summary(stage, story);
  if (!wire.empty()) telling.say(wire);
  for (const std::string& s : telling.sentences()) print_wrapped(s, 2, page);
}

void print_title(const Scenario& scenario, const Page& page) {
  const std::string text =
      fmt::format("{}{}{}", scenario.name, page.ascii ? " - " : " – ", scenario.line);
  bool first = true;
  for (const std::string& line : observe::paragraph(text, page.width, 2)) {
    observe::Strip strip;
    if (first) strip.add(scenario.name, observe::Ink::Strong);
    strip.add(std::string_view(line).substr(first ? scenario.name.size() : 0));
    print(strip, page);
    first = false;
  }
}

void print_play(const Stage& stage, const Scenario& scenario, const Page& page) {
  const observe::Story story = stage.story();
  print_title(scenario, page);
  const DemoSettings& s = stage.settings();
  print(observe::Strip(fmt::format("seed {}, {} each way, in virtual time", s.seed,
                                   observe::length_words(s.delay)),
                       observe::Ink::Dim),
        page);
  for (const auto& [left, right] : stage.ladders) {
    const observe::LadderStyle style{.width = page.width,
                                     .ascii = page.ascii,
                                     .colour = page.colour,
                                     .left = left,
                                     .right = right};
    fmt::print("\n{}", observe::ladder(story, style));
  }
  print_telling(stage, story, scenario, page);
}

uint32_t host_of(const Stage& stage, const std::string& name) {
  if (name.empty()) return stage.ladders.front().first;
  const std::vector<std::string> hosts = stage.story().hosts;
  const auto found = std::ranges::find(hosts, name);
  if (found == hosts.end())
    throw Misuse(fmt::format("--pcap-at {}: the hosts are: {}", name, fmt::join(hosts, ", ")));
  return static_cast<uint32_t>(found - hosts.begin());
}

// As one would type it.
sim::RecordingAbout about_of(const Scenario& scenario, const DemoArguments& a) {
  std::string asked = fmt::format("demo {} --seed {}", scenario.name, a.seed);
  const DemoArguments usual;
  const auto add = [&](std::string_view option, const std::string& value, const std::string& is) {
    if (value != is) asked += fmt::format(" {} {}", option, value);
  };
  add("--loss", a.loss, usual.loss);
  add("--duplicate", a.duplicate, usual.duplicate);
  add("--reorder", a.reorder, usual.reorder);
  add("--delay", a.delay, usual.delay);
  return {.program = program_words(), .seed = settings_of(a).seed, .asked = std::move(asked)};
}

int run_server(const DemoArguments& a) {
  if (!a.scenario.empty() || a.list || a.json || !a.pcap.empty() || !a.record.empty())
    throw Misuse("--serve: without a scenario, --list, --json, --pcap or --record");
  const auto port = static_cast<uint16_t>(
      whole_number("--port", a.port.empty() ? "8080" : a.port, 0, UINT16_MAX));
  return serve_demo(settings_of(a), port);
}

void run_demo(const DemoArguments& a) {
  if (!a.port.empty()) throw Misuse("--port: only with --serve");
  if (!a.pcap_at.empty() && a.pcap.empty()) throw Misuse("--pcap-at: only with --pcap");
  if (a.list && a.json) throw Misuse("--list --json: the list is plain text, without --json");
  if (a.list) return list_scenarios();
  const Scenario* scenario = find_scenario(a.scenario.empty() ? "life" : a.scenario);
  if (scenario == nullptr) {
    throw Misuse(
        fmt::format("there is no scenario \"{}\"; there are: {}", a.scenario, scenario_names()));
  }
  const DemoSettings settings = settings_of(a);
  const Page page = page_of(a.page);
  if (!a.record.empty()) check_writable("--record", a.record);
  if (!a.pcap.empty()) check_writable("--pcap", a.pcap);
  sim::Recording recording(about_of(*scenario, a));
  Stage stage(settings);
  if (!a.record.empty()) stage.record(recording);
  scenario->play(stage);
  const uint32_t listens = host_of(stage, a.pcap_at);
  if (a.json) {
    fmt::print("{}", observe::json(stage.story()));
  } else {
    print_play(stage, *scenario, page);
  }
  if (!a.record.empty()) {
    for (const auto& [left, right] : stage.ladders) recording.ladder(left, right);
    write_whole("--record", a.record, recording.finish());
  }
  if (!a.pcap.empty()) write_whole("--pcap", a.pcap, capture_at(stage, listens));
}

}  // namespace

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> out;
  for (const auto group :
       {life_scenarios(), open_scenarios(), close_scenarios(), trouble_scenarios()})
    out.insert(out.end(), group.begin(), group.end());
  return out;
}

const Scenario* find_scenario(std::string_view name) {
  for (const auto group :
       {life_scenarios(), open_scenarios(), close_scenarios(), trouble_scenarios()}) {
    const auto found = std::ranges::find(group, name, &Scenario::name);
    if (found != group.end()) return &*found;
  }
  return nullptr;
}

void add_demo(CLI::App& program, int& status) {
  CLI::App* demo = program.add_subcommand(
      "demo", "Play a scenario between two hosts in virtual time and draw what happened.");
  const auto a = std::make_shared<DemoArguments>();
  demo->add_option("scenario", a->scenario, "What to play; --list names all (life)");
  demo->add_flag("--list", a->list, "Name the scenarios, a line each");
  demo->add_option("--seed", a->seed, "Fixes every draw: the same seed prints the same bytes (1)")
      ->type_name("N");
  demo->add_option("--loss", a->loss, "How likely the wire loses a frame: 0.1 or 10% (0)")
      ->type_name("P");
  demo->add_option("--duplicate", a->duplicate, "How likely it delivers a frame twice (0)")
      ->type_name("P");
  demo->add_option("--reorder", a->reorder, "How likely it holds a frame back (0)")->type_name("P");
  demo->add_option("--delay", a->delay, "How long a frame travels, in ms, up to 10000 (10)")
      ->type_name("MS");
  demo->add_flag("--json", a->json, "Print the trace instead, a record a line");
  demo->add_option("--pcap", a->pcap, "Write what passes the interface of one host as pcapng")
      ->type_name("FILE")
      ->check(must_be_named);
  demo->add_option("--record", a->record, "Write everything down for `rapport replay`")
      ->type_name("FILE")
      ->check(must_be_named);
  demo->add_option("--pcap-at", a->pcap_at, "Which host's (the left one of the ladder)")
      ->type_name("HOST");
  add_page_options(*demo, a->page);
  demo->add_flag("--serve", a->serve,
                 "Serve a page on 127.0.0.1 that shows the connection which delivers it, carried\n"
                 "in real time between two hosts in memory");
  demo->add_option("--port", a->port, "Where to serve; 0: any free one (8080)")->type_name("N");
  demo->callback([a, &status] {
    if (a->serve) {
      status = run_server(*a);
    } else {
      run_demo(*a);
    }
  });
}

}  // namespace rapport::app
