// A running hash of fields, never of struct bytes. Private to stack/.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/siphash.hh"

#include <cstdint>
#include <cstring>

namespace rapport::stack {

class FieldHash {
 public:
  template <class... T>
  void add(T... values) {
    ((h_ = siphash24_words({0x7261'7070'6f72'7400ULL, 0x6669'6e67'6572'7072ULL}, h_,
                           static_cast<uint64_t>(values))),
     ...);
  }

  void add_address(const IpAddress& a) {
    uint64_t high = 0;
    uint64_t low = 0;
    std::memcpy(&high, a.octets.data(), 8);
    std::memcpy(&low, a.octets.data() + 8, 8);
    add(high, low);
  }

  void add_key(const FlowKey& k) {
    add_address(k.remote);
    add(k.ports_and_local());
  }

  [[nodiscard]] uint64_t value() const { return h_; }

 private:
  uint64_t h_ = 0;
};

}  // namespace rapport::stack
