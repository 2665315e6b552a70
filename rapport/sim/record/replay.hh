// Replay: asks stacks everything that a recording says they were asked, and compares what comes of
// it: every answer, event and frame, and the fingerprint after each input that carries one. The
// stacks are of this program, so the first difference says that it is another one than the one that
// recorded, or that something else than the inputs decided. Their pools have as many buffers left
// as they had then. No clock, no I/O.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::sim {

class Replay {
 public:
  struct Keeping {
    bool records = false;  // all of records() and wires(), for ladders
    bool packets = false;  // those of the latest input in moment()
  };

  Replay(Reader reader, const Keeping& keeping);
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  ~Replay();

  enum class State : uint8_t {
    Going,     // another input has been carried out
    Finished,  // there was none left
    Cut,       // there was none left, and the end of the file is missing: see fault()
    Damaged,   // see fault()
    Diverged,  // something else came of it: see divergence()
  };

  // The next input, with all that was taken from the stack after it.
  State next();

  // Brings into records() what the world had not yet gathered after the latest input; for a reader
  // who stops there. No next() may follow.
  void gather();

  // What the next next() will find, unless Going.
  [[nodiscard]] State state() const { return state_; }

  // What happened in the latest next().
  struct Moment {
    uint64_t input = 0;  // its number, from 1
    uint32_t host = 0;
    Instant at;
    std::string asked, answer;  // in words
    size_t frames = 0, events = 0;
    std::vector<HostRecord> records;  // of every host, as written

    struct Packet {
      uint32_t host = 0;
      bool sent = false;
      bool ethernet = false;  // begins with an Ethernet header
      Instant at;
      std::vector<uint8_t> octets;
    };

    std::vector<Packet> packets;
  };

  [[nodiscard]] const Moment& moment() const { return moment_; }

  struct Divergence {
    uint64_t input = 0;  // in or after which it showed
    uint32_t host = 0;
    Instant at;
    std::string asked;           // of the stack when it showed
    std::string recorded, came;  // in words
  };

  [[nodiscard]] const Divergence& divergence() const { return divergence_; }

  [[nodiscard]] const RecordingFault& fault() const { return fault_; }

  [[nodiscard]] const RecordingAbout& about() const { return reader_.about(); }

  // --- what was seen so far ---
  [[nodiscard]] uint64_t inputs() const { return moment_.input; }

  [[nodiscard]] uint64_t compared() const { return compared_; }  // fingerprints

  [[nodiscard]] uint64_t frames() const { return frames_; }

  [[nodiscard]] Instant now() const { return now_; }  // the latest of all hosts

  [[nodiscard]] std::vector<std::string> hosts() const;

  // The file is of hosts in a World, whose wires are in it.
  [[nodiscard]] bool has_wires() const { return gathers_; }

  [[nodiscard]] std::span<const HostRecord> records() const { return records_; }

  [[nodiscard]] std::span<const WireRecord> wires() const { return wires_; }

  struct Placed {
    Recording::Note note;
    uint32_t before = 0;  // the order of the first record after it
  };

  [[nodiscard]] const std::vector<Placed>& notes() const { return notes_; }

  [[nodiscard]] const std::vector<std::pair<uint32_t, uint32_t>>& ladders() const {
    return ladders_;
  }

 private:
  struct Host;

  // Records up to the next input.
  [[nodiscard]] bool read_on();
  [[nodiscard]] bool carry_out(ReadAsked& asked);
  [[nodiscard]] stack::Answer ask(Host& h, ReadAsked& asked, Frame& frame);
  template <class Command>
  [[nodiscard]] stack::Answer command(Host& h, const ReadAsked& asked, Command& what);
  [[nodiscard]] bool make_burst(Host& host, const ReadAsked& asked);
  [[nodiscard]] bool compare(Host& host, const ReadAsked& asked, std::span<const uint8_t> recorded,
                             const stack::Answer& answer);
  [[nodiscard]] bool take(ReadRecord& record);
  void begin(ReadHost&& read);
  void drain_trace(uint32_t h);
  void note_packets(Host& h, const ReadAsked& asked, const stack::Answer& answer);
  [[nodiscard]] bool diverge(const ReadAsked& asked, std::string recorded, std::string came);
  [[nodiscard]] bool spoil(std::string what);
  [[nodiscard]] Host* host(uint32_t h);

  Reader reader_;
  Keeping keeping_;
  State state_ = State::Going;
  std::optional<ReadAsked> ahead_;  // the next input, already read
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<HostRecord> records_;
  std::vector<WireRecord> wires_;
  std::vector<Placed> notes_;
  std::vector<std::pair<uint32_t, uint32_t>> ladders_;
  std::vector<uint8_t> scratch_, answer_;
  Moment moment_;
  Divergence divergence_;
  RecordingFault fault_;
  uint64_t compared_ = 0, frames_ = 0;
  uint32_t order_ = 0, written_ = 0;
  Instant now_{};
  bool gathers_ = false;
};

}  // namespace rapport::sim
