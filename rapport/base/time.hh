// Time as values. Nothing here reads a clock: instants come in as arguments.
//   Instant, Duration   64-bit nanoseconds since the world began
//   Tick                32-bit clock of 1 ms: timestamps (RFC 7323 5.4), ages, long timers
//   Micros              32-bit clock of 1 us: round trips, recovery
#pragma once

#include <compare>
#include <cstdint>

namespace rapport {

// A length of time in nanoseconds; may be negative in differences.
struct Duration {
  int64_t ns = 0;

  friend constexpr auto operator<=>(Duration, Duration) = default;

  constexpr Duration operator+(Duration o) const { return {ns + o.ns}; }

  constexpr Duration operator-(Duration o) const { return {ns - o.ns}; }

  constexpr Duration operator*(int64_t k) const { return {ns * k}; }

  constexpr Duration operator/(int64_t k) const { return {ns / k}; }

  constexpr Duration& operator+=(Duration o) {
    ns += o.ns;
    return *this;
  }

  [[nodiscard]] constexpr int64_t to_us() const { return ns / 1'000; }

  [[nodiscard]] constexpr int64_t to_ms() const { return ns / 1'000'000; }

  [[nodiscard]] constexpr int64_t to_s() const { return ns / 1'000'000'000; }
};

constexpr Duration operator*(int64_t k, Duration d) {
  return d * k;
}

constexpr Duration operator""_ns(unsigned long long v) {
  return {static_cast<int64_t>(v)};
}

constexpr Duration operator""_us(unsigned long long v) {
  return {static_cast<int64_t>(v) * 1'000};
}

constexpr Duration operator""_ms(unsigned long long v) {
  return {static_cast<int64_t>(v) * 1'000'000};
}

constexpr Duration operator""_s(unsigned long long v) {
  return {static_cast<int64_t>(v) * 1'000'000'000};
}

// 1 ms, modulo 2^32 (49.7 days). Compare with before().
struct Tick {
  uint32_t v = 0;
  friend constexpr bool operator==(Tick, Tick) = default;
};

constexpr bool before(Tick a, Tick b) {
  return static_cast<int32_t>(a.v - b.v) < 0;
}

constexpr Tick operator+(Tick t, uint32_t ms) {
  return {t.v + ms};
}

constexpr uint32_t operator-(Tick a, Tick b) {
  return a.v - b.v;
}

// 1 us, modulo 2^32 (71.6 minutes). Compare with before().
struct Micros {
  uint32_t v = 0;
  friend constexpr bool operator==(Micros, Micros) = default;
};

constexpr bool before(Micros a, Micros b) {
  return static_cast<int32_t>(a.v - b.v) < 0;
}

constexpr Micros operator+(Micros t, uint32_t us) {
  return {t.v + us};
}

constexpr uint32_t operator-(Micros a, Micros b) {
  return a.v - b.v;
}

// A point in time: nanoseconds since the world began (never negative).
struct Instant {
  int64_t ns = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;

  constexpr Instant operator+(Duration d) const { return {ns + d.ns}; }

  constexpr Instant operator-(Duration d) const { return {ns - d.ns}; }

  constexpr Duration operator-(Instant o) const { return {ns - o.ns}; }

  constexpr Instant& operator+=(Duration d) {
    ns += d.ns;
    return *this;
  }

  [[nodiscard]] constexpr Tick tick() const { return {static_cast<uint32_t>(ns / 1'000'000)}; }

  [[nodiscard]] constexpr Micros micros() const { return {static_cast<uint32_t>(ns / 1'000)}; }

  // The first whole tick at or after this instant.
  [[nodiscard]] constexpr Tick tick_ceil() const {
    return {static_cast<uint32_t>((ns + 999'999) / 1'000'000)};
  }
};

// "No deadline": later than every instant that a program reaches.
inline constexpr Instant kNever{INT64_MAX};

}  // namespace rapport
