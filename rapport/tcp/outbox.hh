// What TCP hands down: finished segments waiting for their IP header, and the debts of a burst.
#pragma once

#include "rapport/base/flow_key.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/seq.hh"

#include <array>
#include <cstdint>
#include <vector>

namespace rapport::tcp {

// A segment with what IP must know. The frame begins at the TCP header.
struct Outgoing {
  Frame frame;
  IpAddress remote;
  LocalId local;
  uint8_t dscp = 0;
  uint8_t ttl = 64;
  uint8_t protocol = 6;  // 1: an ICMP answer of the stack
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

  [[nodiscard]] uint32_t size() const { return tail_ - head_; }

 private:
  std::vector<Outgoing> ring_;
  uint32_t mask_;
  uint32_t head_ = 0, tail_ = 0;
};

// An ACK of its own that a segment has caused (DESIGN 3, Debts).
struct Debt {
  enum class Kind : uint8_t { OutOfOrder, Duplicate, Challenge, Cumulative };
  uint32_t connection = kNone;
  Kind kind = Kind::Challenge;
  Seq ack{};         // Cumulative: the number to acknowledge
  Seq point{};       // OutOfOrder: in the run that the segment joined
  SeqRange dsack{};  // what it brought again; empty: nothing
};

struct Debts {
  static constexpr uint32_t kCap = 64;  // a burst
  std::array<Debt, kCap> list;
  uint32_t count = 0;
};

}  // namespace rapport::tcp
