// Netlink: rtnetlink messages (rtnetlink(7)) under construction and on their way, one at a time:
// each request is sent alone and its acknowledgement, or the whole dump that it asks for, is read
// before the next.
#pragma once

#include "rapport/device/descriptor.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace rapport::device {

// One message; attributes are appended behind a fixed body. At most 512 octets.
class NetlinkRequest {
 public:
  template <class Body>
  NetlinkRequest(uint16_t type, uint16_t flags, const Body& body) {
    header_.nlmsg_type = type;
    header_.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header_.nlmsg_seq = 1;
    put(&body, sizeof(body));
  }

  void attribute(uint16_t type, std::span<const uint8_t> octets) {
    const rtattr a{static_cast<uint16_t>(RTA_LENGTH(octets.size())), type};
    put(&a, sizeof(a));
    put(octets.data(), octets.size());
  }

  template <class Value>
  void attribute(uint16_t type, const Value& value) {
    std::array<uint8_t, sizeof(Value)> octets{};
    std::memcpy(octets.data(), &value, sizeof(Value));
    attribute(type, std::span<const uint8_t>(octets));
  }

  // A nested attribute: open, append, close with what open gave.
  [[nodiscard]] size_t open(uint16_t type);
  void close(size_t at);

  // The message, finished.
  [[nodiscard]] std::span<const char> bytes();

 private:
  void put(const void* from, size_t n);

  nlmsghdr header_{};
  std::array<char, 512> bytes_{};
  size_t length_ = sizeof(nlmsghdr);
};

class Netlink {
 public:
  Netlink();

  // The errno of socket(2); 0 when it can be used.
  [[nodiscard]] int failure() const { return failure_; }

  // Sends a request that is only acknowledged; the kernel's errno, 0 when it agreed.
  [[nodiscard]] int ask(NetlinkRequest& request) const;

  // Sends a request for a dump and gives each message of the answer to `take`; the errno.
  [[nodiscard]] int dump(NetlinkRequest& request,
                         const std::function<void(const nlmsghdr*)>& take) const;

 private:
  Descriptor socket_;
  int failure_ = 0;
};

}  // namespace rapport::device
