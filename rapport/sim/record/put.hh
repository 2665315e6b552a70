// Put: values as octets. Whole numbers are LEB128 (signed ones in zigzag), structs their fields in
// order (config_fields.hh, call_fields.hh), octets and lists their length first. Private to
// sim/record.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/call_fields.hh"
#include "rapport/sim/record/kinds.hh"
#include "rapport/tcp/rules.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace rapport::sim {

class Put {
 public:
  explicit Put(std::vector<uint8_t>& out) : out_(out) {}

  template <class... T>
  void operator()(const T&... values) {
    (one(values), ...);
  }

  // Low octet first.
  template <class Word>
  void fixed(Word value) {
    for (size_t i = 0; i < sizeof(Word); ++i) out_.push_back(static_cast<uint8_t>(value >> 8 * i));
  }

  void octets(std::span<const uint8_t> octets) {
    number(octets.size());
    raw(octets);
  }

  void number(uint64_t v) {
    for (; v > 0x7f; v >>= 7) out_.push_back(static_cast<uint8_t>(v | 0x80));
    out_.push_back(static_cast<uint8_t>(v));
  }

 private:
  void raw(std::span<const uint8_t> octets) {
    out_.insert(out_.end(), octets.begin(), octets.end());
  }

  void signed_number(int64_t v) {
    number(static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63));
  }

  template <class T>
  void one(const T& v) {
    if constexpr (std::is_enum_v<T> || std::is_unsigned_v<T>) {
      number(static_cast<uint64_t>(v));
    } else if constexpr (std::is_same_v<T, tcp::RuleSwitches<true>>) {
      number(v.off);
    } else if constexpr (kIsSwitches<T>) {
      number(0);
    } else if constexpr (std::is_same_v<T, Duration> || std::is_same_v<T, Instant>) {
      signed_number(v.ns);
    } else if constexpr (std::is_same_v<T, ByteCount> || std::is_same_v<T, Seq>) {
      number(v.v);
    } else if constexpr (std::is_same_v<T, Handle>) {
      number(v.index());
      number(v.generation());
    } else if constexpr (kIsOctets<T>) {
      raw(v);
    } else if constexpr (std::is_same_v<T, std::string>) {
      octets(std::span(reinterpret_cast<const uint8_t*>(v.data()), v.size()));
    } else if constexpr (std::is_same_v<T, std::span<const uint8_t>>) {
      octets(v);
    } else if constexpr (std::is_same_v<T, std::span<uint8_t>>) {
      number(v.size());
    } else if constexpr (std::is_pointer_v<T> || kIsOptional<T>) {
      out_.push_back(v ? 1 : 0);
      if (v) one(*v);
    } else if constexpr (kIsVector<T>) {
      number(v.size());
      for (const auto& each : v) one(each);
    } else {
      fields(v, *this);
    }
  }

  std::vector<uint8_t>& out_;
};

}  // namespace rapport::sim
