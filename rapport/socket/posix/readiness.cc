// What poll() and epoll see of a descriptor, by the rules of tcp_poll() in Linux where POSIX says
// nothing: POLLHUP when both directions are shut, POLLRDHUP when the peer has finished.
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rapport::posix {

namespace {

constexpr uint32_t kIn = kPollIn | kPollRdnorm;
constexpr uint32_t kOut = kPollOut | kPollWrnorm;

bool has_room(const Socket& s, const tcp::Status& status) {
  const uint32_t buffer = status.options.send_buffer.v;
  const uint32_t queued = status.send_queue.v;
  const uint32_t room = buffer > queued ? buffer - queued : 0;
  return room >= std::min(static_cast<uint32_t>(s.send_lowat), buffer);
}

// Nobody may have been promised a word when there is room: the send buffer is full to the octet, or
// the low-water mark is not reached.
void watch_room(Process& p, int fd, Socket& s) {
  if (s.room_promised || s.room_watched) return;
  s.room_watched = true;
  p.room_watch.push_back(fd);
}

uint32_t readiness_of_listener(Process& p, const Socket& s) {
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  return status && status->backlog_waiting > 0 ? kIn : 0;
}

uint32_t readiness_of_open_stream(Process& p, int fd, Socket& s, uint32_t wanted) {
  uint32_t ready = 0;
  const bool no_more = s.peer_finished || s.read_shut;
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  const uint32_t unread = status ? status->receive_queue.v : 0;
  const uint32_t urgent = status ? status->urgent_ahead.v : 0;
  // A mark makes what is before it worth reading (tcp_poll: target + 1 without SO_OOBINLINE).
  if (unread >= static_cast<uint32_t>(s.receive_lowat) || no_more) ready |= kIn;
  if (no_more) ready |= kPollRdhup;
  if (no_more && s.write_shut) ready |= kPollHup;
  if (urgent > 0) ready |= kPollPri;
  if (s.write_shut || !status || has_room(s, *status)) {
    ready |= kOut;
  } else if ((wanted & kOut) != 0) {
    watch_room(p, fd, s);
  }
  return ready;
}

uint32_t readiness_of_datagrams(Process& p, const Socket& s) {
  uint32_t ready = s.room_promised ? 0 : kOut;
  if (s.handle) {
    const auto status = p.stack.command(udp::GetStatus{s.handle}, p.now);
    if (status && status->waiting > 0) ready |= kIn;
  }
  if (s.read_shut) ready |= kIn | kPollRdhup;
  if (s.read_shut && s.write_shut) ready |= kPollHup;
  return ready;
}

uint32_t readiness_of_stream(Process& p, int fd, Socket& s, uint32_t wanted) {
  switch (s.phase) {
    case Phase::Fresh: return kOut | kPollHup;
    case Phase::Listening: return readiness_of_listener(p, s);
    case Phase::Connecting: return 0;
    case Phase::Connected: return readiness_of_open_stream(p, fd, s, wanted);
    case Phase::Failed:
    case Phase::Ended: break;
  }
  return kIn | kOut | kPollHup | kPollRdhup;
}

}  // namespace

uint32_t readiness(Process& p, int fd, Socket& s, uint32_t wanted) {
  const uint32_t ready =
      s.stream ? readiness_of_stream(p, fd, s, wanted) : readiness_of_datagrams(p, s);
  return s.error != 0 ? ready | kPollErr : ready;
}

void look_for_room(Process& p) {
  std::vector<int> watch;
  std::swap(watch, p.room_watch);
  for (const int fd : watch) {
    File* f = find_file(p, fd);
    if (f == nullptr || !f->socket || !f->socket->room_watched) continue;
    Socket& s = *f->socket;
    s.room_watched = false;
    if ((readiness(p, fd, s, kOut) & kOut) != 0) wake(p, fd, s, kOut);
  }
}

Attempt try_poll(Process& p, Operation& op) {
  int64_t ready = 0;
  for (PollEntry& e : op.entries) {
    e.revents = 0;
    if (e.fd < 0) continue;
    File* f = find_file(p, e.fd);
    const auto wanted = static_cast<uint32_t>(static_cast<uint16_t>(e.events));
    const uint32_t seen = f == nullptr ? kPollNval : readiness_of_file(p, e.fd, *f, wanted);
    e.revents = static_cast<int16_t>(seen & (wanted | kPollErr | kPollHup | kPollNval));
    if (e.revents != 0) ++ready;
  }
  if (ready > 0) return success(ready);
  return std::nullopt;
}

Result Sockets::poll(std::span<PollEntry> entries, int timeout) {
  Operation op;
  op.kind = Operation::Kind::Poll;
  op.entries = entries;
  op.may_wait = timeout != 0;
  op.deadline = deadline_of(timeout * 1_ms, process_->now);
  return run(*process_, op);
}

}  // namespace rapport::posix
