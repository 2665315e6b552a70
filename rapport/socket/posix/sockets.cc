// The class in front, and the calls that need no waiting: socket(), bind(), connect(), accept(),
// names, fcntl(), ioctl().
#include "rapport/socket/posix/sockets.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>

namespace rapport::posix {

namespace {

// EPROTONOSUPPORT, EPROTOTYPE, EAFNOSUPPORT; 0: this can be made.
int refusal(int domain, int type, int protocol) {
  if (domain != kAfInet && domain != kAfInet6) return EAFNOSUPPORT;
  if (type != kSockStream && type != kSockDgram) return EPROTOTYPE;
  const int expected = type == kSockStream ? kIpprotoTcp : kIpprotoUdp;
  if (protocol == 0 || protocol == expected) return 0;
  return protocol == kIpprotoTcp || protocol == kIpprotoUdp ? EPROTOTYPE : EPROTONOSUPPORT;
}

Operation waiting_for(Operation::Kind kind, int fd, const File& f) {
  Operation op;
  op.kind = kind;
  op.fd = fd;
  op.may_wait = !f.nonblocking;
  return op;
}

IpAddress any_of(int domain) {
  return domain == kAfInet ? IpAddress::v4(0) : IpAddress{};
}

}  // namespace

Sockets::Sockets(stack::Stack& stack, Instant now, const Settings& settings)
    : process_(std::make_unique<Process>(stack, now, settings)) {}

Sockets::~Sockets() {
  const int end = process_->settings.first_descriptor + static_cast<int>(process_->files.size());
  for (int fd = process_->settings.first_descriptor; fd < end; ++fd) {
    if (find_file(*process_, fd) != nullptr) (void)close(fd);
  }
}

bool Sockets::pump(Instant now) {
  process_->now = now;
  const bool any = take_events(*process_);
  if (!process_->room_watch.empty()) look_for_room(*process_);
  return any;
}

bool Sockets::deliver(const tcp::Occurrence& o) {
  return take_event(*process_, o);
}

Result Sockets::retry(uint64_t ticket) {
  return go_on(*process_, ticket, false);
}

Result Sockets::interrupt(uint64_t ticket) {
  return go_on(*process_, ticket, true);
}

Instant Sockets::next_deadline() const {
  Instant next = kNever;
  for (const auto& [ticket, op] : process_->blocked) next = std::min(next, op.deadline);
  return next;
}

Instant Sockets::now() const {
  return process_->now;
}

Result Sockets::socket(int domain, int type, int protocol) {
  Process& p = *process_;
  const int kind = type & ~(kSockNonblock | kSockCloexec);
  if (const int why = refusal(domain, kind, protocol)) return failure(why);
  const int fd = open_file(p);
  if (fd < 0) return failure(EMFILE);
  File& f = *find_file(p, fd);
  f.nonblocking = (type & kSockNonblock) != 0;
  f.cloexec = (type & kSockCloexec) != 0;
  f.socket = std::make_unique<Socket>();
  f.socket->domain = domain;
  f.socket->stream = kind == kSockStream;
  f.socket->local.address = f.socket->remote.address = any_of(domain);
  f.socket->options = p.stack.config().tcp.defaults;
  return success(fd);
}

Result Sockets::bind(int fd, const SocketAddress& address) {
  int why = 0;
  Socket* s = find_socket(*process_, fd, why);
  if (s == nullptr) return failure(why);
  if (!family_fits(*s, address)) return failure(EAFNOSUPPORT);
  (void)take_events(*process_);
  Endpoint at = address.at;
  if (at.address.is_unspecified()) at.address = any_of(s->domain);
  return s->stream ? bind_stream(*process_, fd, *s, at) : bind_datagram(*process_, fd, *s, at);
}

Result Sockets::connect(int fd, const SocketAddress& address) {
  Process& p = *process_;
  int why = 0;
  Socket* s = find_socket(p, fd, why);
  if (s == nullptr) return failure(why);
  (void)take_events(p);
  if (address.family == kAfUnspec) {
    if (s->stream && s->phase == Phase::Listening) return failure(EOPNOTSUPP);
    if (!s->stream) return s->handle ? connect_datagram(p, fd, *s, {}) : success();
    disconnect(p, fd, *s);
    return success();
  }
  if (!family_fits(*s, address)) return failure(EAFNOSUPPORT);
  if (!s->stream) return connect_datagram(p, fd, *s, address.at);
  const Result begun = connect_stream(p, fd, *s, address.at);
  if (!begun.ok()) return begun;
  const File& f = *find_file(p, fd);
  Operation op = waiting_for(Operation::Kind::Connect, fd, f);
  op.deadline = deadline_of(s->send_timeout, p.now);
  return run(p, op);
}

Result Sockets::accept(int fd, SocketAddress* peer) {
  return accept4(fd, peer, 0);
}

Result Sockets::accept4(int fd, SocketAddress* peer, int flags) {
  int why = 0;
  const Socket* s = find_socket(*process_, fd, why);
  if (s == nullptr) return failure(why);
  if ((flags & ~(kSockNonblock | kSockCloexec)) != 0) return failure(EINVAL);
  Operation op = waiting_for(Operation::Kind::Accept, fd, *find_file(*process_, fd));
  op.flags = flags;
  op.name = peer;
  op.deadline = deadline_of(s->receive_timeout, process_->now);
  return run(*process_, op);
}

Result Sockets::getsockname(int fd, SocketAddress& address) {
  int why = 0;
  const Socket* s = find_socket(*process_, fd, why);
  if (s == nullptr) return failure(why);
  address = {s->domain, s->local};
  return success();
}

Result Sockets::getpeername(int fd, SocketAddress& address) {
  int why = 0;
  const Socket* s = find_socket(*process_, fd, why);
  if (s == nullptr) return failure(why);
  (void)take_events(*process_);
  const bool connected = s->stream ? s->phase == Phase::Connected : s->remote.port != 0;
  if (!connected) return failure(ENOTCONN);
  address = {s->domain, s->remote};
  return success();
}

Result Sockets::fcntl(int fd, int command, int argument) {
  File* f = find_file(*process_, fd);
  if (f == nullptr) return failure(EBADF);
  switch (command) {
    case kFGetfd: return success(f->cloexec ? kFdCloexec : 0);
    case kFSetfd: f->cloexec = (argument & kFdCloexec) != 0; return success();
    case kFGetfl: return success(kORdwr | (f->nonblocking ? kONonblock : 0));
    case kFSetfl: f->nonblocking = (argument & kONonblock) != 0; return success();
    default: return failure(EINVAL);
  }
}

Handle Sockets::handle_of(int fd) const {
  const File* f = find_file(*process_, fd);
  return f != nullptr && f->socket ? f->socket->handle : Handle{};
}

uint32_t Sockets::open_descriptors() const {
  return process_->open;
}

}  // namespace rapport::posix
