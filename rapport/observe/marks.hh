// Marks: what is remarkable about a captured segment beside its own fields: sent again, late, after
// a gap, a duplicate ACK (RFC 5681 2), a probe (RFC 9293 3.8.4, 3.8.6.1), a window that closes.
// Computed from what passed before it in both directions. Pure; bounded memory.
#pragma once

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::observe {

enum class Mark : uint8_t {
  Resent,        // all of it had been sent before
  PartlyResent,  // some of it
  OutOfOrder,    // fills a gap, and is older than what came before it
  FillsGap,      // fills a gap: sent again after a loss before the capture, or out of order
  AfterGap,      // octets before it are missing
  AcksUnseen,    // acknowledges octets that the capture does not hold
  DuplicateAck,
  WindowUpdate,
  WindowCloses,
  WindowOpens,
  KeepAlive,
  WindowProbe,
  ProbeAnswer,
  Challenge,  // answers a SYN or RST that was not believed (RFC 5961)
  Resets,
  Refuses,
};

struct Marks {
  uint32_t bits = 0;
  uint32_t missing = 0;    // octets, with AfterGap
  uint32_t unseen = 0;     // octets, with AcksUnseen
  uint32_t duplicate = 0;  // which in a row, with DuplicateAck
  uint32_t fresh = 0;      // octets of text that had not passed before

  [[nodiscard]] bool has(Mark m) const { return (bits >> static_cast<unsigned>(m) & 1U) != 0; }

  void set(Mark m) { bits |= 1U << static_cast<unsigned>(m); }
};

// "duplicate ACK, 2nd", "a gap: 1460 octets before it not seen yet", ... Resent has no words here:
// the arrow tells it.
[[nodiscard]] std::vector<std::string> words(const Marks& marks);

// What two ends have sent each other so far. The ends are 0 and 1.
class Flows {
 public:
  [[nodiscard]] Marks see(unsigned from, const TraceSegment& s);

  // What relative numbers of `end` count from: its SYN, or the octet before the first seen.
  [[nodiscard]] uint32_t origin(unsigned end) const { return flows_.at(end).origin; }

  // `number` is near what `end` has sent, so that it may be told as a distance from origin().
  [[nodiscard]] bool is_near(unsigned end, uint32_t number) const;

 private:
  struct Gap {
    Seq left, right;
    uint32_t tsval = 0;  // of the segment behind it
    bool stamped = false;
  };

  struct Flow {
    bool known = false;         // origin and next mean something
    bool synchronized = false;  // it has acknowledged
    uint32_t origin = 0;
    Seq next, acked;
    uint16_t window = 0;
    bool windowed = false;
    uint32_t duplicates = 0;
    bool probing = false;   // its last segment was a probe
    bool provoked = false;  // its last segment was a SYN or RST that does not fit
    std::vector<Gap> gaps;
  };

  void see_text(Flow& me, const TraceSegment& s, Marks& marks);
  static void open_gap(Flow& me, const TraceSegment& s, Marks& marks);
  static bool fill_gap(Flow& me, const TraceSegment& s, Marks& marks);
  static void see_ack(Flow& me, Flow& peer, const TraceSegment& s, Marks& marks);
  static void see_unseen(Flow& peer, Seq ack, Marks& marks);
  static void see_window(Flow& me, const TraceSegment& s, Marks& marks);

  std::array<Flow, 2> flows_;
};

}  // namespace rapport::observe
