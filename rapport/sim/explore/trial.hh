// One explored world, run from its beginning: it follows its path, then the ordinary course to its
// end, and tells at every choice beyond the path what else could have been done.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/sim/explore/judge.hh"
#include "rapport/sim/explore/path.hh"
#include "rapport/sim/explore/programs.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/wire.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace rapport::sim::explore {

// What all worlds of one exploration have in common.
struct Setup {
  Scenario scenario = Scenario::OpenClose;
  Parting parting = Parting::ClientFirst;
  decltype(tcp::Config::without) without{};  // rules switched off
  Duration msl = kMsl;                       // how long the wire may keep a frame
  Duration two_msl = 2 * kMsl;               // of both ends
  Duration until = 3600_s;                   // who lives longer is cut short
  Shape shape;                               // shape_of(scenario), or another
  bool only_text = false;                    // what is read is judged, and nothing else
  // Far more than any world of two octets needs: who takes more never rests, a breach of liveness.
  uint32_t most_steps = 3000;
  bool merge = true;
};

// What goes wrong in a world, by kind.
enum class Mishap : uint8_t {
  Lost,
  Duplicated,  // a copy arrived later
  Reordered,   // held back, and let go before a timer noticed
  Delayed,     // held back beyond a retransmission
  Crashed,     // and restarted at once
  kCount
};

[[nodiscard]] std::string_view name(Mishap m);

using Edges = std::bitset<256>;  // by the place in tcp::transitions()

enum class Ending : uint8_t {
  Over,      // everything has come to its end
  Merged,    // a state that was seen before
  Breached,  // an invariant does not hold
  DeadEnd,   // nothing will ever happen again, and not everything has ended
  TooLong,   // not within Setup::until, or not within the steps that it was given
};

struct Outcome {
  Ending ending = Ending::Over;
  uint32_t steps = 0;  // instants at which something happened
  std::optional<Breach> breach;
  std::array<uint32_t, static_cast<size_t>(Mishap::kCount)> mishaps{};
  Edges edges;
};

// Who explores.
class Guide {
 public:
  virtual ~Guide() = default;
  // At choice d.at the alternative d.which was not taken.
  virtual void could(Deviation d, bool fault) = 0;
  // The state after `steps`. False: it is known, nothing new can follow.
  virtual bool is_new(uint64_t state, uint32_t steps) = 0;
};

class Trial final : public Chooser, public Observer {
 public:
  // With a recording all is kept for a ladder, too; it must outlive the trial.
  Trial(const Setup& setup, const Path& path, Guide* guide, Recording* recording = nullptr);
  ~Trial() override;
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // At most `limit` steps; Setup::most_steps of them are a breach.
  Outcome run(uint32_t limit);

  // After run(): so much more, in which nothing goes wrong, to see what follows from a breach.
  void coast(Duration time);

  // For ladders.
  [[nodiscard]] const World& world() const { return world_; }

  [[nodiscard]] World& world() { return world_; }

  // What both ends' programs saw.
  [[nodiscard]] const Programs& programs() const { return programs_; }

  // What went wrong so far, as it may go wrong in another world: by frames and by moments.
  struct Mischief {
    enum class Kind : uint8_t { Frame, Release, Crash };
    Kind kind = Kind::Frame;
    HostId host = 0;  // that sent the frame, or crashed
    uint32_t boot = 0, serial = 0;
    Fate fate = Fate::Deliver;
    Instant at;
  };

  [[nodiscard]] std::span<const Mischief> mischief() const { return mischief_; }

  // In place of run(): the same goes wrong as there, wherever that is possible; up to `until`.
  void repeat(std::span<const Mischief> mischief, Instant until);

  struct Crash {
    HostId host = 0;
    uint32_t before = 0;  // HostRecord::order of the first record after it
    Instant at;
  };

  [[nodiscard]] std::span<const Crash> crashes() const { return crashes_; }

  Fate fate(const WireRecord& wire) override;
  void recorded(const HostRecord& record) override;

 private:
  uint32_t choose(std::span<const bool> faults);
  // False when something was done at this instant after all.
  bool goes_on();
  void crash(HostId h);
  void release(size_t kept);
  [[nodiscard]] bool is_over();
  [[nodiscard]] uint64_t state();
  [[nodiscard]] Ending finish();
  [[nodiscard]] std::optional<Ending> quiet();

  Setup setup_;
  Path path_;
  Guide* guide_;
  World world_;
  Wire wire_;
  Judge judge_;
  Programs programs_;
  Recording* recording_;
  std::vector<Crash> crashes_;
  std::vector<Mischief> mischief_;
  Outcome outcome_;
  uint32_t point_ = 0;     // choices so far
  uint32_t released_ = 0;  // frames that were kept
  size_t next_place_ = 0;  // of the path
  bool choosing_ = false;
};

}  // namespace rapport::sim::explore
