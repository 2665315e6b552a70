// Random lives: 2,000 seeds of opens, transfers and closes of every kind under every fault, each
// watched from the first SYN until nothing is left. RAPPORT_SEEDS="7" or "1..2000" chooses;
// RAPPORT_STORY=1 prints the end of the trace of a seed that fails. No virtual second costs a real
// one.
#include "ends.hh"
#include "plan.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "story.hh"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::random_lives {
namespace {

struct Seeds {
  uint64_t first = 1, last = 2000;
};

Seeds chosen_seeds() {
  Seeds seeds;
  const char* const given = std::getenv("RAPPORT_SEEDS");
  if (given == nullptr) return seeds;
  const std::string_view text = given;
  const size_t dots = text.find("..");
  const std::string_view first = text.substr(0, dots);
  const std::string_view last = dots == std::string_view::npos ? first : text.substr(dots + 2);
  const auto a = std::from_chars(first.data(), first.data() + first.size(), seeds.first);
  const auto b = std::from_chars(last.data(), last.data() + last.size(), seeds.last);
  EXPECT_TRUE(a.ec == std::errc{} && b.ec == std::errc{} && seeds.first <= seeds.last)
      << "RAPPORT_SEEDS is a number or two of them, as in 1..2000, not " << text;
  return seeds;
}

// How often the ends came to know each other and to part, so that nobody takes a test in which
// nothing ever connects for a good one.
struct Tally {
  uint64_t opened = 0, gentle = 0, complete = 0, records = 0, octets = 0, believed = 0,
           fingerprint = 0;
};

class Life {
 public:
  explicit Life(Plan plan) : plan_(std::move(plan)), world_(config()), watch_(world_) {
    for (uint32_t i = 0; i < 2; ++i) {
      sim::HostConfig host;
      host.name = i == 0 ? "first" : "second";
      host.stack = plan_.hosts[i];
      host.frames = plan_.frames[i];
      world_.add_host(host);
    }
    world_.connect(0, 1, plan_.ways[0]);
    world_.link(1, 0).configure(plan_.ways[1]);
    world_.observe(watch_);
  }

  // The first breach in words; empty when there is none.
  std::string live(Tally& tally) {
    for (const TalkPlan& t : plan_.talks) {
      auto talk = std::make_unique<Talk>();
      talk->plan = t;
      begin(*talk, world_, watch_, plan_);
      talks_.push_back(std::move(talk));
    }
    while (programs() > 0 && world_.now() < Instant{} + kLongest && !watch_.breach()) {
      if (!world_.step()) break;
    }
    for (const auto& talk : talks_) judge(*talk, tally);
    // What the programs held is gone with them; TIME-WAIT and orphans run their course.
    if (watch_.breach()) breach_ = watch_.breach()->to_string();
    if (breach().empty() && !world_.run_until_idle(kLongest)) note("it never becomes idle");
    if (breach().empty()) watch_.all_is_over();
    tally.believed += watch_.oracle().believed();
    tally.fingerprint = tally.fingerprint * 0x100000001b3ULL + fingerprint();
    tally.records += world_.records().size();
    return breach();
  }

  // A hash of every record of the world, in order.
  [[nodiscard]] uint64_t fingerprint() const {
    uint64_t h = 0xcbf29ce484222325ULL;
    for (const HostRecord& r : world_.records()) {
      const std::string line = in_words(r);
      for (const char c : line) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
    }
    return h;
  }

  [[nodiscard]] std::string report() const {
    std::string s = plan_.to_string();
    for (const auto& t : talks_) {
      for (const End& e : t->ends) s += "  " + e.to_string() + "\n";
    }
    if (std::getenv("RAPPORT_STORY") != nullptr) s += last_words(world_, 400);
    return s;
  }

 private:
  static constexpr Duration kLongest = 7200_s;

  [[nodiscard]] sim::WorldConfig config() const {
    sim::WorldConfig c;
    c.seed = plan_.seed;
    c.bursts = plan_.bursts ? sim::Bursts::SameTime : sim::Bursts::One;
    c.settling = plan_.frames_first ? sim::Settling::FramesFirst : sim::Settling::ProgramsFirst;
    c.abort_on_complaint = false;
    return c;
  }

  [[nodiscard]] size_t programs() { return world_.host(0).running() + world_.host(1).running(); }

  [[nodiscard]] std::string breach() const {
    return breach_.empty() && watch_.breach() ? watch_.breach()->to_string() : breach_;
  }

  void note(const std::string& what) {
    if (breach_.empty()) breach_ = what;
  }

  void judge(Talk& t, Tally& tally) {
    const bool both_opened = t.ends[0].opened && t.ends[1].opened;
    for (size_t i = 0; i < 2; ++i) {
      const End& e = t.ends[i];
      const End& other = t.ends[1 - i];
      if (!e.ended) note("an end never ends: " + e.to_string());
      if (e.wrong_octet) note("an octet is not what was sent: " + e.to_string());
      if (e.received > other.sent + other.plan.write_chunk) note("more is received than was sent");
      tally.opened += e.opened ? 1 : 0;
      tally.octets += e.received;
    }
    if (!t.plan.is_gentle()) return;
    ++tally.gentle;
    if (both_opened && is_complete(t)) {
      ++tally.complete;
    } else if (!plan_.harsh) {
      note("both were gentle, the wire was mild, but not all arrived:\n  " + t.ends[0].to_string()
           + "\n  " + t.ends[1].to_string());
    }
  }

  static bool is_complete(const Talk& t) {
    for (size_t i = 0; i < 2; ++i) {
      const End& e = t.ends[i];
      if (e.read_error || e.write_error || !e.end_of_file) return false;
      if (e.received != t.ends[1 - i].plan.octets) return false;
      if (e.plan.style == Style::Polite && !coroutine::is_graceful(e.reason)) return false;
    }
    return true;
  }

  Plan plan_;
  std::vector<std::unique_ptr<Talk>> talks_;  // outlive the world that runs them
  sim::World world_;
  sim::Invariants watch_;
  std::string breach_;
};

TEST(RandomLives, KeepEveryPromise) {
  const Seeds seeds = chosen_seeds();
  std::cout << "seeds " << seeds.first << ".." << seeds.last << " (choose with RAPPORT_SEEDS)\n";
  Tally tally;
  uint64_t failures = 0;
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    Life life(draw_plan(seed));
    const std::string breach = life.live(tally);
    if (!breach.empty() && ++failures <= 10) {
      ADD_FAILURE() << breach << "\n"
                    << life.report() << "again: RAPPORT_SEEDS=" << seed << " RAPPORT_STORY=1 "
                    << ::testing::internal::GetArgvs()[0];
    }
  }
  EXPECT_EQ(failures, 0U) << "seeds failed; the first ten are told above";
  const uint64_t lives = seeds.last - seeds.first + 1;
  std::cout << lives << " worlds: " << tally.opened << " ends opened, " << tally.complete << " of "
            << tally.gentle << " gentle talks complete, " << tally.octets << " octets, "
            << tally.records << " trace records, " << tally.believed
            << " changes of state believed, fingerprint " << std::hex << tally.fingerprint
            << std::dec << "\n";
  if (lives >= 100) {
    EXPECT_GT(tally.opened, lives * 2);
    EXPECT_GT(tally.complete * 10, tally.gentle * 9);
  }
}

// Everything that is drawn comes from the seed: the same world twice is the same to the last field.
TEST(RandomLives, AreTheSameTwice) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Tally first;
    Tally second;
    Life a(draw_plan(seed));
    Life b(draw_plan(seed));
    EXPECT_EQ(a.live(first), b.live(second));
    EXPECT_EQ(first.records, second.records);
    EXPECT_EQ(first.fingerprint, second.fingerprint) << "seed " << seed;
  }
}

}  // namespace
}  // namespace rapport::random_lives
