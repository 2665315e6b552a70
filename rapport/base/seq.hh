// Sequence space: points (Seq) and lengths (ByteCount), modulo 2^32 (RFC 9293 3.4).
// Points are never compared with <: say before(a, b) or one of its kin.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

namespace rapport {

// A length in octets of sequence space or of buffers, up to 2^32-1.
struct ByteCount {
  uint32_t v = 0;

  constexpr ByteCount() = default;

  constexpr explicit ByteCount(uint64_t n) : v(static_cast<uint32_t>(n)) {}

  friend constexpr auto operator<=>(ByteCount, ByteCount) = default;

  constexpr ByteCount operator+(ByteCount o) const { return ByteCount{v + o.v}; }

  constexpr ByteCount operator-(ByteCount o) const { return ByteCount{v - o.v}; }

  constexpr ByteCount operator*(uint32_t k) const { return ByteCount{uint64_t{v} * k}; }

  constexpr ByteCount operator/(uint32_t k) const { return ByteCount{v / k}; }

  constexpr ByteCount& operator+=(ByteCount o) {
    v += o.v;
    return *this;
  }

  constexpr ByteCount& operator-=(ByteCount o) {
    v -= o.v;
    return *this;
  }
};

constexpr ByteCount operator""_B(unsigned long long n) {
  return ByteCount{n};
}

constexpr ByteCount operator""_KiB(unsigned long long n) {
  return ByteCount{n * 1024};
}

// a - b, or zero where that would be negative.
constexpr ByteCount saturating_sub(ByteCount a, ByteCount b) {
  return a > b ? a - b : 0_B;
}

// A sequence number.
struct Seq {
  uint32_t v = 0;

  constexpr Seq() = default;

  constexpr explicit Seq(uint32_t n) : v(n) {}

  friend constexpr bool operator==(Seq, Seq) = default;

  constexpr Seq operator+(ByteCount n) const { return Seq{v + n.v}; }

  constexpr Seq operator-(ByteCount n) const { return Seq{v - n.v}; }

  constexpr Seq& operator+=(ByteCount n) {
    v += n.v;
    return *this;
  }

  // The way from b to a; meaningful when b is not after a.
  constexpr ByteCount operator-(Seq b) const { return ByteCount{v - b.v}; }
};

constexpr bool before(Seq a, Seq b) {
  return static_cast<int32_t>(a.v - b.v) < 0;
}

constexpr bool at_or_before(Seq a, Seq b) {
  return static_cast<int32_t>(a.v - b.v) <= 0;
}

constexpr bool after(Seq a, Seq b) {
  return before(b, a);
}

constexpr bool at_or_after(Seq a, Seq b) {
  return at_or_before(b, a);
}

// left =< s < left + length
constexpr bool in_window(Seq s, Seq left, ByteCount length) {
  return s.v - left.v < length.v;
}

constexpr Seq later(Seq a, Seq b) {
  return before(a, b) ? b : a;
}

constexpr Seq earlier(Seq a, Seq b) {
  return before(a, b) ? a : b;
}

// A run [left, right) of sequence space; empty when left == right.
struct SeqRange {
  Seq left, right;
  friend constexpr bool operator==(SeqRange, SeqRange) = default;

  [[nodiscard]] constexpr ByteCount length() const { return right - left; }

  [[nodiscard]] constexpr bool empty() const { return left == right; }

  [[nodiscard]] constexpr bool contains(Seq s) const { return in_window(s, left, right - left); }
};

}  // namespace rapport
