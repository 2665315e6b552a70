// ConnectionTable: from a flow's key to the one tier that holds it now. The index is TagTable; the
// keys lie in the entries themselves. Values are 32-bit: two bits of tier, thirty of slab index.
#pragma once

#include "rapport/base/flow_key.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/tag_table.hh"
#include "rapport/tcp/connection.hh"

#include <array>
#include <cstdint>
#include <cstring>

namespace rapport::tcp {

enum class Tier : uint8_t { Nobody = 0, Connection = 1, HalfOpen = 2, TimeWait = 3 };

struct Entry {
  Tier tier = Tier::Nobody;
  uint32_t index = kNone;
  friend bool operator==(Entry, Entry) = default;
};

// One keyed hash a flow (RFC 6528: its low half seeds the ISN; its high half is the table's tag and
// never leaves the host).
struct FlowHash {
  uint32_t seed = 0;
  uint32_t tag = 0;
};

// A flow that was hashed before it is asked for.
struct PreparedFlow {
  FlowKey key;
  FlowHash hash;
};

// The initial sequence number that was chosen last: for which flow, and when (isn.hh).
struct LastIsn {
  int64_t m = -1;
  uint32_t seed = 0;
  Seq number;
};

// What of an IPv4 flow is hashed: the twelve octets that differ.
struct FlowWords {
  uint64_t remote_and_ports = 0;
  uint32_t local = 0;  // and the interface
};

[[nodiscard]] inline FlowWords words_of(const FlowKey& flow) {
  uint64_t low = 0;
  std::memcpy(&low, flow.remote.octets.data() + 8, 8);
  const uint64_t rest = flow.ports_and_local();
  return {(low >> 32) | rest << 32, static_cast<uint32_t>(rest >> 32)};
}

[[nodiscard]] inline FlowHash split_hash(uint64_t h) {
  return {static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32)};
}

[[nodiscard]] inline FlowHash hash_of(const SipKey& key, const FlowKey& flow) {
  if (flow.remote.is_v4()) {
    const FlowWords w = words_of(flow);
    return split_hash(siphash24_12(key, w.remote_and_ports, w.local));
  }
  std::array<uint64_t, 2> remote = flow.remote.words();
  return split_hash(siphash24_words(key, remote[0], remote[1], flow.ports_and_local()));
}

class ConnectionTable {
 public:
  ConnectionTable(uint32_t cap, bool* grew, Slab<Connection, Reuse::OldestFirst>& connections,
                  Slab<HalfOpen>& half_open, Slab<TimeWait>& time_wait)
      : index_(cap, grew),
        connections_(connections),
        half_open_(half_open),
        time_wait_(time_wait) {}

  [[nodiscard]] Entry find(const FlowKey& key, uint32_t tag) const {
    const uint32_t v = index_.find(tag, [&](uint32_t value) { return key_of(value) == key; });
    return {static_cast<Tier>(v >> kIndexBits), v & kIndexMask};
  }

  [[nodiscard]] bool insert(uint32_t tag, Entry e) { return index_.insert(tag, pack(e)); }

  void erase(uint32_t tag, Entry e) { index_.erase(tag, pack(e)); }

  void replace(uint32_t tag, Entry from, Entry to) { index_.replace(tag, pack(from), pack(to)); }

  void prefetch(uint32_t tag) const { index_.prefetch(tag); }

  size_t prepare(size_t limit) { return index_.prepare(limit); }

  [[nodiscard]] uint32_t size() const { return index_.size(); }

 private:
  static constexpr uint32_t kIndexBits = 30;
  static constexpr uint32_t kIndexMask = (1U << kIndexBits) - 1;

  static uint32_t pack(Entry e) { return static_cast<uint32_t>(e.tier) << kIndexBits | e.index; }

  [[nodiscard]] const FlowKey& key_of(uint32_t value) const {
    const uint32_t i = value & kIndexMask;
    switch (static_cast<Tier>(value >> kIndexBits)) {
      case Tier::HalfOpen: return half_open_[i].key;
      case Tier::TimeWait: return time_wait_[i].key;
      default: return connections_[i].key;
    }
  }

  TagTable index_;
  Slab<Connection, Reuse::OldestFirst>& connections_;
  Slab<HalfOpen>& half_open_;
  Slab<TimeWait>& time_wait_;
};

}  // namespace rapport::tcp
