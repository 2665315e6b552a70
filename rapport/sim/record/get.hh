// Get: octets as values, as Put (put.hh) writes them. It believes nothing: what does not fit makes
// it fail, and every value after that is zero. Private to sim/record.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/call_fields.hh"
#include "rapport/sim/record/kinds.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/rules.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

namespace rapport::sim {

class Get {
 public:
  // Spans that it gives are views of `octets`.
  explicit Get(std::span<const uint8_t> octets) : left_(octets) {}

  template <class... T>
  void operator()(T&... values) {
    (one(values), ...);
  }

  template <class Word>
  [[nodiscard]] Word fixed() {
    Word value = 0;
    const auto from = take(sizeof(Word));
    for (size_t i = 0; i < from.size(); ++i)
      value = static_cast<Word>(value | static_cast<Word>(Word{from[i]} << 8 * i));
    return value;
  }

  [[nodiscard]] std::span<const uint8_t> octets() { return take(number()); }

  [[nodiscard]] uint64_t number();

  // A number that is at most `most`.
  [[nodiscard]] uint64_t number(uint64_t most) {
    const uint64_t n = number();
    if (n > most) failed_ = true;
    return failed_ ? 0 : n;
  }

  template <class T>
  [[nodiscard]] T value() {
    T v{};
    one(v);
    return v;
  }

  // Nothing failed so far.
  [[nodiscard]] bool well() const { return !failed_; }

  // ...and nothing is left.
  [[nodiscard]] bool done() const { return !failed_ && left_.empty(); }

  [[nodiscard]] size_t left() const { return left_.size(); }

  // Where the options of Connect and Listen go, and how long the buffer of Receive was.
  tcp::ConnectionOptions options;
  uint64_t room = 0;

 private:
  [[nodiscard]] std::span<const uint8_t> take(uint64_t octets);

  template <class T>
  void one(T& v) {
    if constexpr (std::is_same_v<T, tcp::RuleSwitches<true>>) {
      v.off = static_cast<uint32_t>(number(UINT32_MAX));
    } else if constexpr (kIsSwitches<T>) {
      (void)number(0);
    } else if constexpr (std::is_same_v<T, bool>) {
      v = number(1) != 0;
    } else if constexpr (std::is_enum_v<T>) {
      static_assert(kValues<T> > 0);
      v = static_cast<T>(number(kValues<T> - 1));
    } else if constexpr (std::is_unsigned_v<T>) {
      v = static_cast<T>(number(std::numeric_limits<T>::max()));
    } else if constexpr (std::is_same_v<T, Duration> || std::is_same_v<T, Instant>) {
      const uint64_t n = number();
      v.ns = static_cast<int64_t>(n >> 1 ^ (0 - (n & 1)));
    } else if constexpr (std::is_same_v<T, ByteCount> || std::is_same_v<T, Seq>) {
      v.v = static_cast<uint32_t>(number(UINT32_MAX));
    } else if constexpr (std::is_same_v<T, Handle>) {
      const auto index = static_cast<uint32_t>(number(UINT32_MAX));
      const auto generation = static_cast<uint32_t>(number(UINT32_MAX));
      v = Handle::make(index, generation);
    } else if constexpr (kIsOctets<T>) {
      const auto from = take(v.size());
      if (from.size() == v.size()) std::ranges::copy(from, v.begin());
    } else if constexpr (std::is_same_v<T, std::string>) {
      const auto from = octets();
      v.assign(from.begin(), from.end());
    } else if constexpr (std::is_same_v<T, std::span<const uint8_t>>) {
      v = octets();
    } else if constexpr (std::is_same_v<T, std::span<uint8_t>>) {
      room = number();
    } else if constexpr (std::is_pointer_v<T>) {
      v = nullptr;
      if (number(1) == 0) return;
      one(options);
      v = &options;
    } else if constexpr (kIsOptional<T>) {
      v.reset();
      if (number(1) != 0) one(v.emplace());
    } else if constexpr (kIsVector<T>) {
      v.clear();
      const uint64_t count = number(left_.size());  // each takes an octet at least
      for (uint64_t i = 0; i < count && well(); ++i) one(v.emplace_back());
    } else {
      fields(v, *this);
    }
  }

  std::span<const uint8_t> left_;
  bool failed_ = false;
};

inline uint64_t Get::number() {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (left_.empty()) break;
    const uint8_t octet = left_.front();
    left_ = left_.subspan(1);
    if (shift == 63 && octet > 1) break;
    v |= uint64_t{octet & 0x7fU} << shift;
    if ((octet & 0x80) == 0) return v;
  }
  failed_ = true;
  left_ = {};
  return 0;
}

inline std::span<const uint8_t> Get::take(uint64_t octets) {
  if (octets > left_.size()) {
    failed_ = true;
    left_ = {};
    return {};
  }
  const auto taken = left_.first(static_cast<size_t>(octets));
  left_ = left_.subspan(taken.size());
  return taken;
}

}  // namespace rapport::sim
