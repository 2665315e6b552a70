// The account of the worlds, and the broken seeds: all are told before the first is made small, so
// that nothing that goes wrong later can hide them.
#include "rapport/app/sim_tell.hh"

#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/tally.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using Json = nlohmann::ordered_json;
using Accounts = std::vector<lives::Account>;

constexpr size_t kMadeSmall = 5;  // broken seeds; the others are told in a line

// What happened too seldom.
Accounts seldom(const Accounts& all, uint64_t least) {
  Accounts out;
  std::ranges::copy_if(all, std::back_inserter(out), [&](const lives::Account& a) {
    return a.impossible.empty() && a.count < least;
  });
  return out;
}

// What happened although it is said to be impossible.
Accounts against_belief(const Accounts& all) {
  Accounts out;
  std::ranges::copy_if(all, std::back_inserter(out), [](const lives::Account& a) {
    return !a.impossible.empty() && a.count > 0;
  });
  return out;
}

void print_account(const Accounts& all) {
  std::string_view kind;
  for (const lives::Account& a : all) {
    if (a.kind != kind) fmt::print("{}s:\n", kind = a.kind);
    if (a.impossible.empty() || a.count > 0) {
      fmt::print("  {:36} {:>10}\n", a.name, a.count);
    } else {
      fmt::print("  {:36} impossible: {}\n", a.name, a.impossible);
    }
  }
}

void print_broken(const Swarm& swarm, const SwarmResult& result) {
  for (const Died& d : result.died) {
    fmt::print("\nseed {} came to a bad end: its process was {}\nagain: rapport {}\n", d.seed,
               d.how, swarm.asked(d.seed));
  }
  for (size_t i = 0; i < result.broken.size(); ++i) {
    const Broken& b = result.broken[i];
    const sim::Law& law = sim::law(b.breach.which);
    if (i < kMadeSmall) {
      fmt::print("\nseed {} breaks {} ({}): {}\n  {}\n", b.seed, law.name, law.clause, law.sentence,
                 b.breach.to_string());
    } else {
      fmt::print("{}seed {}: {}\n", i == kMadeSmall ? "\n" : "", b.seed, law.name);
    }
  }
  (void)std::fflush(stdout);
}

// Its name, or nothing, with a line that says why, when it could not be written.
std::string written(const Broken& broken, const Remains& r, const std::string& folder) {
  const std::string path = fmt::format("{}/sim-{}.rec", folder, broken.seed);
  try {
    write_whole("--out", path, r.recording);
  } catch (const Failure& e) {
    (void)std::fflush(stdout);
    fmt::print(stderr, "rapport sim: {}\n", e.what());
    return {};
  }
  return path;
}

void print_remains(const Swarm& swarm, const Broken& broken, const Remains& r,
                   const std::string& path) {
  if (!r.trouble.empty()) {
    fmt::print("\nseed {} was not made small: the process that tried was {}\n", broken.seed,
               r.trouble);
  } else {
    fmt::print("\nseed {} made small in {} of {} steps: {}\n{}{}", broken.seed, r.taken, r.tried,
               r.breach, r.plan, r.last_words);
  }
  fmt::print("again: rapport {}\n",
             path.empty() ? swarm.asked(broken.seed) : fmt::format("replay {}", path));
  (void)std::fflush(stdout);
}

Json json_of(const Broken& broken) {
  const sim::Law& law = sim::law(broken.breach.which);
  return {{"seed", broken.seed},
          {"invariant", law.name},
          {"clause", law.clause},
          {"words", broken.breach.words}};
}

// The first ones are made small, printed unless as JSON, and written.
Json remains_of_all(const Swarm& swarm, const SwarmResult& result, const SimTelling& how) {
  Json all = Json::array();
  for (const Broken& b : result.broken) {
    Json one = json_of(b);
    if (all.size() < kMadeSmall) {
      const Remains r = make_small(swarm, b);
      const std::string path = r.trouble.empty() ? written(b, r, how.out) : std::string();
      if (!how.json) print_remains(swarm, b, r, path);
      one["small"] = r.plan;
      one["recording"] = path.empty() ? Json() : Json(path);
    }
    all.push_back(std::move(one));
  }
  return all;
}

void print_json(const Swarm& swarm, const SwarmResult& result, const Accounts& all, Json broken) {
  const lives::Tally& t = result.tally;
  Json counts = Json::array();
  for (const lives::Account& a : all) {
    Json line{{"kind", a.kind}, {"name", a.name}, {"count", a.count}};
    if (!a.impossible.empty()) line["impossible"] = a.impossible;
    counts.push_back(std::move(line));
  }
  Json died = Json::array();
  for (const Died& d : result.died) {
    died.push_back({{"seed", d.seed}, {"how", d.how}, {"again", "rapport " + swarm.asked(d.seed)}});
  }
  const Json out{{"worlds", t.worlds},
                 {"ended_by_until", t.ended_by_until},
                 {"ended_by_events", t.ended_by_events},
                 {"fingerprint", fmt::format("{:016x}", t.fingerprint)},
                 {"counts", std::move(counts)},
                 {"broken", std::move(broken)},
                 {"died", std::move(died)}};
  fmt::print("{}\n", out.dump());
}

void print_end(const SwarmResult& result, const Swarm& swarm) {
  const lives::Tally& t = result.tally;
  if (t.ended_by_until > 0 && swarm.bounds.until_is_asked) {
    fmt::print("{} of {} worlds were still alive at --until and were ended there\n",
               t.ended_by_until, t.worlds);
  }
  if (t.ended_by_events > 0 && swarm.bounds.events_are_asked) {
    fmt::print("{} of {} worlds were ended by the bound of {} events (--events)\n",
               t.ended_by_events, t.worlds, swarm.bounds.events);
  }
  const std::string died =
      result.died.empty() ? "" : fmt::format(", {} came to a bad end", result.died.size());
  fmt::print(
      "{} worlds, {} connections' ends opened, {} octets, {} trace records, {} changes of "
      "state, fingerprint {:016x}; {} broken{}\n",
      t.worlds, t.opened, t.octets, t.records, t.believed, t.fingerprint, result.broken.size(),
      died);
}

}  // namespace

int tell(const Swarm& swarm, const SwarmResult& result, const SimTelling& how) {
  const Accounts all = lives::account(result.tally);
  const Accounts rare = seldom(all, how.least), strange = against_belief(all);
  if (!how.json) {
    print_account(all);
    print_broken(swarm, result);
  }
  Json broken = remains_of_all(swarm, result, how);
  if (how.json) {
    print_json(swarm, result, all, std::move(broken));
  } else {
    for (const lives::Account& a : strange) {
      fmt::print("said to be impossible: {} {}: {} times: {}\n", a.kind, a.name, a.count,
                 a.impossible);
    }
    for (const lives::Account& a : rare) {
      fmt::print("too seldom: {} {}: {} times, at least {} are asked for\n", a.kind, a.name,
                 a.count, how.least);
    }
    print_end(result, swarm);
  }
  const bool good = result.broken.empty() && result.died.empty() && rare.empty() && strange.empty();
  return good ? 0 : 1;
}

}  // namespace rapport::app
