// Mishaps: what goes wrong in a world beside its wires, at its time: partitions, crashes, floods of
// SYN, hard errors by ICMP, old SYNs, a host that is told to end.
#pragma once

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace rapport::lives {

class Mishaps final : public sim::Observer {
 public:
  // Told when the programs of a host are gone (`back` false), and when it may run new ones.
  using Fallen = std::function<void(sim::HostId host, bool back)>;

  Mishaps(const Plan& plan, sim::World& world, sim::Invariants& watch, Fallen fallen);

  // When the next one wants to happen; kNever.
  [[nodiscard]] Instant next() const;
  // Everything that is due; the world is settled before and has to be settled afterwards.
  void act();

  // How often each kind happened.
  [[nodiscard]] const std::array<uint64_t, kMishapKinds>& counts() const { return counts_; }

  void recorded(const HostRecord& record) override;
  void passed(sim::HostId host, sim::Passing way, Instant at,
              std::span<const uint8_t> packet) override;

 private:
  struct Due {
    Instant at;
    size_t mishap = 0;
    bool over = false;  // its end
  };

  // A packet to be put on the wire between two steps.
  struct Forged {
    sim::HostId to = 0;
    Duration after{};
    std::vector<uint8_t> packet;
  };

  void happen(const Mishap& m, bool over);
  void crash(const Mishap& m, bool over);
  void drain(const Mishap& m);
  void flood(const Mishap& m);
  void forge_syn(const Mishap& m, const sim::Tuple& tuple, uint32_t seq, Duration after);

  // What a host's segments say of one connection: enough to make strays of.
  struct Seen {
    uint32_t rcv_nxt = 0, edge = 0, snd_nxt = 0, una = 0;
    uint8_t shift = 0;
    tcp::State state = tcp::State::Closed;
    bool sent = false, clocked = false, fin_came = false;
    uint32_t tsval = 0, tsecr = 0;  // of the last that it sent
  };

  // strays.cc
  void note(sim::HostId host, const sim::Tuple& tuple, const TraceSegment& s);
  void stray(const Mishap& m, const sim::Tuple& tuple);
  void stray_to_time_wait(const Mishap& m, const sim::Tuple& tuple, const Seen& seen);
  void forge(const Mishap& m, const sim::Tuple& tuple, wire::SegmentHead head, uint32_t text);

  const Plan& plan_;
  sim::World& world_;
  sim::Invariants& watch_;
  Fallen fallen_;
  std::vector<Due> due_;  // the last one first
  std::vector<Forged> forged_;
  std::map<sim::Tuple, uint32_t> rcv_nxt_;
  std::array<uint64_t, kMishapKinds> counts_{};
  Random chance_;
  bool strays_ = false;
  std::vector<std::pair<const Mishap*, sim::Tuple>> due_strays_;  // once all is settled
  std::map<sim::Tuple, Seen> seen_;
};

}  // namespace rapport::lives
