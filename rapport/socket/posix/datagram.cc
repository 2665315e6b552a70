// Datagram sockets over the stack's UDP (RFC 768, RFC 1122 4.1.4): opened in the stack as soon as
// they have a port.
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/posix/errors.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/udp/commands.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>

namespace rapport::posix {

namespace {

void learn_ends(Process& p, Socket& s) {
  const auto status = p.stack.command(udp::GetStatus{s.handle}, p.now);
  if (!status) return;
  s.local = status->local;
  s.remote = status->remote;
  if (s.domain == kAfInet && s.local.address.is_unspecified()) {
    s.local.address = IpAddress::v4(0);
  }
}

std::expected<void, Error> open(Process& p, int fd, Socket& s, const Endpoint& local,
                                const Endpoint& remote) {
  const uint64_t cookie = new_cookie(p, fd);
  const auto opened = p.stack.command(udp::Open{local, remote, cookie, s.datagram}, p.now);
  if (!opened) return std::unexpected(opened.error());
  s.handle = *opened;
  s.cookie = cookie;
  s.bound = true;
  learn_ends(p, s);
  return {};
}

int errno_of_destination(Error e, const Endpoint& to) {
  switch (e) {
    case Error::RemoteInvalid: return to.port == 0 ? EINVAL : EACCES;  // broadcast, multicast
    case Error::AlreadyExists: return EISCONN;
    case Error::Unreachable: return ENETUNREACH;
    default: return errno_of(e);
  }
}

// The whole text in one piece.
std::span<const uint8_t> gather(Process& p, const Operation& op) {
  const auto parts = op.from.all();
  if (parts.size() == 1) return parts.front();
  p.scratch.clear();
  for (const ConstPart& part : parts) p.scratch.insert(p.scratch.end(), part.begin(), part.end());
  return p.scratch;
}

// Where to: op.to, or the peer. Nothing: refused.
std::expected<Endpoint, int> destination(const Socket& s, const Operation& op) {
  const bool connected = s.remote.port != 0;
  if (op.to.family == kAfUnspec) {
    if (!connected) return std::unexpected(EDESTADDRREQ);
    return s.remote;
  }
  if (!family_fits(s, op.to)) return std::unexpected(EAFNOSUPPORT);
  if (connected && op.to.at != s.remote) return std::unexpected(EISCONN);
  return op.to.at;
}

// The oldest datagram that this family may see; nothing: there is none.
std::expected<udp::Received, Error> take_datagram(Process& p, const Socket& s, Part into,
                                                  bool peek) {
  while (true) {
    const auto got = p.stack.command(udp::ReceiveFrom{s.handle, into, peek}, p.now);
    if (!got) return got;
    const bool foreign = s.domain == kAfInet && !got->from.address.is_v4();
    if (!foreign) return got;
    if (peek) (void)p.stack.command(udp::ReceiveFrom{s.handle, {}, false}, p.now);
  }
}

// The same into one buffer, or into several one after the other.
std::expected<udp::Received, Error> receive_into(Process& p, const Socket& s, const Operation& op) {
  const bool peek = (op.flags & kMsgPeek) != 0;
  const auto parts = op.into.all();
  if (parts.size() == 1) return take_datagram(p, s, parts.front(), peek);
  p.scratch.resize(op.into.octets());
  const auto got = take_datagram(p, s, p.scratch, peek);
  if (!got) return got;
  size_t at = 0;
  for (const Part& part : parts) {
    const size_t n = std::min<size_t>(part.size(), got->octets.v - at);
    std::memcpy(part.data(), p.scratch.data() + at, n);
    at += n;
  }
  return got;
}

Result deliver(const Operation& op, const Socket& s, const udp::Received& got) {
  if (op.name != nullptr) *op.name = {s.domain, got.from};
  if (op.message != nullptr && got.truncated) op.message->flags |= kMsgTrunc;
  const bool whole = (op.flags & kMsgTrunc) != 0;
  return success(static_cast<int64_t>(whole ? got.length.v : got.octets.v));
}

}  // namespace

Result bind_datagram(Process& p, int fd, Socket& s, const Endpoint& at) {
  if (s.bound) return failure(EINVAL);
  const auto opened = open(p, fd, s, at, {});
  return opened ? success() : failure(errno_of(opened.error()));
}

Result connect_datagram(Process& p, int fd, Socket& s, const Endpoint& to) {
  s.error = 0;
  std::expected<void, Error> done;
  if (s.handle) {
    done = p.stack.command(udp::Connect{s.handle, to}, p.now);
    if (done) learn_ends(p, s);
  } else {
    done = open(p, fd, s, {}, to);
  }
  return done ? success() : failure(errno_of_destination(done.error(), to));
}

Attempt try_receive_datagram(Process& p, Socket& s, Operation& op) {
  if ((op.flags & kMsgOob) != 0) return failure(EOPNOTSUPP);
  if ((op.flags & kMsgErrqueue) != 0) return failure(EAGAIN);
  if (const int e = take_error(s)) return failure(e);
  if (s.handle) {
    const auto got = receive_into(p, s, op);
    if (got) return deliver(op, s, *got);
    if (got.error() != Error::WouldBlock) return failure(errno_of(got.error()));
  }
  if (s.read_shut) return success();
  return std::nullopt;
}

Attempt try_send_datagram(Process& p, Socket& s, Operation& op) {
  if ((op.flags & (kMsgOob | kMsgMore)) != 0) return failure(EOPNOTSUPP);
  if (const int e = take_error(s)) return failure(e);
  if (s.write_shut) {
    Result r = failure(EPIPE);
    r.broken_pipe = (op.flags & kMsgNosignal) == 0;
    return r;
  }
  const auto to = destination(s, op);
  if (!to) return failure(to.error());
  if (!s.handle) {
    const auto opened = open(p, op.fd, s, {}, {});
    if (!opened) return failure(opened.error() == Error::NoFreePort ? EAGAIN : ENOBUFS);
  }
  const auto text = gather(p, op);
  const auto sent = p.stack.command(udp::SendTo{s.handle, *to, text, {}}, p.now);
  if (sent) return success(static_cast<int64_t>(text.size()));
  if (sent.error() == Error::WouldBlock) {
    s.room_promised = true;
    return std::nullopt;
  }
  return failure(errno_of_destination(sent.error(), *to));
}

}  // namespace rapport::posix
