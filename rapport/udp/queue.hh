// What waits to be read: a queue of whole datagrams a socket, their text in chained blocks of slabs
// that all sockets share. Caps of a socket are the caller's business, those of the host are here.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/slab.hh"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::udp {

inline constexpr uint32_t kBlockText = 508;

struct Block {
  Block() {}  // NOLINT(modernize-use-equals-default): leaves the text as it is

  uint32_t next = kNone;
  uint8_t text[kBlockText];
};

static_assert(sizeof(Block) == 512);

// One datagram.
struct Waiting {
  uint32_t next = kNone;
  uint32_t length = 0;
  uint32_t first = kNone;  // block; none for an empty datagram
  Endpoint from;
  IpAddress to;
};

struct Queue {
  uint32_t head = kNone, tail = kNone;
  uint32_t count = 0;
  uint32_t octets = 0;
};

class Queues {
 public:
  Queues(uint32_t max_datagrams, uint32_t max_blocks, bool* grew)
      : waiting_(max_datagrams, grew), blocks_(max_blocks, grew) {}

  // Copies a datagram to the end. False, and nothing done, when the host's caps do not allow it.
  [[nodiscard]] bool push(Queue& q, std::span<const uint8_t> text, const Endpoint& from,
                          const IpAddress& to);

  // The oldest; only of a queue that is not empty.
  [[nodiscard]] const Waiting& front(const Queue& q) const { return waiting_[q.head]; }

  // Copies the text of the oldest out, as far as it goes; returns how much.
  size_t copy_front(const Queue& q, std::span<uint8_t> into) const;
  void pop(Queue& q);
  void clear(Queue& q);

  // Calls seen(const Waiting&) from the oldest to the newest.
  template <class Seen>
  void each(const Queue& q, Seen&& seen) const {
    for (uint32_t i = q.head; i != kNone; i = waiting_[i].next) seen(waiting_[i]);
  }

  [[nodiscard]] uint32_t datagrams() const { return waiting_.used(); }

  [[nodiscard]] uint32_t blocks() const { return blocks_.used(); }

  size_t prepare(size_t limit) {
    const size_t touched = waiting_.prepare(limit);
    return touched + blocks_.prepare(limit - touched);
  }

 private:
  Slab<Waiting> waiting_;
  Slab<Block> blocks_;
};

}  // namespace rapport::udp
