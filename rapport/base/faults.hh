// Faults: what happens to packets on their way, decided from a seed: lost, doubled, held back,
// damaged. For links of simulated worlds and for devices. It decides and counts; who asks carries
// it out. The same seed and plan give the same decisions for the same sequence of packets.
#pragma once

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rapport {

enum class FaultKind : uint8_t {
  Lose,
  Duplicate,
  Reorder,  // held back by FaultPlan::reorder_delay, so that later packets overtake it
  Corrupt,  // one bit flipped
  kCount
};

[[nodiscard]] std::string_view name(FaultKind k);

// One fault for one packet: the n-th of this direction, counted from 1.
struct ScriptedFault {
  static constexpr uint32_t kAnywhere = UINT32_MAX;

  uint64_t packet = 0;
  FaultKind kind = FaultKind::Lose;
  // Reorder: held back so long (0: FaultPlan::reorder_delay). Duplicate: the second copy follows so
  // long after the first.
  Duration by{};
  uint32_t octet = kAnywhere;  // Corrupt: where; beyond the packet's end: its last octet
};

struct FaultPlan {
  // Each in parts per million of all packets, independent of each other.
  uint32_t loss_ppm = 0;
  uint32_t duplicate_ppm = 0;
  uint32_t reorder_ppm = 0;
  uint32_t corrupt_ppm = 0;
  Duration delay{};   // of every packet
  Duration jitter{};  // and up to this much more, drawn for each copy (may reorder, too)
  Duration reorder_delay = 10_ms;       // and this much more for a reordered packet
  std::vector<ScriptedFault> script{};  // besides the dice, in any order
};

// What is to happen to one packet.
struct Verdict {
  uint8_t copies = 1;               // 0: lost; 2: duplicated
  std::array<Duration, 2> delay{};  // of each copy
  bool reordered = false;           // held back
  bool corrupted = false;           // every copy
  uint8_t flip = 0;                 // the bit, as a mask
  uint32_t octet = 0;               // where, from the beginning of the packet

  [[nodiscard]] bool lost() const { return copies == 0; }

  // Carries the damage out, if there is any. `packet` is as long as Faults::decide() was told.
  void damage(std::span<uint8_t> packet) const {
    if (corrupted && octet < packet.size()) packet[octet] ^= flip;
  }
};

struct FaultCounts {
  uint64_t packets = 0;  // decided upon
  std::array<uint64_t, static_cast<size_t>(FaultKind::kCount)> of{};

  [[nodiscard]] uint64_t operator[](FaultKind k) const { return of[static_cast<size_t>(k)]; }
};

// The faults of one direction. A lost packet suffers and counts nothing else.
class Faults {
 public:
  Faults(FaultPlan plan, uint64_t seed);

  // The verdict on the next packet, which is `octets` long. Takes the same number of draws whatever
  // the plan says, so that changing one rate leaves the decisions of the other kinds as they were.
  [[nodiscard]] Verdict decide(size_t octets);

  // Other rates and delays from the next packet on; the plan's script is added to what is ordered.
  void configure(FaultPlan plan);
  // One more line of the script.
  void order(const ScriptedFault& fault);

  [[nodiscard]] const FaultCounts& counts() const { return counts_; }

  // Rates and delays; the script is empty.
  [[nodiscard]] const FaultPlan& plan() const { return plan_; }

 private:
  [[nodiscard]] Duration jitter();
  [[nodiscard]] Verdict dice(size_t octets);
  void obey_script(Verdict& verdict, size_t octets);
  void count(const Verdict& verdict);

  FaultPlan plan_;
  std::vector<ScriptedFault> script_;  // still to come, the last packet first
  Random random_;
  FaultCounts counts_;
};

}  // namespace rapport
