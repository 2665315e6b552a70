// Frame and FramePool: where packets live. A pool is one range of equal buffers, handed out last in
// first out (the buffer just freed is the one in cache). A Frame is a move-only handle of one
// buffer and of the part of it that is in use; it goes back to its pool when it is destroyed, from
// whatever stack or device held it last. An AF_XDP UMEM will be a FramePool too.
#pragma once

#include "rapport/base/assert.hh"
#include "rapport/base/slab.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport {

class FramePool;

class Frame {
 public:
  Frame() = default;

  Frame(Frame&& o) noexcept
      : pool_(std::exchange(o.pool_, nullptr)),
        base_(o.base_),
        offset_(o.offset_),
        length_(o.length_),
        index_(o.index_),
        serial(o.serial) {}

  Frame& operator=(Frame&& o) noexcept {
    if (this != &o) {
      reset();
      pool_ = std::exchange(o.pool_, nullptr);
      base_ = o.base_;
      offset_ = o.offset_;
      length_ = o.length_;
      index_ = o.index_;
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

  Frame(FramePool* pool, uint8_t* base, uint32_t index, uint32_t offset)
      : pool_(pool), base_(base), offset_(offset), index_(index) {}

  FramePool* pool_ = nullptr;
  uint8_t* base_ = nullptr;
  uint32_t offset_ = 0;
  uint32_t length_ = 0;
  uint32_t index_ = 0;

 public:
  // The sending stack's number of this packet; 0 when it came from outside. For traces only.
  uint32_t serial = 0;
};

static_assert(sizeof(Frame) == 32);

class FramePool {
 public:
  // `count` buffers of `size` octets each (rounded up to 64).
  FramePool(uint32_t count, uint32_t size)
      : size_((size + 63) & ~63U), count_(count), space_(size_t{size_} * count), free_(count) {
    (void)prepare(kAhead);
  }

  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  ~FramePool() { ASSERT(in_use() == 0); }  // no frame may outlive its pool

  // An empty frame (length 0) that begins after `headroom` octets; a false one when exhausted.
  [[nodiscard]] Frame allocate(size_t headroom) {
    ASSERT(headroom <= size_);
    uint32_t i = 0;
    if (free_count_ > 0) {
      i = free_[--free_count_];
    } else if (top_ < count_) {
      i = top_++;
    } else {
      return {};
    }
    return {this, reinterpret_cast<uint8_t*>(space_.data()) + size_t{i} * size_, i,
            static_cast<uint32_t>(headroom)};
  }

  [[nodiscard]] uint32_t buffer_size() const { return size_; }

  // `frame` is a buffer of this pool.
  [[nodiscard]] bool owns(const Frame& frame) const { return frame.pool_ == this; }

  [[nodiscard]] uint32_t in_use() const { return top_ - free_count_; }

  [[nodiscard]] uint32_t available() const { return count_ - in_use(); }

  // Once a turn: touches memory ahead of need, at most `limit` octets; returns the octets touched.
  size_t prepare(size_t limit) {
    const size_t want = size_t{top_} * size_ + kAhead;
    if (space_.touched() >= want) return 0;
    return space_.touch(want, limit);
  }

  // Instead, once at start: makes every buffer resident.
  void populate() { space_.populate(); }

  [[nodiscard]] size_t touched() const { return space_.touched(); }

 private:
  friend class Frame;
  static constexpr size_t kAhead = 65536;

  void take_back(uint32_t index) { free_[free_count_++] = index; }

  uint32_t size_;
  uint32_t count_;
  Reservation space_;
  std::vector<uint32_t> free_;  // a stack of free_count_ buffers, all below top_
  uint32_t free_count_ = 0;
  uint32_t top_ = 0;  // one more than the highest buffer ever handed out
};

inline size_t Frame::tailroom() const {
  ASSERT(pool_ != nullptr);
  return pool_->size_ - offset_ - length_;
}

inline void Frame::reshape(size_t headroom, size_t length) {
  ASSERT(pool_ != nullptr && headroom + length <= pool_->size_);
  offset_ = static_cast<uint32_t>(headroom);
  length_ = static_cast<uint32_t>(length);
}

inline void Frame::reset() {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->take_back(index_);
}

}  // namespace rapport
