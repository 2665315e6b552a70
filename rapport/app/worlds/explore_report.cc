// What `explore` prints: the counterexample, the figures, the verdict, and what was not seen.
#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/explore.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using sim::explore::Counterexample;
using sim::explore::Mishap;
using sim::explore::Tally;
using Json = nlohmann::ordered_json;

constexpr size_t kMostRungs = 400;  // lines of a ladder; a world that never rests has thousands

std::string mishaps_of(const Tally& t) {
  std::string s;
  for (size_t i = 0; i < t.mishaps.size(); ++i) {
    s += fmt::format("{}{} {}", s.empty() ? "" : ", ", t.mishaps.at(i),
                     sim::explore::name(static_cast<Mishap>(i)));
  }
  return s;
}

std::string by_faults(const Tally& t, uint32_t most) {
  std::string s;
  for (uint32_t i = 0; i <= most; ++i) {
    s += fmt::format("{}{} with {}", i == 0 ? "" : ", ", t.worlds_by_faults.at(i), i);
  }
  return s;
}

std::vector<std::string_view> invariants_asked(const Asked& asked) {
  decltype(tcp::Config::without) off{};
  if (asked.without) off.switch_off(*asked.without);
  const std::vector<sim::Invariant> out = sim::explore::not_asked(off);
  std::vector<std::string_view> names;
  for (const sim::Law& law : sim::laws()) {
    if (std::ranges::find(out, law.which) == out.end()) names.push_back(law.name);
  }
  return names;
}

// On lines of their own, below what is said of them.
std::string invariants(const Asked& asked) {
  constexpr size_t width = 100;
  std::string s;
  std::string line;
  const std::vector<std::string_view> names = invariants_asked(asked);
  for (const std::string_view name : names) {
    const std::string word = std::string(name) + (name == names.back() ? "" : ", ");
    if (14 + line.size() + word.size() > width) {
      s += fmt::format("{:14}{}\n", "", line.substr(0, line.size() - 1));
      line.clear();
    }
    line += word;
  }
  return s + fmt::format("{:14}{}\n", "", line);
}

std::string host_of(const sim::Breach& b) {
  if (b.host == kNoHost) return "the world";
  return b.host == sim::explore::kClient ? "the client" : "the server";
}

std::string again(const Asked& asked, const Died& d) {
  Asked fewer = asked;
  fewer.faults = d.path.faults();
  return "rapport " + fewer.words();
}

// "3:1 5:2": at the third choice the first alternative, at the fifth the second.
std::string choices_of(const sim::explore::Path& path) {
  std::string s;
  for (const sim::explore::Deviation d : path.places()) {
    s += fmt::format("{}{}:{}", s.empty() ? "" : " ", d.at, d.which);
  }
  return s;
}

void print_died(const Asked& asked, const Died& d) {
  const std::string choices = choices_of(d.path);
  fmt::print("a process came to a bad end ({}) in a world of {} faults, {}, {}: again: {}\n", d.how,
             d.path.faults(), sim::explore::name(d.parting),
             choices.empty() ? "of no choice" : fmt::format("of the choices {}", choices),
             again(asked, d));
}

void print_words(const Asked& asked, const Counterexample& c) {
  const sim::Law& law = sim::law(c.breach.which);
  fmt::print("counterexample: {} ({}): {}: {}\n", law.name, law.clause, host_of(c.breach),
             c.breach.words);
  fmt::print("{}; {} fault{}, {} instants, {}; no shorter one exists in this model\n",
             asked.without
                 ? fmt::format("without {}", tcp::RuleSwitches<true>::name(*asked.without))
                 : "with all rules on",
             c.path.faults(), c.path.faults() == 1 ? "" : "s", c.steps,
             sim::explore::name(c.setup.parting));
  (void)std::fflush(stdout);
}

void print_ladder(std::string_view ladder) {
  size_t at = 0, rungs = 0;
  while (at < ladder.size() && rungs < kMostRungs) {
    at = std::min(ladder.find('\n', at), ladder.size() - 1) + 1;
    ++rungs;
  }
  fmt::print("\n{}\n", ladder.substr(0, at));
  const auto left = std::ranges::count(ladder.substr(at), '\n');
  if (left > 0) fmt::print("... and {} lines more: rapport replay FILE --ladder\n\n", left);
}

// Where it was written; nothing, with a line that says why, when it could not be.
std::string written(const Asked& asked, const Told& told) {
  try {
    write_whole("--record", asked.file(), told.recording);
  } catch (const Failure& e) {
    (void)std::fflush(stdout);
    fmt::print(stderr, "rapport explore: {}\n", e.what());
    return {};
  }
  return asked.file();
}

std::string verdict(const Asked& asked, const Explored& e) {
  if (e.tally.shortest) return "one does not hold, see above";
  const bool whole = e.tally.too_long == 0 && e.died.empty();
  if (!whole) return "no breach as far as was seen, which is not all";
  return asked.without ? "no counterexample within this bound" : "all hold in every world";
}

void print_figures(const Asked& asked, const Explored& explored) {
  const Tally& t = explored.tally;
  const uint32_t most = t.shortest ? t.shortest->path.faults() : asked.faults;
  fmt::print("{}\n", asked.words());
  fmt::print("  worlds      {} ({} faults)\n", t.worlds, by_faults(t, most));
  fmt::print("  states      {} that differ, of both stacks, programs and wire\n", t.states);
  fmt::print("  merged      {} worlds came to a state that was seen before\n", t.merged);
  fmt::print("  depth       {} instants at which something happens\n", t.depth);
  fmt::print("  dead ends   {}\n", t.dead_ends);
  if (t.too_long > 0) {
    fmt::print("  cut short   {} worlds, by --until {}\n", t.too_long, asked.until_s);
  }
  if (!explored.died.empty()) {
    fmt::print("  not told    the worlds of {} processes that came to a bad end\n",
               explored.died.size());
  }
  fmt::print("  edges       {} of {} of the transition table\n", t.edges.count(),
             tcp::transitions().size());
  fmt::print("  faults      {}\n", mishaps_of(t));
  fmt::print("  invariants  {}:\n{}", verdict(asked, explored), invariants(asked));
}

Json json_of(const Counterexample& c, const std::string& file) {
  return {{"invariant", sim::name(c.breach.which)},
          {"clause", sim::law(c.breach.which).clause},
          {"words", c.breach.words},
          {"where", host_of(c.breach)},
          {"faults", c.path.faults()},
          {"steps", c.steps},
          {"parting", sim::explore::name(c.setup.parting)},
          {"at_ns", c.breach.at.ns},
          {"replay", file.empty() ? Json() : Json(file)}};
}

Json json_of(const Asked& asked, const Died& d) {
  return {{"how", d.how},
          {"parting", sim::explore::name(d.parting)},
          {"faults", d.path.faults()},
          {"choices", choices_of(d.path)},
          {"again", again(asked, d)}};
}

void print_json(const Asked& asked, const Explored& explored, const std::string& file) {
  const Tally& t = explored.tally;
  Json j;
  j["asked"] = asked.words();
  j["worlds"] = t.worlds;
  j["worlds_by_faults"] =
      std::vector(t.worlds_by_faults.begin(), t.worlds_by_faults.begin() + asked.faults + 1);
  j["states"] = t.states;
  j["merged"] = t.merged;
  j["depth"] = t.depth;
  j["dead_ends"] = t.dead_ends;
  j["cut_short"] = t.too_long;
  j["edges"] = t.edges.count();
  j["edges_of"] = tcp::transitions().size();
  for (size_t i = 0; i < t.mishaps.size(); ++i) {
    j["faults"][std::string(sim::explore::name(static_cast<Mishap>(i)))] = t.mishaps.at(i);
  }
  for (const std::string_view name : invariants_asked(asked)) j["invariants"].push_back(name);
  j["counterexample"] = t.shortest ? json_of(*t.shortest, file) : Json();
  j["died"] = Json::array();
  for (const Died& d : explored.died) j["died"].push_back(json_of(asked, d));
  fmt::print("{}\n", j.dump(2));
}

// Draws it, writes it, says where; its words were printed before.
std::string show(const Asked& asked, const Counterexample& c) {
  const Told told = tell(asked, c);
  if (!asked.json) print_ladder(told.ladder);
  const std::string file = written(asked, told);
  if (!asked.json && !file.empty()) fmt::print("replay: rapport replay {}\n\n", file);
  return file;
}

}  // namespace

int report(const Asked& asked, const Explored& explored) {
  const Tally& t = explored.tally;
  std::string file;
  if (!asked.json) {
    for (const Died& d : explored.died) print_died(asked, d);
    if (t.shortest) print_words(asked, *t.shortest);
  }
  if (t.shortest) file = show(asked, *t.shortest);
  if (asked.json) {
    print_json(asked, explored, file);
  } else {
    print_figures(asked, explored);
  }
  if (!t.shortest && !asked.record.empty()) {
    (void)std::fflush(stdout);
    fmt::print(stderr, "rapport explore: --record {}: no counterexample, nothing was written\n",
               asked.record);
  }
  const bool found = t.shortest.has_value();
  const bool broken = t.too_long > 0 || !explored.died.empty() || (found && !asked.without);
  return broken || (found && file.empty()) ? 1 : 0;
}

}  // namespace rapport::app
