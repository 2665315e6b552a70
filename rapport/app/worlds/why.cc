// The verb `why`: what happens without a rule. Plays two worlds from one seed, with the rule and
// without, and prints both ladders, the harm in numbers of these very runs and what the RFCs say.
// The same question and seed print the same bytes.
#include "rapport/app/page.hh"
#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/verbs.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/strip.hh"
#include "rapport/sim/record/recording.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

constexpr int kNotShown = 1;

struct WhyArguments {
  std::string question, seed = "1", record;
  bool list = false, json = false, no_ladder = false;
  PageArguments page;
};

std::string question_names() {
  std::string out;
  for (const Question& q : all_questions()) out += (out.empty() ? "" : ", ") + std::string(q.name);
  return out;
}

void list_questions() {
  for (const Question& q : all_questions()) fmt::print("{:<24} {}\n", q.name, q.line);
}

// Each question is answered for it.
int list_harms(uint64_t seed) {
  bool all = true;
  for (const Question& q : all_questions()) {
    fmt::print("{:<24} {}\n", q.name, q.line);
    const Answer answer = q.answer({.seed = seed});
    for (const Figure& f : std::span(answer.figures).first(answer.headlines)) {
      fmt::print("{:>24} {}: {} {}, {} {}\n", "", f.words, quantity(f.with, f.unit),
                 answer.with_column, quantity(f.without, f.unit), answer.without_column);
    }
    std::fflush(stdout);
    all = all && answer.shown;
  }
  return all ? 0 : kNotShown;
}

// --- as text ---

void print(const observe::Strip& strip, const Page& page) {
  fmt::print("{}\n", strip.render(page.colour));
}

void print_title(std::string_view text, const Page& page) {
  fmt::print("\n");
  print(observe::Strip(text, observe::Ink::Strong), page);
}

void print_wrapped(std::string_view text, size_t indent, const Page& page) {
  const std::string margin(indent, ' ');
  for (const std::string& l : observe::paragraph(text, page.width - 2 * indent, 0))
    fmt::print("{}{}\n", margin, l);
}

// The trace names an event by the clause that is carried out; off is the condition before it.
constexpr std::string_view kNamesKept =
    "Events keep their names, also where the rule they name is off.";

void print_run(std::string_view title, const Run& run, const Page& page, bool rule_is_off = false) {
  print_title(title, page);
  if (rule_is_off) print_wrapped(kNamesKept, 2, page);
  for (const auto& [left, right] : run.ladders) {
    const observe::LadderStyle style{.width = page.width,
                                     .ascii = page.ascii,
                                     .colour = page.colour,
                                     .left = left,
                                     .right = right};
    fmt::print("\n{}", observe::ladder(run.story(), style));
  }
}

constexpr size_t kColumn = 15;

// "  words          12          34", the words broken where they need more than is left.
void print_row(const std::string& words, const std::vector<std::string>& values, const Page& page) {
  const size_t room = page.width - 3 - (kColumn + 1) * values.size();
  const std::vector<std::string> lines = observe::paragraph(words, room, 2);
  for (size_t i = 0; i < lines.size(); ++i) {
    observe::Strip strip("  " + lines[i]);
    strip.pad_to(room + 2);
    if (i + 1 == lines.size()) {
      for (const std::string& v : values) strip.add(fmt::format(" {:>{}}", v, kColumn));
    }
    print(strip, page);
  }
}

void print_figures(const Answer& answer, const Page& page) {
  print_title(answer.also.empty() ? "The harm, counted in these two runs"
                                  : "The harm, counted in these runs",
              page);
  print_row("", {answer.with_column, answer.without_column}, page);
  for (const Figure& f : answer.figures)
    print_row(f.words, {quantity(f.with, f.unit), quantity(f.without, f.unit)}, page);
  for (const Table& t : answer.tables) {
    print_title(t.title, page);
    print_row("", t.columns, page);
    for (const Table::Row& row : t.rows) {
      std::vector<std::string> values;
      for (const uint64_t v : row.values) values.push_back(quantity(v, t.unit));
      print_row(row.words, values, page);
    }
  }
}

void print_answer(const Question& question, const Answer& answer, const WhyArguments& a,
                  const Page& page) {
  print(observe::Strip(
            fmt::format("{}{}{}", question.name, page.ascii ? " - " : " – ", question.line),
            observe::Ink::Strong),
        page);
  print_wrapped(fmt::format("seed {}, in virtual time. {}", a.seed, answer.origin), 0, page);
  if (!a.no_ladder) {
    print_run(answer.with_title, answer.with, page);
    print_run(answer.without_title, answer.without, page, question.rule.has_value());
    for (const Pair& pair : answer.also) {
      fmt::print("\n");
      print_wrapped(pair.origin, 0, page);
      print_run(pair.with_title, pair.with, page);
      print_run(pair.without_title, pair.without, page, question.rule.has_value());
    }
  }
  print_figures(answer, page);
  print_title("Why", page);
  for (const std::string& s : answer.sentences) print_wrapped(s, 2, page);
}

// --- as JSON ---

using Json = nlohmann::ordered_json;

std::string_view name(Unit unit) {
  constexpr std::array<std::string_view, 4> names{"number", "octets", "ns", "bits-per-second"};
  return names[static_cast<size_t>(unit)];
}

Json json_of(const Figure& f) {
  return {{"name", f.name},
          {"words", f.words},
          {"unit", name(f.unit)},
          {"with", f.with},
          {"without", f.without}};
}

Json json_of(const Table& t) {
  Json rows = Json::array();
  for (const Table::Row& r : t.rows) rows.push_back({{"words", r.words}, {"values", r.values}});
  return {{"name", t.name},
          {"words", t.title},
          {"unit", name(t.unit)},
          {"columns", t.columns},
          {"rows", rows}};
}

void print_json(const Question& question, const Answer& answer, uint64_t seed) {
  Json figures = Json::array(), tables = Json::array();
  for (const Figure& f : answer.figures) figures.push_back(json_of(f));
  for (const Table& t : answer.tables) tables.push_back(json_of(t));
  const Json out = {{"question", question.name},
                    {"asks", question.line},
                    {"seed", seed},
                    {"switched_off", question.rule.has_value()},
                    {"world", answer.origin},
                    {"shown", answer.shown},
                    {"figures", figures},
                    {"tables", tables},
                    {"why", answer.sentences}};
  fmt::print("{}\n", out.dump(2));
}

sim::RecordingAbout about_of(const Question& question, uint64_t seed) {
  return {.program = program_words(),
          .seed = seed,
          .asked = fmt::format("why {}", question.name),
          .rules_off = {std::string(question.name)}};
}

int run_why(const WhyArguments& a) {
  if (a.list && a.json) throw Misuse("--list --json: the list is plain text, without --json");
  const uint64_t seed = whole_number("--seed", a.seed, 0, UINT64_MAX);
  if (a.list && !a.record.empty()) throw Misuse("--list --record: one question can be recorded");
  if (a.list) return list_harms(seed);
  if (a.question.empty()) {
    if (!a.record.empty()) throw Misuse("--record: of which question? (`rapport why` names them)");
    list_questions();
    return 0;
  }
  const std::vector<Question> all = all_questions();
  const auto question = std::ranges::find(all, a.question, &Question::name);
  if (question == all.end()) {
    throw Misuse(
        fmt::format("there is no question \"{}\"; there are: {}", a.question, question_names()));
  }
  const Page page = page_of(a.page);
  const bool records = !a.record.empty();
  if (records && !question->found)
    throw Misuse("--record: only for a question whose world the explorer finds");
  if (records) check_writable("--record", a.record);
  sim::Recording recording(about_of(*question, seed));
  const Answer answer =
      question->answer({.seed = seed, .recording = records ? &recording : nullptr});
  if (a.json) {
    print_json(*question, answer, seed);
  } else {
    print_answer(*question, answer, a, page);
  }
  if (records) {  // the run without the rule
    recording.ladder(0, 1);
    write_whole("--record", a.record, recording.finish());
  }
  return answer.shown ? 0 : kNotShown;
}

}  // namespace

void add_why(CLI::App& program, int& status) {
  CLI::App* why = program.add_subcommand(
      "why", "Why a rule of TCP is there: the same world with the rule and without.");
  const auto a = std::make_shared<WhyArguments>();
  why->add_option("question", a->question, "What to answer; without one, all are named");
  why->add_flag("--list", a->list, "Name the questions, and answer each in short");
  why->add_option("--seed", a->seed, "Fixes every draw: the same seed prints the same bytes (1)")
      ->type_name("N");
  why->add_flag("--no-ladder", a->no_ladder, "Only the numbers and the reason");
  why->add_flag("--json", a->json, "Print the numbers as JSON, without the ladders");
  why->add_option("--record", a->record,
                  "Write the run without the rule down for `rapport replay`, where the explorer\n"
                  "found it")
      ->type_name("FILE")
      ->check(must_be_named);
  add_page_options(*why, a->page);
  why->callback([a, &status] { status = run_why(*a); });
}

}  // namespace rapport::app
