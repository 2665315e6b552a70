// The verb `replay`: asks the stacks of a recording once more what they were asked then, and tells
// the first thing that comes out otherwise.
#include "rapport/sim/record/replay.hh"

#include "rapport/app/beside.hh"
#include "rapport/app/ladder_print.hh"
#include "rapport/app/page.hh"
#include "rapport/app/recording_file.hh"
#include "rapport/app/replay_show.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/build.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/json.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/tcp/rules.hh"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace rapport::app {

namespace {

using State = sim::Replay::State;

constexpr int kDiverged = 1, kDamaged = 2;
constexpr auto kAllHosts =
    "--connection, --port: only for a recording of one host, as serve makes it; this one has all "
    "hosts, and --ladder draws them all";

// As given; read into values before the file is opened.
struct ReplayArguments {
  std::string file;
  bool step = false, ladder = false, json = false;
  std::string until, connection, port;
  PageArguments page;
};

observe::Wanted wanted_of(const ReplayArguments& a) {
  observe::Wanted w;
  if (!a.connection.empty())
    w.connection = whole_number("--connection", a.connection, 1, UINT32_MAX);
  if (!a.port.empty())
    w.port = static_cast<uint16_t>(whole_number("--port", a.port, 1, UINT16_MAX));
  return w;
}

// What was given, for the program that can switch rules off.
[[maybe_unused]] std::vector<std::string> as_given(const ReplayArguments& a) {
  std::vector<std::string> out{"replay", a.file};
  if (a.step) out.emplace_back("--step");
  if (a.ladder) out.emplace_back("--ladder");
  if (a.json) out.emplace_back("--json");
  const auto value = [&](const char* option, const std::string& text) {
    if (!text.empty()) out.insert(out.end(), {option, text});
  };
  value("--until", a.until);
  value("--connection", a.connection);
  value("--port", a.port);
  if (a.page.ascii) out.emplace_back("--ascii");
  value("--width", a.page.width);
  value("--color", a.page.color);
  return out;
}

std::string fault_words(const std::string& file, const sim::RecordingFault& f) {
  return fmt::format("{}: at octet {}: {}", file, f.at, f.what);
}

// Waits for Enter; false when none will come.
bool wait_for_enter() {
  (void)std::fflush(stdout);
  for (int c = std::getchar(); c != '\n'; c = std::getchar()) {
    if (c == EOF) return false;
  }
  return true;
}

class Player {
 public:
  Player(const ReplayArguments& a, sim::Reader reader)
      : a_(a),
        page_(page_of(a.page)),
        until_(a.until.empty() ? UINT64_MAX : whole_number("--until", a.until, 1, UINT64_MAX)),
        wanted_(wanted_of(a)),
        replay_(std::move(reader), {.records = a.ladder || a.json, .packets = a.ladder}),
        capture_(wanted_) {}

  int run() {
    if (!a_.json) fmt::print("{}\n", title_of(replay_, page_));
    bool wait = a_.step && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    while (replay_.inputs() < until_ && replay_.next() == State::Going) {
      if (a_.ladder && !replay_.has_wires()) capture_packets(replay_, capture_);
      if (!a_.step) continue;
      fmt::print(a_.json ? stderr : stdout, "{}\n", step_line(replay_, page_));
      wait = wait && wait_for_enter();
    }
    if (replay_.state() != State::Finished) replay_.gather();
    tell();
    return end();
  }

 private:
  void tell() {
    if (a_.json) fmt::print("{}", observe::json(story_of(replay_)));
    if (!a_.ladder) return;
    if (replay_.has_wires()) {
      if (wanted_.connection || wanted_.port) throw Misuse(kAllHosts);
      return print_ladders(replay_, page_);
    }
    capture_.finish();
    refuse_missing(capture_, wanted_, a_.file);
    fmt::print("\n");
    print_capture(capture_, a_.file, page_);
    fmt::print("\n");
  }

  static void flush() {
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::system_category());
  }

  int end() {
    const bool broken = replay_.state() == State::Damaged || replay_.state() == State::Cut;
    if (broken && replay_.inputs() == 0) throw Misuse(fault_words(a_.file, replay_.fault()));
    flush();
    fmt::print(a_.json ? stderr : stdout, "{}", summary_of(replay_));
    flush();
    if (replay_.state() == State::Diverged) return kDiverged;
    if (!broken) return 0;
    fmt::print(stderr, "rapport replay: {}; what is before it was replayed\n",
               fault_words(a_.file, replay_.fault()));
    return kDamaged;
  }

  const ReplayArguments& a_;
  Page page_;
  uint64_t until_;
  observe::Wanted wanted_;
  sim::Replay replay_;
  observe::Capture capture_;
};

// The second build knows which rules can be off; a file that names another is not of this version.
template <bool switchable>
void refuse_unknown(const std::string& file, const std::vector<std::string>& off) {
  if constexpr (switchable) {
    for (const std::string& rule : off) {
      if (!tcp::RuleSwitches<switchable>::find(rule))
        throw Misuse(fmt::format("{}: recorded without {}, which is no rule's name", file, rule));
    }
  }
}

int run_replay(const ReplayArguments& a) {
  const MappedFile file(a.file);
  auto reader = sim::Reader::open(file.octets());
  if (!reader) throw Misuse(fault_words(a.file, reader.error()));
  if constexpr (!kRuleSwitches) {
    if (!reader->about().rules_off.empty()) become_worlds(as_given(a));
  }
  refuse_unknown<kRuleSwitches>(a.file, reader->about().rules_off);
  return Player(a, std::move(*reader)).run();
}

}  // namespace

void add_replay(CLI::App& program, int& status) {
  CLI::App* verb = program.add_subcommand(
      "replay", "Do again what a recording says that stacks were asked, and compare what comes.");
  const auto a = std::make_shared<ReplayArguments>();
  verb->add_option("FILE", a->file, "What --record of demo, sim, explore, why or serve has written")
      ->required();
  verb->add_flag("--step", a->step,
                 "A line for each input and what it led to; on a terminal, Enter goes on");
  CLI::Option* ladder = verb->add_flag("--ladder", a->ladder, "Draw what happened as ladders");
  verb->add_flag("--json", a->json, "Print the trace instead, a record a line");
  verb->add_option("--until", a->until, "Stop after this input, counted from 1")->type_name("N");
  verb->add_option("--connection", a->connection,
                   "Of a recording of serve, the ladder of this connection alone")
      ->type_name("N")
      ->needs(ladder);
  verb->add_option("--port", a->port, "...of the connections with this port alone")
      ->type_name("N")
      ->needs(ladder);
  add_page_options(*verb, a->page);
  verb->footer(
      "Exit status: 0 when everything came as recorded, 1 at the first thing that did not, 2 when "
      "the file is damaged,\ncut short or of another version; what is before the damage is "
      "replayed.");
  verb->callback([a, &status] { status = run_replay(*a); });
}

}  // namespace rapport::app
