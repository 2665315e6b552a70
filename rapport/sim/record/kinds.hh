// What Put and Get must know of types. Private to sim/record.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rapport::sim {

// How many values an enumeration has: more is damage.
template <class Enum>
inline constexpr uint64_t kValues = 0;
template <>
inline constexpr uint64_t kValues<Error> = static_cast<uint64_t>(Error::kCount) + 1;  // none, too
template <>
inline constexpr uint64_t kValues<CloseReason> = static_cast<uint64_t>(CloseReason::kCount);
template <>
inline constexpr uint64_t kValues<tcp::State> = tcp::kStates;
template <>
inline constexpr uint64_t kValues<tcp::AckPolicy> = 2;
template <>
inline constexpr uint64_t kValues<Fate> = 9;
template <>
inline constexpr uint64_t kValues<wire::IcmpKind> = 13;
template <>
inline constexpr uint64_t kValues<TimerKind> = 11;

// A build without switches reads and writes that none is off.
template <class T>
inline constexpr bool kIsSwitches = false;
template <bool switchable>
inline constexpr bool kIsSwitches<tcp::RuleSwitches<switchable>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsOctets = false;
template <size_t N>
inline constexpr bool kIsOctets<std::array<uint8_t, N>> = true;

}  // namespace rapport::sim
