// Handle: how a caller names a connection or a listener: 32 bits of slab index, 32 of generation.
// A handle outlives what it names; a stale one answers Error::DoesNotExist.
#pragma once

#include <compare>
#include <cstdint>

namespace rapport {

struct Handle {
  uint64_t v = 0;  // 0 names nothing

  friend constexpr bool operator==(Handle, Handle) = default;
  friend constexpr auto operator<=>(Handle, Handle) = default;

  static constexpr Handle make(uint32_t index, uint32_t generation) {
    return {uint64_t{generation} << 32 | index};
  }

  [[nodiscard]] constexpr uint32_t index() const { return static_cast<uint32_t>(v); }

  [[nodiscard]] constexpr uint32_t generation() const { return static_cast<uint32_t>(v >> 32); }

  [[nodiscard]] constexpr explicit operator bool() const { return v != 0; }
};

// "No slot" in 32-bit intrusive links. Index 0 of every slab is never handed out.
inline constexpr uint32_t kNone = 0;

}  // namespace rapport
