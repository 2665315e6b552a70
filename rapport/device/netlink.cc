// rtnetlink messages: octets and exchanges. See netlink.hh.
#include "rapport/device/netlink.hh"

#include "rapport/device/descriptor.hh"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/types.h>

namespace rapport::device {
namespace {

// What an NLMSG_ERROR says, as a positive errno; 0 is an acknowledgement.
int error_of(const nlmsghdr* message) {
  nlmsgerr error{};
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error))) return EBADMSG;
  std::memcpy(&error, NLMSG_DATA(message), sizeof(error));
  return -error.error;
}

}  // namespace

void NetlinkRequest::put(const void* from, size_t n) {
  std::memcpy(&bytes_.at(length_), from, n);
  length_ += n;
  while (length_ % NLMSG_ALIGNTO != 0) bytes_.at(length_++) = 0;
}

size_t NetlinkRequest::open(uint16_t type) {
  const size_t at = length_;
  const rtattr a{0, type};
  put(&a, sizeof(a));
  return at;
}

void NetlinkRequest::close(size_t at) {
  rtattr a{};
  std::memcpy(&a, &bytes_.at(at), sizeof(a));
  a.rta_len = static_cast<uint16_t>(length_ - at);
  std::memcpy(&bytes_.at(at), &a, sizeof(a));
}

std::span<const char> NetlinkRequest::bytes() {
  header_.nlmsg_len = static_cast<uint32_t>(length_);
  std::memcpy(bytes_.data(), &header_, sizeof(header_));
  return std::span(bytes_).first(length_);
}

Netlink::Netlink() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  if (!socket_) failure_ = errno;
}

int Netlink::ask(NetlinkRequest& request) const {
  const std::span<const char> bytes = request.bytes();
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
  if (got < 0) return errno;
  const auto* reply = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (!NLMSG_OK(reply, static_cast<size_t>(got)) || reply->nlmsg_type != NLMSG_ERROR) {
    return EBADMSG;
  }
  return error_of(reply);
}

int Netlink::dump(NetlinkRequest& request, const std::function<void(const nlmsghdr*)>& take) const {
  const std::span<const char> bytes = request.bytes();
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 32768> answer{};
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
    if (got < 0) return errno;
    auto left = static_cast<size_t>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(answer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return 0;
      if (message->nlmsg_type == NLMSG_ERROR) return error_of(message);
      take(message);
    }
  }
}

}  // namespace rapport::device
