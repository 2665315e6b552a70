// Streams come to be: bind(), listen(), connect(), accept() (XSH, RFC 9293 3.9.1.1).
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/socket/posix/errors.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>

namespace rapport::posix {

namespace {

bool overlap(const IpAddress& a, const IpAddress& b) {
  return a == b || a.is_unspecified() || b.is_unspecified();
}

// Whether two sockets may not be bound so (XSH: EADDRINUSE; SO_REUSEADDR, SO_REUSEPORT).
bool collides(const Socket& mine, const IpAddress& at, const Socket& other) {
  if (!overlap(at, other.local.address)) return false;
  if (mine.reuse_port && other.reuse_port) return false;
  return !mine.reuse_address || !other.reuse_address || other.phase == Phase::Listening;
}

bool is_taken(Process& p, const Socket& s, const Endpoint& at) {
  const auto [first, last] = p.ports.equal_range(at.port);
  const bool here = std::any_of(first, last, [&](const auto& entry) {
    const File* f = find_file(p, entry.second);
    return f != nullptr && f->socket && f->socket.get() != &s
           && collides(s, at.address, *f->socket);
  });
  return here || (!s.reuse_address && p.stack.uses_port(at));
}

uint16_t choose_port(Process& p, const Socket& s, const IpAddress& address) {
  const uint32_t start = p.random.below(p.ephemeral.count());
  for (uint32_t n = 0; n < p.ephemeral.count(); ++n) {
    const uint16_t port = p.ephemeral.at(start + n);
    if (port == 0 || p.ephemeral.is_reserved(port) || p.ports.contains(port)) continue;
    if (!is_taken(p, s, {address, port})) return port;
  }
  return 0;
}

// Which errno an active OPEN's refusal is.
int errno_of_connect(Error e) {
  switch (e) {
    case Error::RemoteUnspecified: return EADDRNOTAVAIL;
    case Error::Unreachable: return ENETUNREACH;
    default: return errno_of(e);
  }
}

}  // namespace

bool family_fits(const Socket& s, const SocketAddress& a) {
  if (a.family != s.domain) return false;
  return s.domain == kAfInet6 || a.at.address.is_v4() || a.at.address == IpAddress{};
}

Result bind_stream(Process& p, int fd, Socket& s, const Endpoint& at) {
  if (s.bound || s.phase != Phase::Fresh) return failure(EINVAL);
  if (!at.address.is_unspecified()
      && p.stack.address_state(at.address) == ip::AddressState::NotOurs)
    return failure(EADDRNOTAVAIL);
  if (at.port != 0 && at.port < p.stack.config().tcp.lowest_listen_port) return failure(EACCES);
  Endpoint here = at;
  if (here.port == 0) here.port = choose_port(p, s, at.address);
  if (here.port == 0 || (at.port != 0 && is_taken(p, s, here))) return failure(EADDRINUSE);
  s.local = here;
  s.bound = true;
  p.ports.emplace(here.port, fd);
  return success();
}

void unbind(Process& p, int fd, const Socket& s) {
  if (!s.stream || !s.bound) return;
  const auto [first, last] = p.ports.equal_range(s.local.port);
  const auto mine = std::find_if(first, last, [&](const auto& e) { return e.second == fd; });
  if (mine != last) p.ports.erase(mine);
}

Result connect_stream(Process& p, int fd, Socket& s, const Endpoint& to) {
  switch (s.phase) {
    case Phase::Listening: return failure(EOPNOTSUPP);
    case Phase::Connecting: return failure(EALREADY);
    case Phase::Connected:
    case Phase::Ended: return failure(EISCONN);
    case Phase::Failed:
      s.phase = Phase::Fresh;
      if (const int e = take_error(s)) return failure(e);
      break;
    case Phase::Fresh: break;
  }
  tcp::Connect call;
  call.remote = to;
  call.local_address = s.local.address;
  call.local_port = s.local.port;
  call.cookie = new_cookie(p, fd);
  call.options = &s.options;
  const auto opened = p.stack.command(call, p.now);
  if (!opened) return failure(errno_of_connect(opened.error()));
  s.cookie = call.cookie;
  s.handle = *opened;
  s.phase = Phase::Connecting;
  s.peer_finished = s.read_shut = s.write_shut = s.urgent = s.room_promised = false;
  s.remote = to;
  if (const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now)) {
    s.local = status->local;
  }
  wake(p, fd, s, kAnyChange);
  return success();
}

Attempt try_connect(Process& /*p*/, Socket& s) {
  switch (s.phase) {
    case Phase::Connecting: return std::nullopt;
    case Phase::Connected: return success();
    case Phase::Failed: {
      const int e = take_error(s);
      s.phase = Phase::Fresh;
      return failure(e != 0 ? e : ECONNABORTED);
    }
    case Phase::Ended: return success();  // it was open for a while
    default: return failure(ECONNABORTED);
  }
}

void disconnect(Process& p, int fd, Socket& s) {
  if (s.handle) (void)p.stack.command(tcp::Abort{s.handle}, p.now);
  if (!s.bound) s.local = {};
  s.remote = {};
  s.handle = {};
  s.cookie = 0;
  s.error = 0;
  s.phase = Phase::Fresh;
  s.peer_finished = s.read_shut = s.write_shut = s.urgent = s.room_promised = false;
  wake(p, fd, s, kAnyChange);
}

Attempt try_accept(Process& p, Socket& s, Operation& op) {
  if (!s.stream) return failure(EOPNOTSUPP);
  if (s.phase != Phase::Listening) return failure(EINVAL);
  const int fd = open_file(p);
  if (fd < 0) return failure(EMFILE);
  const uint64_t cookie = new_cookie(p, fd);
  const auto accepted = p.stack.command(tcp::Accept{s.handle, cookie}, p.now);
  if (!accepted) {
    free_file(p, fd);
    if (accepted.error() == Error::WouldBlock) return std::nullopt;
    return failure(EINVAL);  // the stack drains: nobody listens any more
  }
  File& f = *find_file(p, fd);
  f.nonblocking = (op.flags & kSockNonblock) != 0;
  f.cloexec = (op.flags & kSockCloexec) != 0;
  f.socket = std::make_unique<Socket>();
  Socket& child = *f.socket;
  child.domain = s.domain;
  child.options = s.options;
  child.receive_lowat = s.receive_lowat;
  child.send_lowat = s.send_lowat;
  child.receive_timeout = s.receive_timeout;
  child.send_timeout = s.send_timeout;
  child.reuse_address = s.reuse_address;
  child.reuse_port = s.reuse_port;
  child.phase = Phase::Connected;
  child.handle = *accepted;
  child.cookie = cookie;
  if (const auto status = p.stack.command(tcp::GetStatus{child.handle}, p.now)) {
    child.local = status->local;
    child.remote = status->remote;
    child.options = status->options;
  }
  if (op.name != nullptr) *op.name = {child.domain, child.remote};
  return success(fd);
}

Result Sockets::listen(int fd, int backlog) {
  Process& p = *process_;
  int why = 0;
  Socket* s = find_socket(p, fd, why);
  if (s == nullptr) return failure(why);
  if (!s->stream) return failure(EOPNOTSUPP);
  if (s->phase != Phase::Fresh && s->phase != Phase::Listening) return failure(EINVAL);
  const auto most = static_cast<uint32_t>(std::clamp(backlog, 1, p.settings.somaxconn));
  if (s->phase == Phase::Listening) {
    (void)p.stack.command(tcp::SetBacklog{s->handle, most}, p.now);
    return success();
  }
  if (!s->bound) {
    const IpAddress any = s->domain == kAfInet ? IpAddress::v4(0) : IpAddress{};
    if (const Result r = bind_stream(p, fd, *s, {any, 0}); !r.ok()) return r;
  }
  tcp::Listen call;
  call.local_address = s->local.address;
  call.port = s->local.port;
  call.backlog = most;
  call.cookie = new_cookie(p, fd);
  call.options = &s->options;
  const auto listening = p.stack.command(call, p.now);
  if (!listening) return failure(errno_of(listening.error()));
  s->handle = *listening;
  s->cookie = call.cookie;
  s->phase = Phase::Listening;
  wake(p, fd, *s, kAnyChange);
  return success();
}

}  // namespace rapport::posix
