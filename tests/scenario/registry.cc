// The list of stories, and main(): GoogleTest's, with --list-rules before it.
#include "registry.hh"

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

Dressing current_dressing = Dressing::Plain;
uint64_t current_seed = 0;

std::vector<Entry>& list() {
  static std::vector<Entry> all;
  return all;
}

// In a deque, so that each stays where it is.
std::deque<std::function<void()>>& stories() {
  static std::deque<std::function<void()>> all;
  return all;
}

uint64_t hash_of(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  return h;
}

uint64_t seed_of_this_run() {
  if (const char* text = std::getenv("RAPPORT_SEED"); text != nullptr) {
    return std::strtoull(text, nullptr, 10);
  }
  std::random_device device;
  return device();
}

[[noreturn]] void refuse(const std::string& test, const char* why) {
  std::cerr << "scenario \"" << test << "\": " << why << '\n';
  std::abort();
}

std::vector<std::string> rules_in(const std::string& test) {
  const auto open = test.rfind('[');
  const auto close = test.rfind(']');
  if (open == std::string::npos || close != test.size() - 1 || open > close) {
    refuse(test, "the name must end with the rule ids in brackets");
  }
  std::vector<std::string> ids(1);
  for (const char c : test.substr(open + 1, close - open - 1)) {
    if (c == ' ') continue;
    if (c == ',') {
      ids.emplace_back();
    } else {
      ids.back() += c;
    }
  }
  if (ids.size() > 4) refuse(test, "at most four rules in one story");
  for (const auto& id : ids) {
    if (id.empty()) refuse(test, "an empty rule id");
  }
  return ids;
}

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(std::string test, const std::function<void()>* story)
      : test_(std::move(test)), story_(story) {}

  void TestBody() override {
    for (const auto d : {Dressing::Plain, Dressing::Full, Dressing::NearWrap, Dressing::Ipv6}) {
      current_dressing = d;
      current_seed = run_seed() ^ hash_of(test_) ^ (static_cast<uint64_t>(d) << 60);
      try {
        (*story_)();
      } catch (const StoryEnds&) {  // reported where it happened
        return;
      }
      if (HasFailure()) return;
    }
  }

 private:
  std::string test_;
  const std::function<void()>* story_;
};

}  // namespace

std::string_view name(Dressing d) {
  switch (d) {
    case Dressing::Plain: return "plain";
    case Dressing::Full: return "full";
    case Dressing::NearWrap: return "near wrap";
    case Dressing::Ipv6: return "IPv6";
  }
  return "?";
}

Dressing dressing() {
  return current_dressing;
}

uint64_t story_seed() {
  return current_seed;
}

uint64_t run_seed() {
  static const uint64_t seed = seed_of_this_run();
  return seed;
}

const std::vector<Entry>& entries() {
  return list();
}

bool add(const char* file, [[maybe_unused]] int line, const std::string& name,
         std::function<void()> story) {
  for (const auto& e : list()) {
    if (e.name == name) refuse(name, "told twice");
  }
  list().push_back({name, rules_in(name), file});
  stories().push_back(std::move(story));
  [[maybe_unused]] const auto* kept = &stories().back();
#ifndef __clang_analyzer__  // it takes what GoogleTest keeps for a leak
  testing::RegisterTest("Scenario", name.c_str(), nullptr, nullptr, file, line,
                        [name, kept]() -> ScenarioTest* { return new ScenarioTest(name, kept); });
#endif
  return true;
}

}  // namespace rapport::scenario

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "--list-rules") {
    for (const auto& entry : rapport::scenario::entries()) {
      for (const auto& id : entry.rules) {
        std::cout << id << '\t' << entry.name << '\t' << entry.file << '\n';
      }
    }
    return 0;
  }
  return RUN_ALL_TESTS();
}
