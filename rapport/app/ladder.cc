// The verb `ladder`: draws the connections of captures, or of the lines of `demo --json`, as
// ladders.
#include "rapport/app/ladder_file.hh"
#include "rapport/app/ladder_json.hh"
#include "rapport/app/ladder_print.hh"
#include "rapport/app/page.hh"
#include "rapport/app/verbs.hh"
#include "rapport/observe/capture.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>

namespace rapport::app {

namespace {

constexpr uint64_t kMostRows = 100'000;   // of one ladder
constexpr size_t kRowsOfAll = 1'000'000;  // and of all

// As given; read into values before a file is opened.
struct LadderArguments {
  std::vector<std::string> files;
  std::string connection, port, limit = "200";
  bool all = false;
  PageArguments page;
};

observe::Wanted wanted_of(const LadderArguments& a) {
  observe::Wanted w;
  w.keeping.rows = whole_number("--limit", a.limit, 4, kMostRows);
  w.keeping.fold = !a.all;
  w.ladders = std::min(w.ladders, kRowsOfAll / w.keeping.rows);
  if (!a.connection.empty())
    w.connection = whole_number("--connection", a.connection, 1, UINT32_MAX);
  if (!a.port.empty())
    w.port = static_cast<uint16_t>(whole_number("--port", a.port, 1, UINT16_MAX));
  return w;
}

// True when the file was whole.
bool draw(const std::string& path, const LadderArguments& a, const Page& page) {
  const observe::Wanted wanted = wanted_of(a);
  const std::string name = path == "-" ? "standard input" : path;
  File file = open_input(path);
  std::string fault;
  if (holds_json(file.get())) {
    fault = draw_json(file.get(), name, wanted, page);
  } else {
    observe::Capture capture(wanted);
    fault = read_capture(std::move(file), name, capture);
    capture.finish();
    if (fault.empty()) refuse_missing(capture, wanted, name);
    print_capture(capture, name, page);
  }
  (void)std::fflush(stdout);
  if (!fault.empty()) fmt::print(stderr, "rapport ladder: {}: {}\n", name, fault);
  return fault.empty();
}

int draw_all(const LadderArguments& a) {
  const Page page = page_of(a.page);
  int status = 0;
  bool first = true;
  for (const std::string& path : a.files) {
    if (!std::exchange(first, false)) fmt::print("\n");
    if (!draw(path, a, page)) status = 1;
  }
  return status;
}

}  // namespace

void add_ladder(CLI::App& program, int& status) {
  CLI::App* verb = program.add_subcommand(
      "ladder",
      "Draw the TCP connections of a capture, anybody's, or of the lines of demo --json.");
  const auto a = std::make_shared<LadderArguments>();
  verb->add_option("FILE", a->files, "pcap, pcapng or JSON; - is standard input")->required();
  verb->add_option("--connection", a->connection, "Only this one of the list")->type_name("N");
  verb->add_option("--port", a->port, "Only those with this port at one end")->type_name("N");
  verb->add_option("--limit", a->limit, "The most rows of one ladder; the middle is left out (200)")
      ->type_name("N");
  verb->add_flag("--all", a->all, "A row for every segment: no runs of text and ACKs folded");
  add_page_options(*verb, a->page);
  verb->footer(
      "States are inferred from what passed; STATE? is what the capture leaves open. A broken file "
      "is drawn as far\nas it can be read, and the exit status is 1.");
  verb->callback([a, &status] { status = draw_all(*a); });
}

}  // namespace rapport::app
