// send() and its kin on a stream: all of it, as room comes, or what fits at once.
#include "rapport/base/reason.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rapport::posix {

namespace {

constexpr int kKnownFlags = kMsgOob | kMsgDontwait | kMsgEor | kMsgNosignal | kMsgMore;

Result broken(const Operation& op) {
  Result r = failure(EPIPE);
  r.broken_pipe = (op.flags & kMsgNosignal) == 0;
  return r;
}

// Why nothing (more) can be sent; what was queued already is told first.
Attempt stopped(const Operation& op, Result why) {
  return op.done > 0 ? success(static_cast<int64_t>(op.done)) : why;
}

// What stands against sending at all.
Attempt obstacle(Socket& s, const Operation& op) {
  if (s.error != 0 && op.done == 0) return failure(take_error(s));
  if (s.phase == Phase::Listening || s.phase == Phase::Fresh || s.phase == Phase::Failed) {
    return stopped(op, failure(ENOTCONN));
  }
  if (s.phase == Phase::Ended || s.write_shut) return stopped(op, broken(op));
  return std::nullopt;
}

// The stack refuses: for now, or for good.
Attempt refused(Process& p, Socket& s, const Operation& op, Error e) {
  if (e == Error::WouldBlock) {
    s.room_promised = true;
    return std::nullopt;
  }
  if (e == Error::InsufficientResources) return stopped(op, failure(ENOBUFS));
  if (e == Error::Closing) return stopped(op, broken(op));
  note_error(p, s, e);
  return op.done > 0 ? Attempt(success(static_cast<int64_t>(op.done))) : obstacle(s, op);
}

Result transmit(Process& p, int fd, Operation op) {
  const File* f = find_file(p, fd);
  if (f == nullptr) return failure(EBADF);
  if (!f->socket) return failure(f->epoll ? ENOTSOCK : EBADF);
  if ((op.flags & ~kKnownFlags) != 0) return failure(EOPNOTSUPP);
  op.kind = Operation::Kind::Send;
  op.fd = fd;
  op.may_wait = !f->nonblocking && (op.flags & kMsgDontwait) == 0;
  op.deadline = deadline_of(f->socket->send_timeout, p.now);
  return run(p, op);
}

}  // namespace

Attempt try_send(Process& p, Socket& s, Operation& op) {
  if (const Attempt why = obstacle(s, op)) return why;
  if (s.phase == Phase::Connecting) return std::nullopt;  // it waits for the handshake
  const size_t total = op.from.octets();
  while (op.done < total) {
    const ConstPart next = op.from.behind(op.done);
    const bool last = op.done + next.size() == total;
    tcp::Send call{s.handle, next};
    call.urgent = last && (op.flags & kMsgOob) != 0;  // the last octet is the urgent one
    call.more = !last || (op.flags & kMsgMore) != 0;
    const auto taken = p.stack.command(call, p.now);
    if (!taken) return refused(p, s, op, taken.error());
    op.done += taken->v;
    if (taken->v < next.size()) s.room_promised = true;
  }
  return success(static_cast<int64_t>(op.done));
}

Result Sockets::send(int fd, ConstPart from, int flags) {
  return sendto(fd, from, flags, {});
}

Result Sockets::write(int fd, ConstPart from) {
  return sendto(fd, from, 0, {});
}

Result Sockets::sendto(int fd, ConstPart from, int flags, const SocketAddress& to) {
  Operation op;
  op.from.one = from;
  op.flags = flags;
  op.to = to;
  return transmit(*process_, fd, op);
}

Result Sockets::writev(int fd, std::span<const ConstPart> parts) {
  return sendmsg(fd, {parts, {}}, 0);
}

Result Sockets::sendmsg(int fd, const SendMessage& message, int flags) {
  Operation op;
  op.from.many = message.parts;
  op.flags = flags;
  op.to = message.name;
  return transmit(*process_, fd, op);
}

}  // namespace rapport::posix
