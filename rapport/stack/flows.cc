// TCP's segments of one part of a burst: their flows' keys hashed and their buckets fetched before
// any segment is handled (stop 5 of ARCHITECTURE.md).
#include "rapport/stack/world.hh"
#include "rapport/tcp/passive.hh"

#include <array>
#include <cstddef>
#include <span>

namespace rapport::stack {

namespace {

// The hashes of the burst's flows, eight at once where there are that many.
class Hashing {
 public:
  explicit Hashing(World& w) : w_(w) {}

  void add(Parsed& p) {
    if (p.key == w_.last_key) {  // a burst is often of one flow
      p.same_flow = true;
      return;
    }
    w_.last_key = p.key;
    p.same_flow = false;
    if (!p.key.remote.is_v4()) {
      give(p, tcp::hash_of(w_.cx.flow_key, p.key));
      return;
    }
    const tcp::FlowWords words = tcp::words_of(p.key);
    w_.lanes.a[count_] = words.remote_and_ports;
    w_.lanes.b[count_] = words.local;
    waiting_[count_++] = &p;
    if (count_ == kSipLanes) flush();
  }

  void flush() {
    if (count_ >= kWorthwhile) {
      siphash24_12(w_.cx.flow_key, w_.lanes);
      for (size_t i = 0; i < count_; ++i) give(*waiting_[i], tcp::split_hash(w_.lanes.hash[i]));
    } else {
      for (size_t i = 0; i < count_; ++i) {
        give(*waiting_[i], tcp::hash_of(w_.cx.flow_key, waiting_[i]->key));
      }
    }
    count_ = 0;
  }

 private:
  static constexpr size_t kWorthwhile = 3;

  void give(Parsed& p, tcp::FlowHash hash) {
    p.hash = hash;
    w_.cx.table.prefetch(hash.tag);
  }

  World& w_;
  std::array<Parsed*, kSipLanes> waiting_{};
  size_t count_ = 0;
};

void hash_parsed(World& w) {
  const std::span<Parsed> burst = std::span(w.parsed).first(w.parsed_count);
  Hashing hashing(w);
  for (Parsed& p : burst) hashing.add(p);
  hashing.flush();
  for (Parsed& p : burst) {
    if (p.same_flow) p.hash = w.last_hash;
    w.last_hash = p.hash;
  }
}

}  // namespace

void deliver_parsed(World& w) {
  hash_parsed(w);
  for (size_t i = 0; i < w.parsed_count; ++i) {
    Parsed& p = w.parsed[i];
    w.cx.arrival_serial = p.serial;
    w.cx.progress = false;
    tcp::segment_arrives_at(p.key, p.hash, p.segment, w.cx);
    if (w.has_links && w.cx.progress) confirm_neighbour(w, p.key);
  }
  w.parsed_count = 0;
}

}  // namespace rapport::stack
