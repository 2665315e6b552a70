// Calls that may have to wait: tried at once, kept when they would block, tried again by retry().
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"

#include <cerrno>
#include <cstdint>

namespace rapport::posix {

namespace {

Attempt attempt_on_socket(Process& p, Socket& s, Operation& op) {
  switch (op.kind) {
    case Operation::Kind::Connect: return try_connect(p, s);
    case Operation::Kind::Accept: return try_accept(p, s, op);
    case Operation::Kind::Receive:
      return s.stream ? try_receive(p, s, op) : try_receive_datagram(p, s, op);
    case Operation::Kind::Send: return s.stream ? try_send(p, s, op) : try_send_datagram(p, s, op);
    default: break;
  }
  return failure(EINVAL);
}

Attempt attempt(Process& p, Operation& op) {
  (void)take_events(p);
  if (op.kind == Operation::Kind::Poll) return try_poll(p, op);
  if (op.kind == Operation::Kind::Close) return try_close(p, op);
  File* f = find_file(p, op.fd);
  if (f == nullptr || f->serial != op.serial) return failure(EBADF);  // closed meanwhile
  if (op.kind == Operation::Kind::EpollWait) return try_epoll_wait(p, *f->epoll, op);
  return attempt_on_socket(p, *f->socket, op);
}

// Out of time, or not allowed to wait.
Result give_up(const Operation& op) {
  if (op.done > 0) return success(static_cast<int64_t>(op.done));
  switch (op.kind) {
    case Operation::Kind::Connect: return failure(EINPROGRESS);
    case Operation::Kind::Poll:
    case Operation::Kind::EpollWait:
    case Operation::Kind::Close: return success();
    default: return failure(EAGAIN);
  }
}

}  // namespace

Instant deadline_of(Duration limit, Instant now) {
  return limit.ns > 0 ? now + limit : kNever;
}

Result run(Process& p, Operation op) {
  if (const File* f = find_file(p, op.fd)) op.serial = f->serial;
  const Attempt done = attempt(p, op);
  if (done) return *done;
  if (!op.may_wait || op.deadline <= p.now) return give_up(op);
  const uint64_t ticket = ++p.tickets;
  p.blocked.emplace(ticket, op);
  Result r;
  r.ticket = ticket;
  return r;
}

Result go_on(Process& p, uint64_t ticket, bool interrupted) {
  const auto found = p.blocked.find(ticket);
  if (found == p.blocked.end()) return failure(EINVAL);
  Operation& op = found->second;
  const Attempt done = attempt(p, op);
  Result r;
  if (done) {
    r = *done;
  } else if (interrupted) {
    r = op.done > 0 ? success(static_cast<int64_t>(op.done)) : failure(EINTR);
  } else if (op.deadline <= p.now) {
    r = give_up(op);
  } else {
    r.ticket = ticket;
    return r;
  }
  p.blocked.erase(found);
  return r;
}

}  // namespace rapport::posix
