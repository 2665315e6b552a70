// Ring: what waits to be taken out, first in first out, inside ip/ only. Its room is allocated at
// construction and never grows; whoever finds it full says so to its caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rapport::ip {

template <class T>
class Ring {
 public:
  explicit Ring(uint32_t cap) : slots_(cap) {}

  [[nodiscard]] bool full() const { return count_ == slots_.size(); }

  [[nodiscard]] size_t size() const { return count_; }

  // False when there is no room: `value` is gone then.
  [[nodiscard]] bool push(T value) {
    if (full()) return false;
    slots_[(first_ + count_) % slots_.size()] = std::move(value);
    ++count_;
    return true;
  }

  // Takes the oldest out; false when there is none.
  [[nodiscard]] bool pop(T& out) {
    if (count_ == 0) return false;
    out = std::move(slots_[first_]);
    first_ = (first_ + 1) % slots_.size();
    --count_;
    return true;
  }

 private:
  std::vector<T> slots_;
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace rapport::ip
