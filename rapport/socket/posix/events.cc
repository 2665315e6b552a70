// What the stack tells, and what it means for a socket.
#include "rapport/base/reason.hh"
#include "rapport/socket/posix/errors.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <cstdint>
#include <utility>

namespace rapport::posix {

namespace {

constexpr uint32_t kMayRead = kPollIn | kPollRdnorm | kPollPri | kPollRdband;
constexpr uint32_t kMayWrite = kPollOut | kPollWrnorm | kPollWrband;

// An ICMP error of a connected socket waits in the stack for the next call; it is this facade's to
// tell, so that SO_ERROR and poll() know of it.
void take_trouble(Process& p, Socket& s) {
  const auto asked = p.stack.command(udp::ReceiveFrom{s.handle, {}, true}, p.now);
  if (asked) return;
  if (asked.error() == Error::Refused || asked.error() == Error::Unreachable) {
    s.error = errno_of(asked.error());
  }
}

uint32_t learn_of_datagrams(Process& p, Socket& s, const tcp::Occurrence& o) {
  uint32_t kinds = 0;
  if (o.is(tcp::What::Readable)) kinds |= kMayRead;
  if (o.is(tcp::What::Writable)) {
    s.room_promised = false;
    kinds |= kMayWrite;
  }
  if (o.is(tcp::What::DeliveryTrouble)) {
    take_trouble(p, s);
    if (s.error != 0) kinds = kAnyChange;
  }
  return kinds;
}

void handshake_is_complete(Process& p, Socket& s) {
  s.phase = Phase::Connected;
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  if (!status) return;
  s.local = status->local;
  s.remote = status->remote;
}

uint32_t learn_of_stream(Process& p, Socket& s, const tcp::Occurrence& o) {
  uint32_t kinds = 0;
  if (o.is(tcp::What::Connected)) {
    if (s.phase == Phase::Connecting) handshake_is_complete(p, s);
    kinds = kAnyChange;
  }
  if (o.is(tcp::What::Readable) || o.is(tcp::What::Acceptable)) kinds |= kMayRead;
  if (o.is(tcp::What::Writable)) {
    s.room_promised = false;
    kinds |= kMayWrite;
  }
  if (o.is(tcp::What::Urgent)) {
    s.urgent = true;
    kinds |= kMayRead;
  }
  if (o.is(tcp::What::PeerFinished)) {
    s.peer_finished = true;
    kinds = kAnyChange;
  }
  return kinds;
}

}  // namespace

void note_end(Process& p, Socket& s, int error) {
  if (s.phase != Phase::Connecting && s.phase != Phase::Connected) return;
  s.phase = s.phase == Phase::Connecting ? Phase::Failed : Phase::Ended;
  s.error = error;
  s.handle = {};
  wake(p, static_cast<int>(static_cast<uint32_t>(s.cookie)), s, kAnyChange);
}

void note_error(Process& p, Socket& s, Error e) {
  (void)p.stack.command(tcp::Close{s.handle}, p.now);  // it is over: the handle is let go
  note_end(p, s, e == Error::Closing ? 0 : errno_of(e));
}

int take_error(Socket& s) {
  return std::exchange(s.error, 0);
}

bool take_event(Process& p, const tcp::Occurrence& o) {
  const int fd = static_cast<int>(static_cast<uint32_t>(o.cookie));
  File* f = find_file(p, fd);
  if (f == nullptr || f->socket == nullptr || f->socket->cookie != o.cookie) return false;
  Socket& s = *f->socket;
  if (s.handle != o.handle) return true;  // it has been let go
  const uint32_t kinds = s.stream ? learn_of_stream(p, s, o) : learn_of_datagrams(p, s, o);
  if (kinds != 0) wake(p, fd, s, kinds);
  if (s.stream && o.is(tcp::What::Ended)) note_end(p, s, errno_of(o.reason, o.icmp));
  return true;
}

bool take_events(Process& p) {
  if (!p.settings.takes_events) return false;
  bool any = false;
  tcp::Occurrence o;
  while (p.stack.next_event(o)) {
    any = true;
    (void)take_event(p, o);
  }
  return any;
}

}  // namespace rapport::posix
