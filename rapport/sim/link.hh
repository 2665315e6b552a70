// Link: one direction of a wire between two hosts: delay, rate, queue, faults drawn from the seed,
// and mishaps that a script orders for the n-th frame. It decides what becomes of a frame; the
// World carries it. No protocol is known here.
#pragma once

#include "rapport/base/faults.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rapport::sim {

// Losses that come in spells, as on a radio link (Gilbert's model): a bad spell begins and ends
// with these probabilities at each frame; within one so many frames are lost.
struct BurstyLoss {
  uint32_t begins_ppm = 0, ends_ppm = 0, loss_ppm = 0;
};

struct LinkConfig {
  Duration delay = 1_ms;         // propagation
  uint64_t bits_per_second = 0;  // 0: sending takes no time
  uint32_t queue = 0;            // octets that may wait to be sent; 0: no limit
  uint64_t strip = 0;            // bit k: a box puts NOPs over TCP options of kind k (sim/box.hh)
  FaultPlan faults{};
  BurstyLoss bursty{};      // besides faults.loss_ppm
  uint32_t lose_every = 0;  // and each frame whose number this divides; 0: none
};

// Frames lost so far, by what lost them.
struct LossCounts {
  uint64_t random = 0, bursty = 0, periodic = 0;
};

// What becomes of one frame: no copy of it arrives, or one, or two.
struct Passage {
  struct Copy {
    Fate fate = Fate::Delivered;
    Instant arrival = kNever;  // kNever: it does not arrive
    Duration held{};           // of which a fault or script added so much
  };

  std::array<Copy, 2> copies{};
  uint32_t count = 1;
  Verdict verdict;  // knows the damage
};

class Link {
 public:
  Link(const LinkConfig& config, uint64_t seed);

  // Takes effect with the next frame; the draws go on where they were.
  void configure(const LinkConfig& config);

  [[nodiscard]] const LinkConfig& config() const { return config_; }

  // A cut link loses what is put on it from now on.
  void cut(bool cut) { cut_ = cut; }

  // Frames that were put on this link so far, the lost ones too. The first has number 1.
  [[nodiscard]] uint64_t frames() const { return faults_.counts().packets; }

  [[nodiscard]] const LossCounts& losses() const { return losses_; }

  // --- scripts: by the number of the frame on this link, counted from 1 -------------------------
  void lose(uint64_t nth);
  // Arrives `by` later than it would; later frames overtake it.
  void hold(uint64_t nth, Duration by);
  // A second copy arrives `after` the first.
  void duplicate(uint64_t nth, Duration after);
  // The lowest bit of the packet's octet `at` is turned.
  void corrupt(uint64_t nth, uint32_t at);

  // The World's question: a packet of `octets` is put on this link at `now`.
  [[nodiscard]] Passage pass(size_t octets, Instant now);

 private:
  [[nodiscard]] Fate loss(const Verdict& verdict, size_t octets, Instant now);
  [[nodiscard]] bool lost_in_a_spell();
  [[nodiscard]] Duration sending_time(size_t octets) const;

  LinkConfig config_;
  Faults faults_;
  Random weather_;  // of bursty losses: other faults are drawn as without them
  LossCounts losses_;
  bool bad_spell_ = false;
  bool cut_ = false;
  Instant free_at_{};  // when the sender of this link will have sent all that waits
};

}  // namespace rapport::sim
