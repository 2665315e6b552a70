// Law: the names of the invariants, and a line of their table (law.cc), for Invariants and
// for the models of one end that judge on its behalf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::sim {

enum class Invariant : uint8_t {
  BytesInOrder,
  Agreement,
  OneIncarnation,
  TimerOrDebt,
  Liveness,
  WithinWindow,
  AckOfReceived,
  LegalNumbers,
  RstAllowed,
  TimeWaitLength,
  MemoryBack,
  ClockForward,
  TwoHalves,
  RetransmissionTimer,
  CongestionWindow,
  LossRecovery,
  AckDuty,
  SackTruth,
  GiveUp,
  Probes,
  Parting,
};
inline constexpr size_t kInvariants = 21;
// From RetransmissionTimer on they are judged by models of one end, and watched by who asks for it.
inline constexpr size_t kAlwaysWatched = 13;

// One line of the table.
struct Law {
  Invariant which;
  std::string_view name;      // "bytes-in-order"
  std::string_view clause;    // "RFC 9293 3.1"
  std::string_view sentence;  // what holds
};

// Those that are always watched, in the order of the enumeration.
[[nodiscard]] std::span<const Law> laws();
// Those of the models of one end, which judge where they are asked to (Invariants::watch_models).
[[nodiscard]] std::span<const Law> model_laws();
[[nodiscard]] const Law& law(Invariant i);
[[nodiscard]] std::string_view name(Invariant i);

// What a model does not believe. It keeps the first until it is asked.
class Doubts {
 public:
  void add(Invariant which, std::string words) {
    if (!first_) first_ = {which, std::move(words)};
  }

  struct Doubt {
    Invariant which;
    std::string words;
  };

  [[nodiscard]] const std::optional<Doubt>& first() const { return first_; }

 private:
  std::optional<Doubt> first_;
};

}  // namespace rapport::sim
