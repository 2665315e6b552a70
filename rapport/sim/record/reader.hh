// Reader: a recording, record by record. It believes nothing that it reads: what is changed, cut
// off or makes no sense is told with its place, and memory stays within that of the file.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::sim {

// What is wrong, and at which octet of the file.
struct RecordingFault {
  uint64_t at = 0;
  std::string what;
  bool cut = false;  // only the end is missing: all before it can be replayed
};

struct ReadHost {
  uint32_t host = 0;
  RecordedHost about;
  uint32_t frames = 0, buffer_size = 0;
  stack::Config config;
};

// Views of the file, and of `options`.
struct ReadAsked {
  struct Packet {
    bool own = false;  // its buffer is of the host's own pool
    uint32_t serial = 0;
    std::span<const uint8_t> octets;
  };

  uint32_t host = 0;
  Instant at;
  uint32_t available = 0;  // buffers that the pool had left
  stack::Asked asked;      // without the burst of Receiving and the buffers of Receive
  std::vector<Packet> packets;
  uint64_t room = 0;  // octets of that buffer
  tcp::ConnectionOptions options;

  [[nodiscard]] bool is_input() const { return asked.index() < stack::kInputsAsked; }
};

struct ReadAnswer {
  std::span<const uint8_t> octets;  // see answers.hh
};

struct ReadWire {
  WireRecord wire;
};

struct ReadFate {
  uint64_t index = 0;
  Fate fate = Fate::Delivered;
};

struct ReadGathered {
  uint32_t host = 0;
};

struct ReadLadder {
  uint32_t left = 0, right = 0;
};

struct ReadGone {
  uint32_t host = 0;
};

struct ReadEnd {
  uint64_t inputs = 0;
};

using ReadRecord = std::variant<ReadHost, ReadAsked, ReadAnswer, ReadWire, ReadFate, ReadGathered,
                                Recording::Note, ReadLadder, ReadGone, ReadEnd>;

class Reader {
 public:
  // Most hosts of one file.
  static constexpr uint32_t kMostHosts = 4096;

  // `file` must outlive it. Fails on what is no recording, or one of another version.
  [[nodiscard]] static std::expected<Reader, RecordingFault> open(std::span<const uint8_t> file);

  [[nodiscard]] const RecordingAbout& about() const { return about_; }

  // The next one; after ReadEnd, or a fault, there is none. Views in it last as long as the file
  // and the record itself, which must not be moved while its options are pointed at: see bind().
  [[nodiscard]] std::expected<ReadRecord, RecordingFault> next();

  // Where the next record begins.
  [[nodiscard]] uint64_t at() const { return at_; }

 private:
  struct Raw {
    RecordKind kind{};
    std::span<const uint8_t> payload;
  };

  explicit Reader(std::span<const uint8_t> file) : file_(file) {}

  [[nodiscard]] std::expected<Raw, RecordingFault> next_raw();

  [[nodiscard]] RecordingFault fault(std::string what, bool cut = false) const {
    return {began_, std::move(what), cut};
  }

  [[nodiscard]] bool read_record(const Raw& raw, ReadRecord& out);
  [[nodiscard]] bool read_host(std::span<const uint8_t> payload, ReadHost& out);
  [[nodiscard]] bool read_asked(std::span<const uint8_t> payload, ReadAsked& out);

  std::span<const uint8_t> file_;
  uint64_t at_ = 0, began_ = 0;
  uint32_t crc_ = 0;
  RecordingAbout about_;
  std::vector<Instant> times_;       // of the hosts that are there
  std::vector<uint8_t> interfaces_;  // of each; 0: no such host now
  uint64_t inputs_ = 0;
  bool ended_ = false;
};

// Connect and Listen point at the record's own options, once it lies where it stays.
void bind(ReadAsked& asked);

}  // namespace rapport::sim
