// Recording: writes down everything that stacks are asked, so that Replay (replay.hh) can ask the
// same again on another day, machine or compiler and see the same come of it. Attached to a World
// before it runs it also notes what the wires did, for the same ladder:
//   sim::Recording recording({.program = "rapport 0.1.0", .seed = 7, .asked = "sim --seeds 7..7"});
//   world.record(recording);   // hosts may be added before or after
//   ...the world runs...
//   write_to_a_file(recording.finish());
// Without a World: stack.record(&recording.host(0, {.name = "server"})). No I/O: octets are kept in
// memory or given to a sink. It may end before what it listens to: from then on nothing is written
// down. The contents of packets and of what was sent are in it.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/format.hh"
#include "rapport/stack/recording.hh"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::sim {

struct RecordingAbout {
  std::string program{};  // and its version
  uint64_t seed = 0;
  std::string asked{};                   // one line, for people: which world, scenario, server
  std::vector<std::string> rules_off{};  // names, as `rapport why` has them; none: as shipped
};

// How many answers carry the fingerprint of the stack afterwards.
enum class Fingerprints : uint8_t {
  Every,    // each input
  Bounded,  // each while little is alive; else so many that an input's share of the work is bounded
};

struct RecordedHost {
  std::string name{};
  uint32_t trace_records = 0;  // of its Stack's trace; 0: it has none
  uint8_t snap_length = 0;
};

class World;

class Recording {
 public:
  // Takes octets that follow those before; a whole number of records.
  using Sink = std::function<void(std::span<const uint8_t>)>;

  // Kept in memory.
  explicit Recording(const RecordingAbout& about);
  // Given to `sink`, by blocks of about `block` octets.
  Recording(const RecordingAbout& about, Sink sink, Fingerprints fingerprints,
            size_t block = size_t{64} << 10);
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording();

  // Who listens to the stack of host `h`; a stack that begins again after gone() takes the same.
  [[nodiscard]] stack::Recorder& host(uint32_t h, const RecordedHost& about);

  // --- what a World tells -----------------------------------------------------------------------
  void wire(const WireRecord& wire);
  // Of the `index`-th wire, from 0.
  void fate(uint64_t index, Fate fate);
  void gathered(uint32_t h);
  void gone(uint32_t h);

  // --- for ladders ------------------------------------------------------------------------------
  struct Note {
    uint32_t host = 0;
    Instant at;
    std::string text{};
    bool forgets = false, closes = false;  // as observe::Remark
  };

  void remark(const Note& note);
  void ladder(uint32_t left, uint32_t right);

  // --- ending -----------------------------------------------------------------------------------
  // Says that nothing was left out, and is told no more. The whole file, when kept in memory.
  std::span<const uint8_t> finish();

  // Stops without saying so: the file is one that was cut short.
  void abandon() { over_ = true; }

  [[nodiscard]] bool over() const { return over_; }

  // Gives what is buffered to the sink.
  void flush();

  // What the sink has not got yet; whole records.
  [[nodiscard]] std::span<const uint8_t> pending() const {
    return std::span(octets_).first(sealed_);
  }

  [[nodiscard]] uint64_t inputs() const { return inputs_; }

 private:
  friend class World;
  class Ear;

  void begin(RecordKind kind);
  void seal();
  void write_about(const RecordingAbout& about);
  [[nodiscard]] bool wants_fingerprint(const stack::Stack& stack, uint32_t& skipped) const;

  Sink sink_;
  Fingerprints fingerprints_ = Fingerprints::Every;
  size_t block_ = 0;
  std::vector<uint8_t> octets_;  // not yet given away
  size_t sealed_ = 0;            // of them, whole records
  uint32_t crc_ = 0;
  uint64_t inputs_ = 0;
  bool over_ = false;
  std::vector<std::unique_ptr<Ear>> ears_;  // by host
  World* records_ = nullptr;                // whose wires it hears of
};

}  // namespace rapport::sim
