// Blocks by stream position. Block numbers are modulo 2^20 (4 KiB blocks of a 2^32 octet space).
#include "rapport/tcp/receive_queue.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport::tcp {

namespace {

constexpr uint32_t kBlockShift = 12;
constexpr uint32_t kBlockNumbers = 1U << (32 - kBlockShift);
constexpr uint32_t kDirectoryEntries = kBlockOctets / sizeof(uint32_t);

uint32_t position(const Connection& c, Seq s) {
  return (s - c.rcv.irs).v - 1;
}

uint32_t distance(uint32_t from, uint32_t to) {
  return (to - from) & (kBlockNumbers - 1);
}

uint32_t* entries_of(uint32_t directory, const Context& cx) {
  // A directory is a block of the slab; the slab hands out const access through a const context.
  return reinterpret_cast<uint32_t*>(const_cast<uint8_t*>(cx.blocks[directory].octets));
}

// Turns the eight slots into directories.
bool widen(ReceiveQueue& q, Context& cx) {
  const auto old = q.slots;
  std::array<uint32_t, ReceiveQueue::kSlots> wide{};
  for (uint32_t i = 0; i < distance(q.first_block, q.end_block); ++i) {
    const uint32_t n = (q.first_block + i) & (kBlockNumbers - 1);
    uint32_t& directory = wide[(n / kDirectoryEntries) % ReceiveQueue::kSlots];
    if (directory == kNone) {
      directory = cx.blocks.allocate();
      if (directory == kNone) {
        for (const uint32_t d : wide) {
          if (d != kNone) cx.blocks.release(d);
        }
        return false;
      }
      std::memset(cx.blocks[directory].octets, 0, kBlockOctets);
    }
    entries_of(directory, cx)[n % kDirectoryEntries] = old[n % ReceiveQueue::kSlots];
  }
  q.slots = wide;
  q.wide = true;
  return true;
}

// The place that names block `n`, or nullptr when it cannot be (no directory, no memory).
uint32_t* slot_of(ReceiveQueue& q, uint32_t n, bool create, Context& cx) {
  if (!q.wide && distance(q.first_block, n) >= ReceiveQueue::kSlots) {
    if (!create || !widen(q, cx)) return nullptr;
  }
  if (!q.wide) return &q.slots[n % ReceiveQueue::kSlots];
  uint32_t& directory = q.slots[(n / kDirectoryEntries) % ReceiveQueue::kSlots];
  if (directory == kNone) {
    if (!create) return nullptr;
    directory = cx.blocks.allocate();
    if (directory == kNone) return nullptr;
    std::memset(cx.blocks[directory].octets, 0, kBlockOctets);
  }
  return &entries_of(directory, cx)[n % kDirectoryEntries];
}

uint32_t find_block(const ReceiveQueue& q, uint32_t n, const Context& cx) {
  if (distance(q.first_block, n) >= distance(q.first_block, q.end_block)) return kNone;
  if (!q.wide) return q.slots[n % ReceiveQueue::kSlots];
  const uint32_t directory = q.slots[(n / kDirectoryEntries) % ReceiveQueue::kSlots];
  return directory == kNone ? kNone : entries_of(directory, cx)[n % kDirectoryEntries];
}

uint32_t need_block(ReceiveQueue& q, uint32_t n, Context& cx) {
  if (q.first_block == q.end_block) q.first_block = q.end_block = n;
  uint32_t* slot = slot_of(q, n, true, cx);
  if (slot == nullptr) return kNone;
  if (*slot == kNone) *slot = cx.blocks.allocate();
  if (*slot == kNone) return kNone;
  if (distance(q.first_block, n) >= distance(q.first_block, q.end_block)) {
    q.end_block = (n + 1) & (kBlockNumbers - 1);
  }
  return *slot;
}

// Where `octets` at stream position `at` belong, if they fit one block that is there already.
uint8_t* present_place(const ReceiveQueue& q, uint32_t at, size_t octets, Context& cx) {
  const uint32_t n = at >> kBlockShift;
  const uint32_t offset = at % kBlockOctets;
  if (q.wide || octets > kBlockOctets - offset) return nullptr;
  if (distance(q.first_block, n) >= distance(q.first_block, q.end_block)) return nullptr;
  const uint32_t block = q.slots[n % ReceiveQueue::kSlots];
  return block == kNone ? nullptr : cx.blocks[block].octets + offset;
}

void drop_blocks_before(ReceiveQueue& q, uint32_t n, Context& cx) {
  while (q.first_block != q.end_block && q.first_block != n) {
    uint32_t* slot = slot_of(q, q.first_block, false, cx);
    if (slot != nullptr && *slot != kNone) {
      cx.blocks.release(*slot);
      *slot = kNone;
    }
    q.first_block = (q.first_block + 1) & (kBlockNumbers - 1);
  }
}

void drop_directories(ReceiveQueue& q, Context& cx) {
  if (!q.wide) return;
  for (uint32_t& d : q.slots) {
    if (d != kNone) cx.blocks.release(d);
    d = kNone;
  }
  q.wide = false;
}

// The lowest block that may be needed is that of RCV.NXT or of what is unread: the queue is begun
// there, so that text out of order finds its distance measured from the right place.
bool begin_queue(ReceiveQueue& q, const Connection& c, Context& cx) {
  if (q.first_block != q.end_block) return true;
  q.first_block = q.end_block = position(c, q.read) >> kBlockShift;
  return need_block(q, q.first_block, cx) != kNone;
}

// Has `store` put each block's part of the text to its place.
template <class Store>
bool store_by_blocks(ReceiveQueue& q, uint32_t at, std::span<const uint8_t> text, Context& cx,
                     Store&& store) {
  while (!text.empty()) {
    const uint32_t block = need_block(q, at >> kBlockShift, cx);
    if (block == kNone) return false;
    const uint32_t offset = at % kBlockOctets;
    const auto part = text.first(std::min<size_t>(text.size(), kBlockOctets - offset));
    store(cx.blocks[block].octets + offset, part);
    text = text.subspan(part.size());
    at += static_cast<uint32_t>(part.size());
  }
  return true;
}

}  // namespace

// U-29.
bool store_text(ReceiveQueue& q, const Connection& c, Seq seq, std::span<const uint8_t> text,
                Context& cx) {
  uint8_t* const place = present_place(q, position(c, seq), text.size(), cx);
  if (place != nullptr) {
    std::memcpy(place, text.data(), text.size());
    return true;
  }
  return begin_queue(q, c, cx)
         && store_by_blocks(q, position(c, seq), text, cx,
                            [](uint8_t* to, std::span<const uint8_t> part) {
                              std::memcpy(to, part.data(), part.size());
                            });
}

bool store_and_sum(ReceiveQueue& q, const Connection& c, std::span<const uint8_t> text,
                   wire::PartialSum& sum, Context& cx) {
  const uint32_t at = position(c, c.rcv.nxt);
  uint8_t* const place = present_place(q, at, text.size(), cx);
  if (place != nullptr) {
    sum = wire::copy_and_sum(place, text);
    return true;
  }
  bool odd = false;
  return begin_queue(q, c, cx)
         && store_by_blocks(q, at, text, cx, [&](uint8_t* to, std::span<const uint8_t> part) {
              const wire::PartialSum s = wire::copy_and_sum(to, part);
              sum = sum + (odd ? wire::swapped(s) : s);
              odd = odd != ((part.size() & 1) != 0);
            });
}

std::span<const uint8_t> text_behind(const Transfer& x, const Connection& c, ByteCount passed,
                                     const Context& cx) {
  const ByteCount octets = unread(x, c) - passed;
  if (octets == 0_B) return {};
  const uint32_t at = position(c, x.receive.read + passed);
  const uint32_t block = find_block(x.receive, at >> kBlockShift, cx);
  const uint32_t offset = at % kBlockOctets;
  return {cx.blocks[block].octets + offset, std::min(octets.v, kBlockOctets - offset)};
}

void consume_text(Transfer& x, const Connection& c, ByteCount octets, Context& cx) {
  ReceiveQueue& q = x.receive;
  q.read += octets;
  if (q.wide && q.runs == 0 && unread(x, c) == 0_B) {
    drop_blocks_before(q, q.end_block, cx);
    drop_directories(q, cx);
    return;
  }
  // The block that is being filled stays, as long as there is a Transfer.
  drop_blocks_before(q, position(c, q.read) >> kBlockShift, cx);
}

void release_all(ReceiveQueue& q, Context& cx) {
  drop_blocks_before(q, q.end_block, cx);
  drop_directories(q, cx);
  if (q.holes != kNone) cx.blocks.release(q.holes);
  q.holes = kNone;
  q.runs = 0;
  q.recent_count = 0;
}

}  // namespace rapport::tcp
