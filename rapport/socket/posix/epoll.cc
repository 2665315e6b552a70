// epoll as Linux has it (epoll(7)): level-triggered, edge-triggered and one-shot items in the order
// in which something happened to them.
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace rapport::posix {

namespace {

constexpr uint32_t kAlways = kPollErr | kPollHup;
constexpr uint32_t kNotEvents = kEpollEt | kEpollOneshot | kEpollWakeup | kEpollExclusive;

void queue(Epoll& e, int fd, Epoll::Item& item) {
  if (item.queued) return;
  item.queued = true;
  e.ready.push_back(fd);
}

// What is to be reported of an item now.
uint32_t seen_by(Process& p, int fd, const Epoll::Item& item) {
  const uint32_t wanted = item.wanted.events & ~kNotEvents;
  if (wanted == 0) return 0;  // a one-shot that was shot
  File* f = find_file(p, fd);
  if (f == nullptr || !f->socket) return 0;  // only sockets are watched
  return readiness(p, fd, *f->socket, wanted) & (wanted | kAlways);
}

void set(Process& p, Epoll& e, int fd, Epoll::Item& item, const EpollEvent& wanted) {
  item.wanted = wanted;
  item.wanted.events |= kAlways;
  if (seen_by(p, fd, item) != 0) queue(e, fd, item);
}

Result add(Process& p, int epfd, Epoll& e, int fd, const EpollEvent& wanted) {
  Socket* s = find_file(p, fd)->socket.get();
  if (s == nullptr) return failure(EPERM);  // an epoll instance in another: not offered
  if (e.items.contains(fd)) return failure(EEXIST);
  s->watchers.push_back(epfd);
  set(p, e, fd, e.items[fd], wanted);
  return success();
}

Result modify(Process& p, Epoll& e, int fd, const EpollEvent& wanted) {
  const auto found = e.items.find(fd);
  if (found == e.items.end()) return failure(ENOENT);
  set(p, e, fd, found->second, wanted);
  return success();
}

void forget(Epoll& e, int fd) {
  std::erase(e.ready, fd);
  e.items.erase(fd);
}

Result remove(Process& p, int epfd, Epoll& e, int fd) {
  if (!e.items.contains(fd)) return failure(ENOENT);
  forget(e, fd);
  std::erase(find_file(p, fd)->socket->watchers, epfd);
  return success();
}

// After an item was reported: does it stay in the queue?
bool stays(Epoll::Item& item) {
  if ((item.wanted.events & kEpollOneshot) != 0) {
    item.wanted.events &= kNotEvents;
    return false;
  }
  return (item.wanted.events & kEpollEt) == 0;
}

}  // namespace

uint32_t readiness_of_file(Process& p, int fd, File& f, uint32_t wanted) {
  if (f.socket) return readiness(p, fd, *f.socket, wanted);
  for (const int item : f.epoll->ready) {
    if (seen_by(p, item, f.epoll->items.at(item)) != 0) return kPollIn | kPollRdnorm;
  }
  return 0;
}

void wake(Process& p, int fd, const Socket& s, uint32_t kinds) {
  for (const int epfd : s.watchers) {
    Epoll& e = *find_file(p, epfd)->epoll;
    const auto found = e.items.find(fd);
    if (found != e.items.end() && (found->second.wanted.events & kinds) != 0) {
      queue(e, fd, found->second);
    }
  }
}

void unwatch(Process& p, int fd, File& f) {
  if (f.socket) {
    for (const int epfd : f.socket->watchers) forget(*find_file(p, epfd)->epoll, fd);
    return;
  }
  for (const auto& [watched, item] : f.epoll->items) {
    std::erase(find_file(p, watched)->socket->watchers, fd);
  }
}

Attempt try_epoll_wait(Process& p, Epoll& e, Operation& op) {
  size_t reported = 0;
  for (size_t n = e.ready.size(); n > 0 && reported < op.events.size(); --n) {
    const int fd = e.ready.front();
    e.ready.pop_front();
    Epoll::Item& item = e.items.at(fd);
    item.queued = false;
    const uint32_t seen = seen_by(p, fd, item);
    if (seen == 0) continue;
    op.events[reported++] = {seen, item.wanted.data};
    if (stays(item)) queue(e, fd, item);
  }
  if (reported == 0) return std::nullopt;
  return success(static_cast<int64_t>(reported));
}

Result Sockets::epoll_create1(int flags) {
  Process& p = *process_;
  if ((flags & ~kEpollCloexec) != 0) return failure(EINVAL);
  const int fd = open_file(p);
  if (fd < 0) return failure(EMFILE);
  File& f = *find_file(p, fd);
  f.epoll = std::make_unique<Epoll>();
  f.cloexec = flags != 0;
  return success(fd);
}

Result Sockets::epoll_ctl(int epfd, int op, int fd, const EpollEvent* event) {
  Process& p = *process_;
  File* f = find_file(p, epfd);
  if (f == nullptr || find_file(p, fd) == nullptr) return failure(EBADF);
  if (!f->epoll || epfd == fd) return failure(EINVAL);
  if (event == nullptr && op != kEpollCtlDel) return failure(EFAULT);
  (void)take_events(p);
  switch (op) {
    case kEpollCtlAdd: return add(p, epfd, *f->epoll, fd, *event);
    case kEpollCtlMod: return modify(p, *f->epoll, fd, *event);
    case kEpollCtlDel: return remove(p, epfd, *f->epoll, fd);
    default: return failure(EINVAL);
  }
}

Result Sockets::epoll_wait(int epfd, std::span<EpollEvent> events, int timeout) {
  Process& p = *process_;
  const File* f = find_file(p, epfd);
  if (f == nullptr) return failure(EBADF);
  if (!f->epoll || events.empty()) return failure(EINVAL);
  Operation op;
  op.kind = Operation::Kind::EpollWait;
  op.fd = epfd;
  op.events = events;
  op.may_wait = timeout != 0;
  op.deadline = deadline_of(timeout * 1_ms, p.now);
  return run(p, op);
}

}  // namespace rapport::posix
