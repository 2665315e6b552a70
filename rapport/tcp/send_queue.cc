// The send queue (RFC 9293 3.9.1.2, SEND).
#include "rapport/tcp/send_queue.hh"

#include "rapport/base/handle.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport::tcp {

namespace {

void link(SendQueue& q, uint32_t index, Context& cx) {
  if (q.tail == kNone) {
    q.head = index;
    q.head_offset = 0;
  } else {
    cx.pieces[q.tail].next = index;
  }
  q.tail = index;
  ++q.pieces;
  if (q.unsent.piece == kNone) q.unsent = {index, 0};
}

void free_piece(uint32_t index, Context& cx) {
  const Piece& p = cx.pieces[index];
  if (p.block != kNone) {
    cx.blocks.release(p.block);
  } else if (cx.around.release != nullptr) {
    cx.around.release(cx.around.release_context, p.token);
  }
  cx.pieces.release(index);
}

// A piece of our own with room at its end: the tail, or a new one. nullptr when a cap is reached.
Piece* own_piece_with_room(SendQueue& q, Context& cx) {
  if (q.tail != kNone) {
    Piece& tail = cx.pieces[q.tail];
    if (tail.block != kNone && tail.length < kBlockOctets) return &tail;
  }
  const uint32_t block = cx.blocks.allocate();
  if (block == kNone) return nullptr;
  const uint32_t index = cx.pieces.allocate();
  if (index == kNone) {
    cx.blocks.release(block);
    return nullptr;
  }
  Piece& p = cx.pieces[index];
  p.block = block;
  p.data = cx.blocks[block].octets;
  link(q, index, cx);
  return &p;
}

}  // namespace

uint32_t append_copy(SendQueue& q, std::span<const uint8_t> bytes, Context& cx) {
  uint32_t done = 0;
  while (done < bytes.size()) {
    Piece* p = own_piece_with_room(q, cx);
    if (p == nullptr) break;
    const auto n = std::min(static_cast<uint32_t>(bytes.size()) - done, kBlockOctets - p->length);
    std::memcpy(cx.blocks[p->block].octets + p->length, bytes.data() + done, n);
    p->length += n;
    done += n;
  }
  q.queued += ByteCount{done};
  return done;
}

bool append_borrowed(SendQueue& q, std::span<const uint8_t> bytes, uint64_t token, Context& cx) {
  const uint32_t index = cx.pieces.allocate();
  if (index == kNone) return false;
  Piece& p = cx.pieces[index];
  p.data = bytes.data();
  p.length = static_cast<uint32_t>(bytes.size());
  p.token = token;
  link(q, index, cx);
  q.queued += ByteCount{bytes.size()};
  return true;
}

void release_front(SendQueue& q, ByteCount octets, Context& cx) {
  q.queued -= octets;
  uint32_t left = octets.v + q.head_offset;
  if (q.queued == 0_B && q.head == q.tail && cx.pieces[q.head].block != kNone) {
    cx.pieces[q.head].length = 0;  // the last block of our own stays, to be filled anew
    q.head_offset = 0;
    q.unsent = q.again = {q.head, 0};
    return;
  }
  while (q.head != kNone && left >= cx.pieces[q.head].length) {
    const uint32_t index = q.head;
    const Piece& p = cx.pieces[index];
    left -= p.length;
    q.head = p.next;
    --q.pieces;
    if (q.unsent.piece == index) q.unsent = {p.next, 0};
    if (q.again.piece == index) q.again = {p.next, 0};
    free_piece(index, cx);
  }
  if (q.head == kNone) q.tail = kNone;
  q.head_offset = left;
}

void release_all(SendQueue& q, Context& cx) {
  while (q.head != kNone) {
    const uint32_t index = q.head;
    q.head = cx.pieces[index].next;
    free_piece(index, cx);
  }
  q = SendQueue{};
}

void advance_over_pieces(Cursor& cursor, uint32_t octets, const Context& cx) {
  while (octets > 0) {
    const Piece& p = cx.pieces[cursor.piece];
    const uint32_t n = std::min(octets, p.length - cursor.offset);
    octets -= n;
    cursor.offset += n;
    if (cursor.offset < p.length) return;
    if (p.next == kNone) return;  // stays at the end of the tail, which may grow
    cursor = {p.next, 0};
  }
}

Cursor front(const SendQueue& q) {
  return {q.head, q.head_offset};
}

}  // namespace rapport::tcp
