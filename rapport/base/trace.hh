// The trace: one record for everything that happens to a connection and why, from the first day.
// A record is a 64-byte header and a typed tail of up to 192 octets (256 in all). The core writes
// into a plain ring with one branch when nobody listens; who reads it (ladder, JSON, pcapng, tests)
// computes everything from it. When the ring is full the oldest records go and are counted as lost.
#pragma once

#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace_tails.hh"  // IWYU pragma: export

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace rapport {

struct TraceHeader {
  Instant at;
  Handle connection;  // 0 when there is none (half-open, TIME-WAIT, nobody)
  FlowKey key;
  IpAddress local;
  TraceKind kind;
  uint8_t tail_length;
  uint16_t reserved;
  uint32_t number;  // running number in this trace
};

static_assert(sizeof(TraceHeader) == 64);

struct TraceRecord {
  TraceHeader header;
  std::byte tail[192];

  // The typed tail; T must be the type that header.kind names.
  template <class T>
  [[nodiscard]] T as() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(tail));
    T value;
    std::memcpy(&value, tail, sizeof(T));
    return value;
  }
};

static_assert(sizeof(TraceRecord) == 256);

// A ring of records. enabled() is the one branch of the silent case. Memory is taken in enable().
class Trace {
 public:
  // Keeps the last `records` records (rounded up to a power of two, at most 2^24); 0 turns tracing
  // off.
  void enable(uint32_t records);

  [[nodiscard]] bool enabled() const { return mask_ != 0; }

  // How many payload octets of each segment are kept (at most 64; default 0).
  void set_snap_length(uint8_t octets) { snap_length_ = octets > 64 ? 64 : octets; }

  [[nodiscard]] uint8_t snap_length() const { return snap_length_; }

  template <class T>  // NOLINTNEXTLINE(readability-function-size): the fields of a record
  void write(TraceKind kind, Instant at, Handle connection, const FlowKey& key,
             const IpAddress& local, const T& tail) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 192);
    TraceRecord& r = claim();
    r.header = {at, connection, key, local, kind, sizeof(T), 0, static_cast<uint32_t>(written_)};
    std::memcpy(r.tail, &tail, sizeof(T));
  }

  // Takes the oldest unread record; false when there is none.
  bool read(TraceRecord& out);

  // Records overwritten before anyone read them.
  [[nodiscard]] uint64_t lost() const { return lost_; }

  [[nodiscard]] uint64_t written() const { return written_; }

 private:
  TraceRecord& claim();
  std::vector<TraceRecord> ring_;
  uint64_t written_ = 0, read_ = 0, lost_ = 0;
  uint32_t mask_ = 0;
  uint8_t snap_length_ = 0;
};

}  // namespace rapport
