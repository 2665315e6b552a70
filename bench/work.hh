// What is measured. Each function does one run and returns its figure; the memory ones drive both
// ends through a Couple, the loopback ones through the kernel's TCP, in this thread.
#pragma once

#include "rapport/base/seq.hh"

#include <cstdint>
#include <memory>

namespace rapport::bench {

// Connections opened, used and closed, while 65,536 earlier ones stay in TIME-WAIT.
class Lifecycles {
 public:
  Lifecycles();
  ~Lifecycles();
  // Lifecycles per second of real time over this many lifecycles.
  [[nodiscard]] double run(uint32_t lifecycles);

  [[nodiscard]] uint32_t least_time_waits() const;  // over all runs
  [[nodiscard]] uint64_t early_reuses() const;      // of a four-tuple before 2MSL
  [[nodiscard]] double segments_per_lifecycle() const;
  [[nodiscard]] double segments_per_burst() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct BulkKind {
  ByteCount window = 256_KiB;
  bool copying = false;       // Send and Receive instead of SendBorrowed, readable and Consume
  bool every_second = false;  // an ACK for every second full segment
};

// Gbit/s of text; `octets` are moved. The text is compared in a run of its own: check = true.
[[nodiscard]] double bulk(const BulkKind& kind, uint64_t octets, bool check);

// One octet there and one back: how often a second.
[[nodiscard]] double pingpong(uint32_t rounds);

// Packet scripts of a connection's life, parsed and played: how many a second.
[[nodiscard]] double scripts(uint32_t count);

// --- the kernel over loopback -------------------------------------------------------------------
// A network namespace of our own whose loopback has an MTU of 1500 and no segmentation offload;
// false when this is not allowed here: then the host's own loopback is used as it is.
[[nodiscard]] bool enter_own_loopback();
void set_loopback(uint32_t mtu, bool offload);
[[nodiscard]] double loopback_lifecycles(uint32_t lifecycles);
[[nodiscard]] double loopback_bulk(uint64_t octets);
[[nodiscard]] double loopback_pingpong(uint32_t rounds);

}  // namespace rapport::bench
