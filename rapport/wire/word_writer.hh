// Headers are written, and summed, as 32-bit words from registers, inside wire/ only: summing them
// again from memory would wait for stores that are narrower than the loads.
#pragma once

#include "rapport/wire/checksum.hh"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rapport::wire {

class WordWriter {
 public:
  explicit WordWriter(uint8_t* to) : begin_(to), at_(to) {}

  // A number, stored in network order.
  void put(uint32_t word) { put_as_it_is(std::byteswap(word)); }

  // Four octets as they lie in memory.
  void put_as_it_is(uint32_t word) {
    std::memcpy(at_, &word, 4);
    at_ += 4;
    sum_ += word;  // a header has at most fifteen words: no carry out of 64 bits
  }

  [[nodiscard]] size_t length() const { return static_cast<size_t>(at_ - begin_); }

  [[nodiscard]] PartialSum sum() const { return {sum_}; }

 private:
  const uint8_t* begin_;
  uint8_t* at_;
  uint64_t sum_ = 0;
};

}  // namespace rapport::wire
