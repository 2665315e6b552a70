// The verb `play`: packet scripts against the stack, in this process and in virtual time.
#include "rapport/app/page.hh"
#include "rapport/app/play_files.hh"
#include "rapport/app/play_judge.hh"
#include "rapport/app/verbs.hh"
#include "rapport/observe/names.hh"
#include "rapport/play/judge.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/script.hh"
#include "rapport/play/verdict.hh"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <malloc.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMostJobs = 256;

struct PlayArguments {
  std::vector<std::string> paths, rules, defines;
  std::string profile = "strict", dialect = "auto", settings = "default", jobs = "1";
  std::string ip_version, mtu;
  bool allow_leftover = false, no_skip = false, json = false, quiet = false, no_ladder = false;
  PageArguments page;
};

struct Tally {
  uint64_t passed = 0, failed = 0, skipped = 0, wrong = 0;
};

std::string all_rules() {
  std::string out;
  for (size_t i = 0; i < play::kRules; ++i) {
    const auto r = static_cast<play::Rule>(i);
    out += fmt::format("\n  {:18} {}", play::name(r), play::meaning(r));
  }
  return out;
}

std::string rule_names() {
  std::string out;
  for (size_t i = 0; i < play::kRules; ++i) {
    out += (i == 0 ? "" : ", ") + std::string(play::name(static_cast<play::Rule>(i)));
  }
  return out;
}

// NAME=on|off
void switch_rule(const std::string& text, play::Rules& rules) {
  const size_t equals = text.find('=');
  const auto rule = play::rule_named(std::string_view(text).substr(0, equals));
  const std::string_view value =
      equals == std::string::npos ? "" : std::string_view(text).substr(equals + 1);
  if (!rule)
    throw Misuse(
        fmt::format("--rule {}: there is no such rule; there are: {}", text, rule_names()));
  if (value != "on" && value != "off")
    throw Misuse(fmt::format("--rule {}: NAME=on and NAME=off are allowed", text));
  rules.set(*rule, value == "on");
}

play::Dialect dialect_named(std::string_view text) {
  if (text == "auto") return play::Dialect::Auto;
  if (text == "g") return play::Dialect::G;
  if (text == "f") return play::Dialect::F;
  throw Misuse(fmt::format("--dialect {}: auto, g and f are allowed", text));
}

play::Define define_of(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || text.empty()) throw Misuse(fmt::format("-D {}: NAME=VALUE is allowed", text));
  if (equals == std::string::npos) return {text, {}};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// What a script may say itself, and then does.
std::vector<play::Option> world_options(const PlayArguments& a) {
  constexpr uint64_t kLeastMtu = 68;
  constexpr uint64_t kLargestMtu = 65'535;
  std::vector<play::Option> out;
  if (!a.ip_version.empty()) {
    if (a.ip_version != "ipv4" && a.ip_version != "ipv6" && a.ip_version != "ipv4-mapped-ipv6") {
      throw Misuse(fmt::format("--ip-version {}: ipv4, ipv6 and ipv4-mapped-ipv6 are allowed",
                               a.ip_version));
    }
    out.push_back({.name = "ip_version", .value = a.ip_version, .place = {}});
  }
  if (!a.mtu.empty()) {
    const uint64_t mtu = whole_number("--mtu", a.mtu, kLeastMtu, kLargestMtu);
    out.push_back({.name = "mtu", .value = std::to_string(mtu), .place = {}});
  }
  return out;
}

play::JudgeOptions options_of(const PlayArguments& a, const Page& page) {
  play::JudgeOptions o;
  o.dialect = dialect_named(a.dialect);
  for (const std::string& d : a.defines) o.defines.push_back(define_of(d));
  const auto profile = play::profile_named(a.profile);
  if (!profile) {
    throw Misuse(
        fmt::format("--profile {}: strict, portable, freebsd and linux are allowed", a.profile));
  }
  o.play.rules = play::Rules(*profile);
  for (const std::string& r : a.rules) switch_rule(r, o.play.rules);
  if (a.settings != "strict" && a.settings != "default")
    throw Misuse(fmt::format("--settings {}: default and strict are allowed", a.settings));
  o.play.strict_settings = a.settings == "strict";
  o.play.options = world_options(a);
  o.play.allow_leftover = a.allow_leftover;
  o.play.ladder = !a.no_ladder;
  o.play.width = page.width;
  o.play.ascii = page.ascii;
  return o;
}

std::string_view word(play::Verdict::Kind k) {
  switch (k) {
    case play::Verdict::Kind::Pass: return "PASS";
    case play::Verdict::Kind::PassByRule: return "PASS-by-rule";
    case play::Verdict::Kind::Fail: return "FAIL";
    case play::Verdict::Kind::Skip: break;
  }
  return "SKIP";
}

void count(const PlayResult& r, Tally& tally) {
  if (!r) {
    ++tally.wrong;
  } else if (r->passed()) {
    ++tally.passed;
  } else if (r->kind == play::Verdict::Kind::Skip) {
    ++tally.skipped;
  } else {
    ++tally.failed;
  }
}

Json json_of(const PlayResult& r, const std::string& file) {
  Json j{{"file", file}};
  if (!r) {
    j["verdict"] = "ERROR";
    j["line"] = r.error().place.line;
    j["column"] = r.error().place.column;
    j["expected"] = r.error().expected;
    j["saw"] = r.error().found;
    return j;
  }
  j["verdict"] = word(r->kind);
  if (!r->variant.empty()) j["variant"] = r->variant;
  if (r->kind == play::Verdict::Kind::Skip) {
    j["reason"] = r->reason;
    if (r->place.line != 0) j["line"] = r->place.line;
  }
  if (!r->assumed.empty()) j["assumed"] = r->assumed;
  if (r->kind == play::Verdict::Kind::Fail) {
    j["line"] = r->place.line;
    j["expected"] = r->expected;
    j["saw"] = r->saw;
    if (!r->ladder.empty()) j["ladder"] = r->ladder;
  }
  if (r->kind == play::Verdict::Kind::PassByRule) {
    Json rules = Json::object();
    for (size_t i = 0; i < play::kRules; ++i) {
      if (r->uses.counts.at(i) != 0)
        rules[std::string(play::name(static_cast<play::Rule>(i)))] = r->uses.counts.at(i);
    }
    j["rules"] = rules;
  }
  return j;
}

void print_json(const Json& j) {
  fmt::print("{}\n", j.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print(const PlayResult& r, const std::string& file, const PlayArguments& a) {
  if (a.json) return print_json(json_of(r, file));
  if (!r) return fmt::print("ERROR {}\n", r.error().text());
  if (a.quiet && r->passed()) return;
  fmt::print("{}\n{}", play::text(*r, file), r->ladder);
}

int play_all(const PlayArguments& a) {
  // Thousands of small worlds come and go: what one gives back the next one takes.
  (void)::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  (void)::mallopt(M_MMAP_THRESHOLD, 16 << 20);
  const play::JudgeOptions options = options_of(a, page_of(a.page));
  const size_t jobs = whole_number("--jobs", a.jobs, 1, kMostJobs);
  const std::vector<std::string> files = script_files(a.paths);
  Tally tally;
  judge_files(files, options, jobs, [&](const std::string& file, const PlayResult& result) {
    count(result, tally);
    print(result, file, a);
  });
  if (a.json) {
    print_json({{"passed", tally.passed},
                {"failed", tally.failed},
                {"skipped", tally.skipped},
                {"errors", tally.wrong}});
  } else {
    fmt::print("{} passed, {} failed, {} skipped\n", tally.passed, tally.failed, tally.skipped);
  }
  if (tally.wrong != 0) {
    (void)std::fflush(stdout);
    throw Misuse(fmt::format("{} of {} {}", tally.wrong, observe::counted(files.size(), "file"),
                             tally.wrong == 1 ? "is no script" : "are no scripts"));
  }
  return tally.failed == 0 && (tally.skipped == 0 || !a.no_skip) ? 0 : 1;
}

}  // namespace

void add_play(CLI::App& program, int& status) {
  CLI::App* verb = program.add_subcommand(
      "play", "Play packet scripts (packetdrill's language) against the stack: no root, no wait.");
  const auto a = std::make_shared<PlayArguments>();
  verb->add_option("FILE|DIR", a->paths, "Scripts; of folders every *.pkt")->required();
  verb->add_option("--profile", a->profile,
                   "What may differ: strict (nothing), portable, freebsd, linux")
      ->type_name("NAME");
  verb->add_option("--rule", a->rules, "Switches one equivalence rule of the profile")
      ->type_name("NAME=on|off")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--settings", a->settings,
                   "The stack's: default, or strict (by the letter of the RFCs)")
      ->type_name("NAME");
  verb->add_option("--dialect", a->dialect, "auto, g (Linux scripts) or f (FreeBSD scripts)")
      ->type_name("NAME");
  verb->add_option("-D,--define", a->defines, "A word of the scripts and its value")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--ip-version", a->ip_version,
                   "ipv4, ipv6 or ipv4-mapped-ipv6, where a script does not say")
      ->type_name("NAME");
  verb->add_option("--mtu", a->mtu, "Of the way to the peer, where a script does not say")
      ->type_name("N");
  verb->add_flag("--allow-leftover", a->allow_leftover,
                 "Packets after the last line are no failure");
  verb->add_flag("--no-skip", a->no_skip,
                 "A script that is skipped has failed: a misspelt call shall not pass unseen");
  verb->add_option("--jobs", a->jobs, "Scripts at a time (1)")->type_name("N");
  verb->add_flag("--json", a->json, "One object a line");
  verb->add_flag("--quiet", a->quiet, "Only what did not pass, and the sums");
  verb->add_flag("--no-ladder", a->no_ladder, "A failure without what happened before it");
  add_page_options(*verb, a->page);
  verb->footer(
      "Exit status: 2 when a file is no script (such files are in no count), else 1 when a script\n"
      "failed, or with --no-skip was skipped, else 0.\n"
      "Rules:"
      + all_rules());
  verb->callback([a, &status] { status = play_all(*a); });
}

}  // namespace rapport::app
