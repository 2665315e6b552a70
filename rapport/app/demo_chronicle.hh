// Chronicle: the traces of two hosts that run in real time, brought to one clock and kept by
// connection, so that the story of each can be told while it goes on. Bounded: of one connection
// and of all of them only so much is kept.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/shard/shard.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rapport::app {

class Chronicle {
 public:
  // Turns the traces on. `way`: how long a packet travels; what left less than that ago is not yet
  // missed. Both shards must outlive it.
  Chronicle(shard::Shard& client, shard::Shard& server, Duration way);

  // Reads what the traces hold.
  void gather();
  // The ladder of the connection from this port of the client, up to now; `width` columns.
  [[nodiscard]] std::string ladder(uint16_t client_port, size_t width);
  // A connection has ended: it is kept as the latest one until the next ends.
  void end(uint16_t client_port);
  // The ladder of the latest that ended; empty when none has.
  [[nodiscard]] std::string latest(size_t width);

 private:
  struct Life {
    std::vector<HostRecord> records;
    uint64_t left_out = 0;  // records beyond the cap
  };

  void read(uint32_t host);
  void shed();
  [[nodiscard]] Instant now() const;
  [[nodiscard]] std::string draw(const Life& life, size_t width) const;

  std::array<shard::Shard*, 2> shards_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Duration way_;
  std::map<uint16_t, Life> lives_;  // by the client's port
  std::vector<uint16_t> order_;     // of their beginning
  uint16_t latest_ = 0;             // port of the one that ended last
};

}  // namespace rapport::app
