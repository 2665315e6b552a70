// Calls that read and write. Octets that a script does not spell out are zeros, both ways.
#include "rapport/play/calls.hh"
#include "rapport/play/calls_work.hh"
#include "rapport/play/script.hh"
#include "rapport/play/words.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

using posix::Result;

constexpr int64_t kMostOctets = int64_t{64} << 20;  // of one call
constexpr uint8_t kUntouched = 0xa5;                // not what a script's packet ever carries

size_t length_of(const Expr& e) {
  const int64_t n = value_of(e);
  if (n < 0 || n > kMostOctets) throw Unsupported("a length of " + std::to_string(n) + " octets");
  return static_cast<size_t>(n);
}

// What is written: the string, zeros behind it.
std::vector<uint8_t> octets_of(const Expr& e, size_t length) {
  std::vector<uint8_t> out(length);
  if (e.kind == Expr::Kind::String) {
    std::copy_n(e.text.begin(), std::min(length, e.text.size()), out.begin());
  } else if (e.kind != Expr::Kind::Ellipsis && e.kind != Expr::Kind::Null) {
    throw Unsupported("the buffer " + text_of(e));
  }
  return out;
}

// What was read is the string, if one is written, and zeros else.
std::string content_fault(const Expr& e, std::span<const uint8_t> read) {
  const std::string text = e.kind == Expr::Kind::String ? e.text : "";
  for (size_t i = 0; i < read.size(); ++i) {
    const uint8_t wanted = i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
    if (read[i] != wanted) return "other octets from offset " + std::to_string(i);
  }
  return {};
}

// {..., 1000} of each [..]
struct Vector {
  const Expr* base;
  size_t length;
};

std::vector<Vector> vectors_of(const Expr& e) {
  if (e.kind != Expr::Kind::Array) throw Unsupported("the vector " + text_of(e));
  std::vector<Vector> out;
  for (const Expr& item : e.items) {
    if (item.kind != Expr::Kind::Struct || item.items.size() != 2)
      throw Unsupported("the vector " + text_of(item));
    const auto inner = [](const Expr& x) -> const Expr& {
      return x.kind == Expr::Kind::Field && !x.items.empty() ? x.items[0] : x;
    };
    out.push_back({&inner(item.items[0]), length_of(inner(item.items[1]))});
  }
  return out;
}

std::string parts_fault(std::span<const Vector> vectors,
                        const std::vector<std::vector<uint8_t>>& buffers, int64_t octets) {
  auto left = static_cast<size_t>(std::max<int64_t>(octets, 0));
  for (size_t i = 0; i < vectors.size() && left > 0; ++i) {
    const size_t here = std::min(left, buffers[i].size());
    std::string fault = content_fault(*vectors[i].base, std::span(buffers[i]).first(here));
    if (!fault.empty()) return fault;
    left -= here;
  }
  return {};
}

// The message of recvmsg() and sendmsg(); ancillary data is not offered.
const Expr& message_of(const Expr& e) {
  const Expr& m = pointed_to(e);
  if (m.kind != Expr::Kind::Struct) throw Unsupported("the message " + text_of(e));
  if (const Expr* control = m.field("msg_control");
      control != nullptr && control->kind == Expr::Kind::Array && !control->items.empty())
    throw Unsupported("ancillary data (msg_control)");
  return m;
}

}  // namespace

Result Calls::do_read(Work& w) {
  w.fd = descriptor(w, 0);
  const Expr& buffer = w.argument(1);
  if (buffer.kind != Expr::Kind::Ellipsis && buffer.kind != Expr::Kind::String)
    throw Unsupported("the buffer " + text_of(buffer));
  w.buffers.emplace_back(length_of(w.argument(2)), kUntouched);
  const posix::Part into = w.buffers[0];
  w.check = [&w, &buffer](const Result& r) {
    const auto octets = std::min(w.buffers[0].size(), static_cast<size_t>(r.value));
    return content_fault(buffer, std::span(w.buffers[0]).first(octets));
  };
  if (w.call->name == "read") return sockets_.read(w.fd, into);
  const int flags = static_cast<int>(value_of(w.argument(3)));
  if ((flags & posix::kMsgErrqueue) != 0) throw Unsupported("MSG_ERRQUEUE");
  if (w.call->name == "recv") return sockets_.recv(w.fd, into, flags);
  return sockets_.recvfrom(w.fd, into, flags, &w.name);
}

Result Calls::do_readv(Work& w) {
  w.fd = descriptor(w, 0);
  auto vectors = vectors_of(w.argument(1));
  for (const Vector& v : vectors) w.buffers.emplace_back(v.length, kUntouched);
  for (auto& b : w.buffers) w.parts.emplace_back(b);
  w.check = [&w, vectors = std::move(vectors)](const Result& r) {
    return parts_fault(vectors, w.buffers, r.value);
  };
  return sockets_.readv(w.fd, w.parts);
}

Result Calls::do_recvmsg(Work& w) {
  w.fd = descriptor(w, 0);
  const Expr& m = message_of(w.argument(1));
  const Expr* iov = m.field("msg_iov");
  auto vectors = iov == nullptr ? std::vector<Vector>{} : vectors_of(*iov);
  for (const Vector& v : vectors) w.buffers.emplace_back(v.length, kUntouched);
  for (auto& b : w.buffers) w.parts.emplace_back(b);
  w.received.parts = w.parts;
  const int flags = static_cast<int>(value_of(w.argument(2)));
  if ((flags & posix::kMsgErrqueue) != 0) throw Unsupported("MSG_ERRQUEUE");
  const auto wanted = stated(m.field("msg_flags"));
  w.check = [&w, vectors = std::move(vectors), wanted](const Result& r) {
    if (wanted && *wanted != w.received.flags)
      return "msg_flags=" + std::to_string(w.received.flags);
    return parts_fault(vectors, w.buffers, r.value);
  };
  return sockets_.recvmsg(w.fd, w.received, flags);
}

Result Calls::do_write(Work& w) {
  w.fd = descriptor(w, 0);
  w.data = octets_of(w.argument(1), length_of(w.argument(2)));
  if (w.argument(1).kind == Expr::Kind::String) zeros_ = false;
  if (w.call->name == "write") return sockets_.write(w.fd, w.data);
  const int flags = static_cast<int>(value_of(w.argument(3)));
  if (w.call->name == "send" || w.call->arguments.size() < 5
      || w.argument(4).kind == Expr::Kind::Null)
    return sockets_.send(w.fd, w.data, flags);
  return sockets_.sendto(w.fd, w.data, flags, address(w, 4, addresses_.connect));
}

Result Calls::do_writev(Work& w) {
  w.fd = descriptor(w, 0);
  for (const Vector& v : vectors_of(w.argument(1))) {
    if (v.base->kind == Expr::Kind::String) zeros_ = false;
    w.buffers.push_back(octets_of(*v.base, v.length));
    w.data.insert(w.data.end(), w.buffers.back().begin(), w.buffers.back().end());
  }
  for (const auto& b : w.buffers) w.const_parts.emplace_back(b);
  return sockets_.writev(w.fd, w.const_parts);
}

Result Calls::do_sendmsg(Work& w) {
  w.fd = descriptor(w, 0);
  const Expr& m = message_of(w.argument(1));
  if (const Expr* iov = m.field("msg_iov"); iov != nullptr) {
    for (const Vector& v : vectors_of(*iov)) {
      if (v.base->kind == Expr::Kind::String) zeros_ = false;
      w.buffers.push_back(octets_of(*v.base, v.length));
      w.data.insert(w.data.end(), w.buffers.back().begin(), w.buffers.back().end());
    }
  }
  for (const auto& b : w.buffers) w.const_parts.emplace_back(b);
  w.sent.parts = w.const_parts;
  if (const Expr* name = m.field("msg_name"); name != nullptr && name->kind == Expr::Kind::Struct)
    w.sent.name = address_of(*name, addresses_.connect);
  return sockets_.sendmsg(w.fd, w.sent, static_cast<int>(value_of(w.argument(2))));
}

}  // namespace rapport::play
