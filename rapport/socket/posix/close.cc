// shutdown() and close() (XSH; RFC 9293 3.9.1.4), and waiting for what lingers (SO_LINGER).
#include "rapport/base/handle.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/udp/commands.hh"

#include <cerrno>
#include <optional>

namespace rapport::posix {

namespace {

// Everything was acknowledged, our FIN too, or it is over.
bool has_lingered(Process& p, Handle connection) {
  const auto status = p.stack.command(tcp::GetStatus{connection}, p.now);
  if (!status) return true;
  switch (status->state) {
    case tcp::State::FinWait2:
    case tcp::State::TimeWait:
    case tcp::State::Closed: return true;
    default: return false;
  }
}

void close_socket(Process& p, Socket& s) {
  if (!s.handle) return;
  if (s.stream) {
    (void)p.stack.command(tcp::Close{s.handle}, p.now);  // CLOSING and later answer Closing
  } else {
    (void)p.stack.command(udp::CloseSocket{s.handle}, p.now);
  }
}

Result shut_stream(Process& p, Socket& s, bool read, bool write) {
  (void)take_events(p);
  if (s.phase != Phase::Connected && s.phase != Phase::Connecting) return failure(ENOTCONN);
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  if (!status || status->state == tcp::State::TimeWait) return failure(ENOTCONN);
  if (write && !s.write_shut) {
    const auto done = p.stack.command(tcp::ShutdownWrite{s.handle}, p.now);
    if (!done && done.error() != Error::Closing) {
      note_error(p, s, done.error());
      return failure(ENOTCONN);
    }
    s.write_shut = true;
  }
  if (read) s.read_shut = true;
  return success();
}

Result shut_datagram(Socket& s, bool read, bool write) {
  if (s.remote.port == 0) return failure(ENOTCONN);
  if (read) s.read_shut = true;
  if (write) s.write_shut = true;
  return success();
}

}  // namespace

Attempt try_close(Process& p, const Operation& op) {
  if (has_lingered(p, op.closing)) return success();
  return std::nullopt;
}

Result Sockets::shutdown(int fd, int how) {
  Process& p = *process_;
  int why = 0;
  Socket* s = find_socket(p, fd, why);
  if (s == nullptr) return failure(why);
  if (how != kShutRd && how != kShutWr && how != kShutRdwr) return failure(EINVAL);
  const bool read = how != kShutWr;
  const bool write = how != kShutRd;
  const Result r = s->stream ? shut_stream(p, *s, read, write) : shut_datagram(*s, read, write);
  if (r.ok()) wake(p, fd, *s, kAnyChange);
  return r;
}

Result Sockets::close(int fd) {
  Process& p = *process_;
  File* f = find_file(p, fd);
  if (f == nullptr) return failure(EBADF);
  unwatch(p, fd, *f);
  Operation op;
  if (Socket* s = f->socket.get()) {
    const tcp::ConnectionOptions& o = s->options;
    const bool lingers = s->phase == Phase::Connected && o.linger && o.linger_time.ns > 0;
    if (lingers && !f->nonblocking) op.closing = s->handle;
    op.deadline = deadline_of(o.linger_time, p.now);
    close_socket(p, *s);
    unbind(p, fd, *s);
  }
  free_file(p, fd);
  if (!op.closing) return success();
  op.kind = Operation::Kind::Close;
  return run(p, op);
}

}  // namespace rapport::posix
