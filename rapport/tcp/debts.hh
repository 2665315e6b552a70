// What a burst has made TCP owe, beyond one cumulative ACK a connection: ACKs
// that segments have caused for themselves. Paid at settling.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"

#include <array>
#include <cstdint>

namespace rapport::tcp {

// An ACK of its own that a segment has caused.
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
