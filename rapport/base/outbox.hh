// What the transports hand down to IP: finished segments, datagrams and messages that wait for
// their IP header.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/frame.hh"

#include <cstdint>
#include <vector>

namespace rapport {

// What IP must know of it. The frame begins at the header of the layer above.
struct Outgoing {
  Frame frame;
  IpAddress remote;
  LocalId local;
  uint8_t dscp = 0;
  uint8_t ttl = 64;
  uint8_t protocol = 6;  // TCP
};

// A ring that never grows: what does not fit is dropped and counted by the caller.
class Outbox {
 public:
  // `size`: a power of two.
  explicit Outbox(uint32_t size) : ring_(size), mask_(size - 1) {}

  [[nodiscard]] bool empty() const { return head_ == tail_; }

  [[nodiscard]] bool full() const { return tail_ - head_ > mask_; }

  // The place for the next segment, empty. The caller fills it, then pushes. Only when not full().
  [[nodiscard]] Outgoing& place() { return ring_[tail_ & mask_]; }

  void push() { ++tail_; }

  [[nodiscard]] Outgoing& front() { return ring_[head_ & mask_]; }

  void pop() { ++head_; }

  [[nodiscard]] uint32_t room() const { return mask_ + 1 - size(); }

  [[nodiscard]] uint32_t size() const { return tail_ - head_; }

 private:
  std::vector<Outgoing> ring_;
  uint32_t mask_;
  uint32_t head_ = 0, tail_ = 0;
};

}  // namespace rapport
