// The send queue: what the application gave us and the peer has not acknowledged, as pieces of our
// own blocks or of borrowed memory. It knows nothing of sequence numbers: offset 0 is SND.UNA's
// first octet of text.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

#include <cstdint>
#include <span>

namespace rapport::tcp {

// Appends a copy of as many of `bytes` as there are blocks for; returns how many.
[[nodiscard]] uint32_t append_copy(SendQueue& q, std::span<const uint8_t> bytes, Context& cx);
// Appends without a copy; false when no piece is free.
[[nodiscard]] bool append_borrowed(SendQueue& q, std::span<const uint8_t> bytes, uint64_t token,
                                   Context& cx);
// Lets go of the first `octets`: they are acknowledged. Releases borrowed memory.
void release_front(SendQueue& q, ByteCount octets, Context& cx);
void release_all(SendQueue& q, Context& cx);
// Moves a cursor on by `octets` (which must be queued behind it).
void advance_over_pieces(Cursor& cursor, uint32_t octets, const Context& cx);

inline void advance(Cursor& cursor, uint32_t octets, const Context& cx) {
  if (octets == 0) return;
  if (octets < cx.pieces[cursor.piece].length - cursor.offset) {
    cursor.offset += octets;
  } else {
    advance_over_pieces(cursor, octets, cx);
  }
}

// The cursor of the first octet.
[[nodiscard]] Cursor front(const SendQueue& q);

}  // namespace rapport::tcp
