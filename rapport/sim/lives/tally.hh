// Tally: how often everything that can happen in random worlds happened: every edge of the
// transition table, every close form, every fault; so that nobody takes worlds in which little
// happens for good ones.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::lives {

// What wires and clocks do beside the kinds of Mishap.
enum class Fault : uint8_t {
  RandomLoss,
  BurstyLoss,
  PeriodicLoss,
  Duplicate,
  Reorder,  // held back, so that later packets overtook it
  Corrupt,
  QueueOverflow,
  CutWire,     // lost in a partition
  HostDown,    // arrived at a host that had crashed
  ClockDrift,  // hosts whose clock runs fast or slow
};
inline constexpr size_t kFaults = 10;

[[nodiscard]] std::string_view name(Fault f);

struct Tally final : public sim::Observer {
  uint64_t worlds = 0, opened = 0, gentle = 0, sure = 0, complete = 0, octets = 0, records = 0,
           believed = 0;
  uint64_t ended_by_until = 0, ended_by_events = 0;
  uint64_t fingerprint = 0;
  std::array<std::array<uint64_t, tcp::kEvents>, tcp::kStates> edges{};
  std::array<uint64_t, static_cast<size_t>(CloseReason::kCount)> ends{};
  std::array<uint64_t, kFaults> faults{};
  std::array<uint64_t, kMishapKinds> mishaps{};

  void recorded(const HostRecord& record) override;
  void departed(const WireRecord& wire) override;
  void arrived(const WireRecord& wire) override;

  void count(Fault f, uint64_t times = 1) { faults[static_cast<size_t>(f)] += times; }

  // What happened in both; the order of additions does not matter but to the fingerprint.
  void add(const Tally& other);
};

// One line of the account.
struct Account {
  std::string_view kind;  // "edge", "close", "fault"
  std::string name;
  uint64_t count = 0;
  std::string_view impossible;  // why it cannot happen in these worlds; else nothing
};

// Every edge of the table, every close form, every fault.
[[nodiscard]] std::vector<Account> account(const Tally& tally);

}  // namespace rapport::lives
