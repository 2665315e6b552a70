// The wire of an explored world: every frame that leaves asks what is to become of it; what is kept
// may be let go at any later instant within MSL. It also knows where numbers and clocks begin, so
// that frames of worlds that differ only in time and secrets look alike.
#pragma once

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::sim::explore {

enum class Fate : uint8_t {
  Deliver,
  Lose,
  Copy,  // and another one is kept
  Keep,  // held back
};

// Who chooses.
class Chooser {
 public:
  virtual ~Chooser() = default;
  virtual Fate fate(const WireRecord& wire) = 0;
};

class Wire final : public Carrier, public Observer {
 public:
  Wire(World& world, Chooser& chooser, Duration msl, Duration delay)
      : world_(&world), chooser_(&chooser), msl_(msl), delay_(delay) {}

  // A frame that waits for its chance: no earlier than it would have arrived unharmed (what it
  // does before, a fault of the frames before it does), no later than MSL after it left.
  struct Kept {
    WireRecord wire;
    std::vector<uint8_t> packet;
    bool copy = false;
    bool timer_fired = false;  // a retransmission left meanwhile
  };

  [[nodiscard]] std::span<const Kept> kept() const { return kept_; }

  [[nodiscard]] bool may_arrive(const Kept& k) const;
  // kept()[i] arrives now.
  void release(size_t i);
  // What has lived too long is gone (RFC 9293 3.4.1).
  void expire();

  [[nodiscard]] size_t flying() const { return flights_.size(); }

  // Of host `h`: its numbers and clock, as last seen in a SYN that it sent.
  [[nodiscard]] stack::Origin origin(HostId h) const;

  // How long ago host `h` chose its present number. Where a text may outrun the clock of those
  // numbers it counts, where the next one will lie, and whose text an end has already.
  [[nodiscard]] Duration age_of_iss(HostId h) const { return world_->now() - bases_.at(h).since; }

  // The frames on the way and those that are kept.
  [[nodiscard]] uint64_t fingerprint() const;

  Passage carry(const WireRecord& wire, std::span<const uint8_t> packet) override;
  void arrived(const WireRecord& wire) override;
  void recorded(const HostRecord& record) override;

 private:
  struct Flight {
    HostId from = 0;
    uint32_t serial = 0;
    Instant arrival;
    std::vector<uint8_t> packet;
  };

  // Where one host counts from.
  struct Base {
    Seq iss;
    uint32_t clock = 0;  // what its timestamps were at the world's beginning
    Instant since{};     // when that ISS was chosen
  };

  void learn(HostId from, std::span<const uint8_t> packet);

  // When it arrives, if nothing goes wrong.
  [[nodiscard]] Instant due(const WireRecord& wire) const { return wire.sent + delay_; }

  [[nodiscard]] uint64_t hash_of(HostId from, std::span<const uint8_t> packet) const;

  World* world_;
  Chooser* chooser_;
  Duration msl_, delay_;
  std::array<Base, 2> bases_{};
  std::vector<Flight> flights_;  // in the order of their arrival
  std::vector<Kept> kept_;
};

// As a story has them, where they left; what was kept is entered when it arrives. Those of one
// instant stay as they are.
void by_departure(std::vector<WireRecord>& wires);

}  // namespace rapport::sim::explore
