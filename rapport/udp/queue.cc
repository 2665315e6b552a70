// Chains of blocks: the room for all is made sure of before the first is taken.
#include "rapport/udp/queue.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport::udp {

bool Queues::push(Queue& q, std::span<const uint8_t> text, const Endpoint& from,
                  const IpAddress& to) {
  const size_t needed = (text.size() + kBlockText - 1) / kBlockText;
  if (waiting_.full() || blocks_.cap() - blocks_.used() < needed) return false;
  const uint32_t i = waiting_.allocate();
  Waiting& w = waiting_[i];
  w.length = static_cast<uint32_t>(text.size());
  w.from = from;
  w.to = to;
  uint32_t* link = &w.first;
  while (!text.empty()) {
    *link = blocks_.allocate();
    Block& block = blocks_[*link];
    const auto part = text.first(std::min<size_t>(text.size(), kBlockText));
    std::memcpy(block.text, part.data(), part.size());
    text = text.subspan(part.size());
    link = &block.next;
  }
  (q.tail == kNone ? q.head : waiting_[q.tail].next) = i;
  q.tail = i;
  ++q.count;
  q.octets += w.length;
  return true;
}

size_t Queues::copy_front(const Queue& q, std::span<uint8_t> into) const {
  const Waiting& w = waiting_[q.head];
  size_t left = std::min<size_t>(w.length, into.size());
  const size_t copied = left;
  for (uint32_t b = w.first; left > 0; b = blocks_[b].next) {
    const size_t part = std::min<size_t>(left, kBlockText);
    std::memcpy(into.data(), blocks_[b].text, part);
    into = into.subspan(part);
    left -= part;
  }
  return copied;
}

void Queues::pop(Queue& q) {
  const uint32_t i = q.head;
  const Waiting w = waiting_[i];
  for (uint32_t b = w.first; b != kNone;) {
    const uint32_t next = blocks_[b].next;
    blocks_.release(b);
    b = next;
  }
  waiting_.release(i);
  q.head = w.next;
  if (q.head == kNone) q.tail = kNone;
  --q.count;
  q.octets -= w.length;
}

void Queues::clear(Queue& q) {
  while (q.count > 0) pop(q);
}

}  // namespace rapport::udp
