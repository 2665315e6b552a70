// recv() and its kin on a stream: queued text first, then the pending error, then the end of file.
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

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

constexpr int kKnownFlags = kMsgOob | kMsgPeek | kMsgTrunc | kMsgDontwait | kMsgWaitall
                            | kMsgErrqueue | kMsgNosignal | kMsgCmsgCloexec;

// Octets before the mark, at which reading stops once it has anything (RFC 9293 3.8.5, RFC 6093);
// nothing: there is no mark ahead.
std::optional<size_t> before_mark(Process& p, Socket& s) {
  if (!s.urgent) return std::nullopt;
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  const size_t ahead = status ? status->urgent_ahead.v : 0;
  if (ahead == 0) s.urgent = false;
  return ahead > 1 ? std::optional{ahead - 1} : std::nullopt;
}

std::expected<size_t, Error> skip(Process& p, const Socket& s, size_t most) {
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  const size_t n = status ? std::min<size_t>(most, status->receive_queue.v) : 0;
  const auto done =
      p.stack.command(tcp::Consume{s.handle, ByteCount{static_cast<uint32_t>(n)}}, p.now);
  if (!done) return std::unexpected(done.error());
  return n;
}

// One run into one buffer.
std::expected<size_t, Error> take_run(Process& p, const Socket& s, Part into, int flags) {
  if ((flags & kMsgTrunc) != 0) return skip(p, s, into.size());
  const auto got = p.stack.command(tcp::Receive{s.handle, into}, p.now);
  if (!got) return std::unexpected(got.error());
  return got->v;
}

// What is there, up to the mark: advances op.done. The error that ended it; WouldBlock: nothing
// more.
Error take_text(Process& p, Socket& s, Operation& op) {
  size_t left = SIZE_MAX;
  if (const auto mark = before_mark(p, s)) left = *mark;
  while (left > 0) {
    Part into = op.into.behind(op.done);
    if (into.empty()) return Error::kCount;
    if (into.size() > left) into = into.first(left);
    const auto got = take_run(p, s, into, op.flags);
    if (!got) return got.error();
    if (*got == 0) return Error::WouldBlock;
    op.done += *got;
    left -= *got;
  }
  op.at_mark = true;
  return Error::kCount;
}

void scatter(std::span<const uint8_t> text, const Parts<Part>& into) {
  for (const Part& part : into.all()) {
    const size_t n = std::min(part.size(), text.size());
    std::memcpy(part.data(), text.data(), n);
    text = text.subspan(n);
  }
}

// The same without taking it.
Error peek_text(Process& p, Socket& s, Operation& op) {
  p.scratch.resize(op.into.octets());
  std::span<uint8_t> into = p.scratch;
  op.done = 0;
  if (const auto mark = before_mark(p, s)) {
    op.at_mark = *mark < into.size();
    into = into.first(std::min(*mark, into.size()));
  }
  const auto got = p.stack.command(tcp::Receive{s.handle, into, true}, p.now);
  if (!got) return got.error();
  op.done = got->v;
  op.at_mark = op.at_mark && op.done == into.size();
  scatter(into.first(op.done), op.into);
  return Error::kCount;
}

bool is_open(const Socket& s) {
  return s.phase == Phase::Connecting || s.phase == Phase::Connected;
}

// Nothing is there: the pending error, the end of file, or a reason to wait.
Attempt end_of_text(Socket& s) {
  if (const int e = take_error(s)) return failure(e);
  if (s.phase == Phase::Fresh || s.phase == Phase::Failed) return failure(ENOTCONN);
  if (s.phase == Phase::Ended || s.peer_finished || s.read_shut) return success();
  return std::nullopt;
}

// What is there, and what ended it.
void fetch(Process& p, Socket& s, Operation& op) {
  const bool peek = (op.flags & kMsgPeek) != 0;
  const Error e = peek ? peek_text(p, s, op) : take_text(p, s, op);
  if (e == Error::Closing) {
    s.peer_finished = true;
  } else if (e != Error::WouldBlock && e != Error::kCount) {
    note_error(p, s, e);
  }
}

// With so many octets a call that may wait is content.
size_t target_of(const Socket& s, const Operation& op, size_t total) {
  if ((op.flags & kMsgWaitall) != 0) return total;
  return std::min(static_cast<size_t>(s.receive_lowat), total);
}

// No more text will come.
bool is_over(const Socket& s) {
  return s.error != 0 || s.peer_finished || s.read_shut || !is_open(s);
}

Result receive(Process& p, int fd, Operation op) {
  const File* f = find_file(p, fd);
  if (f == nullptr) return failure(EBADF);
  if (!f->socket) return failure(f->epoll ? ENOTSOCK : EBADF);
  if ((op.flags & ~kKnownFlags) != 0) return failure(EOPNOTSUPP);
  op.kind = Operation::Kind::Receive;
  op.fd = fd;
  op.may_wait = !f->nonblocking && (op.flags & kMsgDontwait) == 0;
  op.deadline = deadline_of(f->socket->receive_timeout, p.now);
  return run(p, op);
}

Operation receiving(Part into, int flags) {
  Operation op;
  op.into.one = into;
  op.flags = flags;
  return op;
}

}  // namespace

Attempt try_receive(Process& p, Socket& s, Operation& op) {
  if ((op.flags & kMsgOob) != 0) return failure(EINVAL);  // urgent octets stay in the stream
  if ((op.flags & kMsgErrqueue) != 0) return failure(EAGAIN);
  if (s.phase == Phase::Listening) return failure(ENOTCONN);
  const size_t total = op.into.octets();
  if (total == 0 && is_open(s)) return success();
  if (is_open(s)) fetch(p, s, op);
  if (op.done == 0) return end_of_text(s);
  const auto so_far = success(static_cast<int64_t>(op.done));
  if (op.done >= target_of(s, op, total) || op.at_mark || is_over(s)) return so_far;
  return std::nullopt;
}

Result Sockets::recv(int fd, Part into, int flags) {
  return receive(*process_, fd, receiving(into, flags));
}

Result Sockets::read(int fd, Part into) {
  return recv(fd, into, 0);
}

Result Sockets::readv(int fd, std::span<const Part> parts) {
  Operation op;
  op.into.many = parts;
  return receive(*process_, fd, op);
}

Result Sockets::recvfrom(int fd, Part into, int flags, SocketAddress* from) {
  Operation op = receiving(into, flags);
  op.name = from;
  return receive(*process_, fd, op);
}

Result Sockets::recvmsg(int fd, ReceiveMessage& message, int flags) {
  Operation op;
  op.flags = flags;
  op.into.many = message.parts;
  op.message = &message;
  op.name = &message.name;
  message.flags = 0;
  return receive(*process_, fd, op);
}

}  // namespace rapport::posix
