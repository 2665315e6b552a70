// PortRange: the ports that may be chosen for a caller who names none (RFC 6056 3.2), without those
// that are reserved.
#pragma once

#include "rapport/base/assert.hh"

#include <array>
#include <cstdint>
#include <span>

namespace rapport {

class PortRange {
 public:
  // first <= last.
  PortRange(uint16_t first, uint16_t last, std::span<const uint16_t> reserved)
      : first_(first), count_(last - uint32_t{first} + 1) {
    ASSERT(first <= last);
    for (const uint16_t port : reserved) reserved_[port / 64] |= uint64_t{1} << (port % 64);
  }

  // How many ports there are, reserved ones included.
  [[nodiscard]] uint32_t count() const { return count_; }

  // The port with this number, taken modulo count().
  [[nodiscard]] uint16_t at(uint32_t number) const {
    return static_cast<uint16_t>(first_ + number % count_);
  }

  [[nodiscard]] bool is_reserved(uint16_t port) const {
    return (reserved_[port / 64] >> (port % 64) & 1) != 0;
  }

 private:
  uint32_t first_;
  uint32_t count_;
  std::array<uint64_t, 1024> reserved_{};
};

}  // namespace rapport
