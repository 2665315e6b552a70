// What must hold in every explored world: the invariants of sim/, and beside them what both
// programs together know. It changes nothing; the first breach is kept.
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/sim/explore/programs.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/config.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rapport::sim::explore {

struct Setup;

// With these rules off: the invariants that say no more than the rules themselves.
[[nodiscard]] std::vector<Invariant> not_asked(const decltype(tcp::Config::without)& without);

class Judge final : public Listening {
 public:
  // Leaves out not_asked(), so that what is found is harm that follows: see docs/exploring.md.
  Judge(World& world, const Setup& setup);

  void opened(const Line& line) override;
  void wrote(const Line& line) override;
  void read(const Line& line, uint8_t octet) override;

  void watch(const Programs& programs) { programs_ = &programs; }

  // From now on no end can promise anything about what went before.
  void crashed() { crashed_ = true; }

  // A quiet instant.
  void look();
  // The programs have ended and nothing is under way.
  void ended();
  // Nothing more will happen, but not all has ended.
  void dead_end();
  // It goes on and on.
  void never_rests(uint32_t steps);
  // Programs and listener are gone, too; `idle`: no timer is left.
  void all_is_over(bool idle);

  [[nodiscard]] const std::optional<Breach>& breach() const { return invariants_.breach(); }

 private:
  void check_line(const Line& line);

  Scenario scenario_;
  uint32_t text_;
  bool only_text_;
  const Programs* programs_ = nullptr;
  Invariants invariants_;
  bool crashed_ = false;
};

}  // namespace rapport::sim::explore
