// World: hosts, each a whole Stack with its programs, joined by links, in virtual time. One seed
// fixes every draw, so the same world prints the same bytes on every run and compiler.
// The driver at one instant: what arrives is given to its host, timers that are due fire, programs
// run to quiescence, frames are taken and put on the links; when nothing is left to do at this
// instant the clock jumps to the next deadline (arrival, timer or sleeper).
// It owns hosts, pools, links and what is on the way. It reads no clock and starts no thread.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/link.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/stack/stack.hh"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::sim {

// Hosts are named by their index, in the order in which they were added.
using HostId = uint32_t;

enum class Bursts : uint8_t {
  One,       // every frame is received, answered and settled by itself: demos, scripts
  SameTime,  // frames that reach a host at the same instant are one burst
};

enum class Settling : uint8_t {
  ProgramsFirst,  // programs react before owed segments are made: an answer carries the ACK
  FramesFirst,    // owed segments leave first: every segment is answered by itself
};

enum class Passing : uint8_t { Out, In };

struct WorldConfig {
  uint64_t seed = 1;
  Bursts bursts = Bursts::One;
  Settling settling = Settling::ProgramsFirst;
  Instant start{};           // the first instant
  bool keep_records = true;  // records() and wires() hold everything since the beginning
  // Builds with RAPPORT_CHECKS: what the oracle (oracle.hh) does not believe ends the process;
  // false: it is left to whoever asks complaint().
  bool abort_on_complaint = true;
};

struct HostConfig {
  std::string name{};
  stack::Config stack{};   // its tcp.seed is replaced by one drawn from the world's seed
  uint32_t frames = 4096;  // buffers of the host's pool; they are in use while on the way
  // How much slower than the world's its clock runs, in parts per million, less than a million. (Of
  // two clocks that differ one is the slower.) Its stack, programs and trace live in its own time.
  uint32_t clock_lag_ppm = 0;
  uint32_t trace_records = 4096;  // the most that one settling may write; 0: no trace
};

class World;

// Told of everything as it happens, between inputs: it may ask, not command. It observes one world
// at a time, and may end before the world does, but not within one of these calls.
class Observer {
 public:
  Observer() = default;

  // Where it observes is not copied: a copy observes nothing yet.
  Observer(const Observer& /*other*/) {}

  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment,cert-oop54-cpp): nothing is assigned
  Observer& operator=(const Observer& /*other*/) { return *this; }

  virtual ~Observer();

  // In `order`.
  virtual void recorded(const HostRecord& /*record*/) {}

  // Once when a copy of a frame is put on the wire or lost; `arrived` and `fate` say what the wire
  // means to do with it.
  virtual void departed(const WireRecord& /*wire*/) {}

  // Once when a copy has arrived, before its host receives it, or was thrown away on arrival.
  virtual void arrived(const WireRecord& /*wire*/) {}

  // A packet passes the interface of a host: as it sends it, or as it reaches a host that is up.
  virtual void passed(HostId /*host*/, Passing /*way*/, Instant /*at*/,
                      std::span<const uint8_t> /*packet*/) {}

  // All is quiet at `now`; the clock is about to move.
  virtual void settled(Instant /*now*/) {}

  // A host has crashed: its stack and programs are gone.
  virtual void crashed(HostId /*host*/) {}

 private:
  friend class World;

  World* observes_ = nullptr;
};

class Recording;  // record/recording.hh

// Decides what becomes of frames in place of the links: for those who choose every fate themselves.
class Carrier {
 public:
  virtual ~Carrier() = default;

  // `packet` leaves; `wire` says from where to where and when. A copy without an arrival is lost as
  // far as the world goes: the carrier may keep the octets and hand them to World::deliver() later.
  virtual Passage carry(const WireRecord& wire, std::span<const uint8_t> packet) = 0;
};

class World {
 public:
  explicit World(const WorldConfig& config);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- building ---------------------------------------------------------------------------------
  HostId add_host(HostConfig config);
  // Both directions alike. Hosts without a link cannot reach each other.
  void connect(HostId a, HostId b, const LinkConfig& config);
  // One direction of a link, to be configured apart, cut or scripted. The hosts must be connected.
  [[nodiscard]] Link& link(HostId from, HostId to);
  // From now on until either ends; in the order in which they were added.
  void observe(Observer& observer);
  // Everything is written down from now on, before anything has happened, until either ends.
  void record(Recording& recording);
  // Between hosts that are connected the carrier decides from now on. It must be there while the
  // world runs; the end of a world asks nothing of it.
  void carry_by(Carrier& carrier);

  // --- asking -----------------------------------------------------------------------------------
  [[nodiscard]] Instant now() const;
  // What the clock of a host shows now (HostConfig::clock_lag_ppm): the time of its stack's
  // commands.
  [[nodiscard]] Instant time_of(HostId h) const;
  [[nodiscard]] uint32_t hosts() const;
  [[nodiscard]] std::string_view name(HostId h) const;
  // Where the programs of `h` run: spawn(), connect(), listen(), sleep(). The same object for ever.
  [[nodiscard]] coroutine::Host& host(HostId h);
  // Must be up. Commands may be given between steps; call settle() afterwards.
  [[nodiscard]] stack::Stack& stack(HostId h);
  [[nodiscard]] const FramePool& pool(HostId h) const;
  [[nodiscard]] bool is_up(HostId h) const;
  // Copies of frames that are on the way.
  [[nodiscard]] size_t on_the_way() const;
  // The next instant at which something will happen; kNever when all waits for a program that
  // waits.
  [[nodiscard]] Instant next_deadline();
  [[nodiscard]] std::span<const HostRecord> records() const;
  // What the oracle did not believe; always empty without RAPPORT_CHECKS.
  [[nodiscard]] std::string_view complaint() const;
  // In the order of departure.
  [[nodiscard]] std::span<const WireRecord> wires() const;

  // --- running ----------------------------------------------------------------------------------
  // Everything that can happen now, without moving the clock.
  void settle();
  // settle(), then the next deadline and all that happens at it. False when there is none.
  bool step();
  // Every step up to and including `until`; now() is `until` afterwards.
  void run_until(Instant until);

  void run_for(Duration time) { run_until(now() + time); }

  // Steps until there is no deadline left, or the next one is later than now() + max. True when
  // idle.
  bool run_until_idle(Duration max);

  // --- mishaps ----------------------------------------------------------------------------------
  // The host's stack and programs vanish without a word; what comes to it is thrown away.
  void crash(HostId h);
  // A crashed host comes up with a new stack, new secrets and no programs.
  void restart(HostId h);
  // Cuts both directions (frames under way still arrive), or mends them.
  void partition(HostId a, HostId b, bool cut);
  // `packet`, an IP packet, reaches `to` at `at` (not before now()). `as_from`: whom ladders show
  // as the sender; kNoHost when nobody. Crafted by craft.hh or copied from a trace. False: the pool
  // that would hold it (of the sender, else of the receiver) is exhausted, and it is not sent.
  bool inject(HostId as_from, HostId to, std::span<const uint8_t> packet, Instant at);
  // A copy that a carrier has kept arrives at wire.arrived (not before now()), with wire.fate; at
  // kNever: never.
  void deliver(const WireRecord& wire, std::span<const uint8_t> packet);

 private:
  friend class Observer;
  friend class Recording;

  void forget(const Observer& observer);
  void forget(const Recording& recording);

  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace rapport::sim
