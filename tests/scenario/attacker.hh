// Attacker: somebody who sends by the thousand beside a story's Peer, blind or not. The Peer would
// expect each answer; here answers are only counted, with the octets on both sides, and what the
// stack learnt from them is asked for by its counters and populations: the work is counted, never
// timed. Nothing of it goes into the story but what the test tells.
#pragma once

#include "peer.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/wire/tcp.hh"
#include "words.hh"

#include <cstdint>
#include <memory>
#include <vector>

namespace rapport::scenario {

class Attacker {
 public:
  explicit Attacker(Peer& t);

  // Sends it at the story's instant, filled in as Peer::hears() would. How many packets that drew.
  uint32_t sends(const Seg& s);
  uint32_t sends_packet(const std::vector<uint8_t>& packet);
  // Time passes timer by timer; what the stack says meanwhile is counted as drawn.
  void waits(Duration d);

  // Since the attack began.
  [[nodiscard]] uint64_t sent() const { return sent_; }

  [[nodiscard]] uint64_t drawn() const { return drawn_; }  // packets of the stack

  [[nodiscard]] uint64_t octets_sent() const { return octets_sent_; }

  [[nodiscard]] uint64_t octets_drawn() const { return octets_drawn_; }

  [[nodiscard]] uint32_t most_drawn() const { return most_drawn_; }  // by one packet

  [[nodiscard]] uint64_t dropped(DropReason r) const;

  [[nodiscard]] const tcp::Counters& before() const { return before_; }

  [[nodiscard]] const tcp::Counters& counters() const;

  // The last segment that was drawn; its text is gone.
  [[nodiscard]] const wire::Segment& last() const { return last_; }

 private:
  uint32_t collects();

  Peer& t_;
  std::unique_ptr<FramePool> frames_;
  tcp::Counters before_;
  wire::Segment last_;
  uint64_t sent_ = 0, drawn_ = 0, octets_sent_ = 0, octets_drawn_ = 0;
  uint32_t most_drawn_ = 0;
};

// A host of its own for each `n`, in the network of the story.
Endpoint stranger(uint32_t n);

}  // namespace rapport::scenario
