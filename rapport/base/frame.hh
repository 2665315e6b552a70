// Frame and FramePool: where packets live. A pool is one range of equal buffers, handed out last in
// first out (the buffer just freed is the one in cache). A Frame is a move-only handle of one buffer
// and of the part of it that is in use; it goes back to its pool when it is destroyed, from whatever
// stack or device held it last. An AF_XDP UMEM will be a FramePool too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rapport/base/assert.hh"
#include "rapport/base/slab.hh"

namespace rapport {

class FramePool;

class Frame {
 public:
  Frame() = default;
  Frame(Frame&& o) noexcept
      : pool_(std::exchange(o.pool_, nullptr)), base_(o.base_), offset_(o.offset_),
        length_(o.length_), serial(o.serial) {}
  Frame& operator=(Frame&& o) noexcept {
    if (this != &o) {
      reset();
      pool_ = std::exchange(o.pool_, nullptr);
      base_ = o.base_;
      offset_ = o.offset_;
      length_ = o.length_;
      serial = o.serial;
    }
    return *this;
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { reset(); }

  [[nodiscard]] explicit operator bool() const { return pool_ != nullptr; }
  [[nodiscard]] uint8_t* data() { return base_ + offset_; }
  [[nodiscard]] const uint8_t* data() const { return base_ + offset_; }
  [[nodiscard]] size_t size() const { return length_; }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return {data(), length_}; }
  [[nodiscard]] std::span<uint8_t> bytes() { return {data(), length_}; }
  [[nodiscard]] size_t headroom() const { return offset_; }
  [[nodiscard]] inline size_t tailroom() const;

  // Grows at the front by n octets (n <= headroom()) and returns the new beginning.
  uint8_t* push_front(size_t n) {
    ASSERT(n <= offset_);
    offset_ -= static_cast<uint32_t>(n);
    length_ += static_cast<uint32_t>(n);
    return data();
  }
  void pop_front(size_t n) {
    ASSERT(n <= length_);
    offset_ += static_cast<uint32_t>(n);
    length_ -= static_cast<uint32_t>(n);
  }
  // Sets where the frame begins in its buffer and how long it is.
  inline void reshape(size_t headroom, size_t length);
  inline void reset();

 private:
  friend class FramePool;
  Frame(FramePool* pool, uint8_t* base, uint32_t offset) : pool_(pool), base_(base), offset_(offset) {}

  FramePool* pool_ = nullptr;
  uint8_t* base_ = nullptr;
  uint32_t offset_ = 0;
  uint32_t length_ = 0;

 public:
  // The sending stack's number of this packet; 0 when it came from outside. For traces only.
  uint32_t serial = 0;
};

class FramePool {
 public:
  // `count` buffers of `size` octets each (rounded up to 64).
  FramePool(uint32_t count, uint32_t size)
      : size_((size + 63) & ~63U), count_(count), space_(size_t{size_} * count) {
    free_.reserve(count);
    for (uint32_t i = count; i > 0; --i) free_.push_back(i - 1);
  }
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // An empty frame (length 0) that begins after `headroom` octets; a false one when exhausted.
  [[nodiscard]] Frame allocate(size_t headroom) {
    if (free_.empty()) return {};
    const uint32_t i = free_.back();
    free_.pop_back();
    return {this, reinterpret_cast<uint8_t*>(space_.data()) + size_t{i} * size_,
            static_cast<uint32_t>(headroom)};
  }
  [[nodiscard]] uint32_t buffer_size() const { return size_; }
  [[nodiscard]] uint32_t in_use() const { return count_ - static_cast<uint32_t>(free_.size()); }
  [[nodiscard]] uint32_t available() const { return static_cast<uint32_t>(free_.size()); }

 private:
  friend class Frame;
  void take_back(const uint8_t* base) {
    const auto at = static_cast<size_t>(base - reinterpret_cast<const uint8_t*>(space_.data()));
    free_.push_back(static_cast<uint32_t>(at / size_));
  }

  uint32_t size_;
  uint32_t count_;
  Reservation space_;
  std::vector<uint32_t> free_;
};

inline size_t Frame::tailroom() const { return pool_->size_ - offset_ - length_; }
inline void Frame::reshape(size_t headroom, size_t length) {
  ASSERT(headroom + length <= pool_->size_);
  offset_ = static_cast<uint32_t>(headroom);
  length_ = static_cast<uint32_t>(length);
}
inline void Frame::reset() {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->take_back(base_);
}

}  // namespace rapport
