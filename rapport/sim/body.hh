// World::Body: the hosts, the links, what is on the way and what was recorded. Private to sim/.
#pragma once

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/machine.hh"
#include "rapport/sim/oracle.hh"
#include "rapport/sim/world.hh"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace rapport::sim {

// A frame on its way. `number` keeps the order of departure among equal instants.
struct Arrival {
  WireRecord wire;
  uint64_t number = 0;
  uint64_t record = 0;  // its number among all wire records
  Frame frame;
};

class World::Body {
 public:
  explicit Body(const WorldConfig& c) : config(c), random(c.seed), now(c.start) {}

  [[nodiscard]] Machine& machine(HostId h) {
    ASSERT(h < machines.size());
    return *machines[h];
  }

  // Everything that can happen without moving the clock.
  void settle();
  // Moves the clock and does all that is due then; every earlier deadline must have been met.
  void move_to(Instant at);
  [[nodiscard]] Instant next_deadline();
  // Takes the new records of a host's trace.
  void collect(HostId h);
  // A copy of a frame, whose fate is decided, leaves or is lost.
  void depart(const WireRecord& wire, Frame frame);
  // The recording, if there is one, listens to the new stack of a host.
  void record(HostId h);

  WorldConfig config;
  Random random;
  Instant now;
  std::vector<std::unique_ptr<Machine>> machines;
  std::map<std::pair<HostId, HostId>, Link> links;
  std::vector<Observer*> observers;
  Carrier* carrier = nullptr;     // decides in the links' place
  std::vector<Arrival> arrivals;  // a heap, the next one in front; gone before the machines' pools
  std::vector<HostRecord> records;
  std::vector<WireRecord> wires;
  Recording* recording = nullptr;
  Oracle oracle;  // listens in builds with RAPPORT_CHECKS

 private:
  bool settle_host(HostId h);
  bool send_frames(HostId h);
  void send(HostId from, Frame frame);
  [[nodiscard]] HostId destination_of(const Frame& frame) const;
  void deliver_due();
  // Takes the next arrival off the heap; false frame when its host is down.
  [[nodiscard]] Arrival take_arrival();
  void receive(HostId to, std::vector<Frame>& burst);
  void expire_due();
  void ask_oracle(const HostRecord& record);

  uint64_t number_ = 0;
  uint64_t departed_ = 0;  // wire records so far
  uint32_t order_ = 0;
};

}  // namespace rapport::sim
