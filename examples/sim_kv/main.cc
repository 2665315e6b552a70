// sim_kv [--fixed] [--seeds A..B] [--record FILE]: the store in simulated worlds. Each seed is a
// world of three replicas and two clients, whose wires lose and delay, whose nodes crash and come
// back with their disks, and are cut off from each other, for 30 s of virtual time. The first world
// that breaks the promise of the store is told with its seed, what happened to its nodes, and a
// recording for `rapport replay`. Exit status 0: no world did; 1: one did; 2: a wrong argument.
#include "message.hh"
#include "simulation.hh"

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Arguments {
  uint64_t first = 1, last = 100;
  bool fixed = false;
  std::string record;
};

bool take_seeds(const std::string& text, Arguments& a) {
  const size_t dots = text.find("..");
  a.first = kv::number(text.substr(0, dots));
  a.last = dots == std::string::npos ? a.first : kv::number(text.substr(dots + 2));
  return a.first > 0 && a.first <= a.last;
}

// Nothing when they are wrong; `wrong` is the one that is.
std::optional<Arguments> parse(const std::vector<std::string>& words, std::string& wrong) {
  Arguments a;
  for (size_t i = 0; i < words.size(); ++i) {
    wrong = words[i];
    const bool has_value = i + 1 < words.size();
    if (wrong == "--fixed") {
      a.fixed = true;
    } else if (wrong == "--record" && has_value) {
      a.record = words[++i];
    } else if (wrong != "--seeds" || !has_value || !take_seeds(words[++i], a)) {
      return std::nullopt;
    }
  }
  return a;
}

int tell(uint64_t seed, const kv::Outcome& outcome, const Arguments& a) {
  std::cout << "seed " << seed << ": " << outcome.violation << "\n";
  for (const std::string& line : outcome.story) std::cout << "  " << line << "\n";
  if (a.record.empty()) {
    std::cout << "to see it: sim_kv --seeds " << seed
              << " --record kv.replay; rapport replay kv.replay --ladder\n";
  } else if (!kv::record(seed, a.fixed, a.record)) {
    std::cerr << "sim_kv: " << a.record << " cannot be written\n";
    return 2;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string wrong;
  const auto a = parse(std::vector<std::string>(argv + 1, argv + argc), wrong);
  if (!a) {
    std::cerr << "sim_kv: " << wrong << " is unknown or its value is missing or wrong: "
              << "sim_kv [--fixed] [--seeds A..B] [--record FILE]\n";
    return 2;
  }
  uint64_t reads = 0;
  uint64_t stored = 0;
  for (uint64_t seed = a->first; seed <= a->last; ++seed) {
    const kv::Outcome outcome = kv::simulate(seed, a->fixed);
    if (!outcome.violation.empty()) return tell(seed, outcome, *a);
    reads += outcome.reads;
    stored += outcome.stored;
  }
  std::cout << a->last - a->first + 1 << " worlds kept the promise: " << stored
            << " versions stored, " << reads << " reads\n";
  return 0;
}
