// Which world it is: the places where it leaves the course without faults. Everything else follows,
// so that a world is run again from its beginning by its path alone.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::sim::explore {

// At the `at`-th choice of a world its `which`-th alternative is taken; 0 is the ordinary course.
struct Deviation {
  uint16_t at : 12 = 0;
  uint16_t which : 4 = 0;
  friend auto operator<=>(const Deviation&, const Deviation&) = default;
};

inline constexpr uint32_t kMostChoices = 4095;  // of one world
inline constexpr uint32_t kMostAlternatives = 15;

// At most two for each fault: a frame is kept, and let go.
class Path {
 public:
  static constexpr size_t kMost = 15;
  static constexpr uint8_t kMostFaults = 7;

  // This path and one place more.
  [[nodiscard]] Path with(Deviation d, bool fault) const {
    Path p = *this;
    p.places_.at(p.length_++) = d;
    p.faults_ = static_cast<uint8_t>(p.faults_ + (fault ? 1 : 0));
    return p;
  }

  [[nodiscard]] std::span<const Deviation> places() const {
    return std::span(places_).first(length_);
  }

  [[nodiscard]] bool may_grow() const { return length_ < kMost; }

  [[nodiscard]] uint8_t faults() const { return faults_; }

  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::array<Deviation, kMost> places_{};
  uint8_t length_ = 0;
  uint8_t faults_ = 0;
};

static_assert(sizeof(Path) == 32);

}  // namespace rapport::sim::explore
