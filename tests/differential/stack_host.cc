// Calls of the language as commands of a Stack; a loop over its deadlines.
#include "stack_host.hh"

#include "host.hh"
#include "player.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "sequence.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rapport::differential {

namespace {

constexpr uint32_t kFrames = 512;
constexpr uint32_t kFrameSize = 2048;
constexpr size_t kHeadroom = 64;

stack::Config config_for(const Ends& ends) {
  stack::Config c;
  c.interfaces[0].mtu = kMtu;
  c.interfaces[0].addresses = {
      Cidr{ends.local.address, static_cast<uint8_t>(ends.local.address.is_v4() ? 16 : 64)}};
  c.tcp.max_connections = 64;
  c.tcp.max_half_open = 64;
  c.tcp.max_time_wait = 64;
  c.tcp.max_listeners = 16;
  c.tcp.max_transfers = 64;
  c.tcp.max_extras = 64;
  c.tcp.max_blocks = 1024;
  c.tcp.max_pieces = 4096;
  // The kernel's limits of challenges are switched off too.
  c.tcp.challenge_interval = 0_ms;
  c.tcp.defaults.receive_buffer = ByteCount{kReceiveBuffer};
  return c;
}

std::string outcome(bool good) {
  return good ? "ok" : "error";
}

}  // namespace

StackHost::StackHost(const Ends& ends)
    : ends_(ends),
      frames_(kFrames, kFrameSize),
      stack_(std::make_unique<stack::Stack>(config_for(ends), frames_)),
      now_(Instant{} + 1000_s) {
  options_.receive_buffer = ByteCount{kReceiveBuffer};
}

void StackHost::packet(std::span<const uint8_t> octets) {
  std::array<Frame, 1> burst{frames_.allocate(kHeadroom)};
  burst[0].reshape(kHeadroom, octets.size());
  std::ranges::copy(octets, burst[0].data());
  stack_->receive(burst, now_);
}

std::string StackHost::sends(uint32_t octets, bool urgent) {
  const std::vector<uint8_t> text(octets, 's');
  tcp::Send send{.connection = connection_, .bytes = text};
  send.urgent = urgent;
  const auto n = stack_->command(send, now_);
  if (!n) return n.error() == Error::WouldBlock ? "later" : "error";
  return "sent " + std::to_string(n->v);
}

std::string StackHost::opens(const std::string& what) {
  if (what == "listen") {
    tcp::Listen c;
    c.local_address = ends_.local.address;
    c.port = ends_.local.port;
    c.options = &options_;
    const auto h = stack_->command(c, now_);
    if (h) listener_ = *h;
    return outcome(h.has_value());
  }
  if (what == "connect") {
    tcp::Connect c;
    c.remote = ends_.remote;
    c.local_address = ends_.local.address;
    c.local_port = ends_.local.port;
    c.options = &options_;
    const auto h = stack_->command(c, now_);
    if (h) connection_ = *h;
    return outcome(h.has_value());
  }
  const auto h = stack_->command(tcp::Accept{.listener = listener_}, now_);
  if (!h) return h.error() == Error::WouldBlock ? "none" : "error";
  connection_ = *h;
  return "ok";
}

std::string StackHost::reads() {
  std::array<uint8_t, 4096> into{};
  size_t count = 0;
  while (true) {
    const auto n = stack_->command(tcp::Receive{.connection = connection_, .into = into}, now_);
    if (n) {
      count += n->v;
      continue;
    }
    std::string read = "read " + in_words(count);
    if (n.error() == Error::WouldBlock) return read;
    return read + (n.error() == Error::Closing ? " eof" : " error");
  }
}

std::string StackHost::closes(const std::string& what) {
  if (what == "shutdown") {
    return outcome(stack_->command(tcp::ShutdownWrite{connection_}, now_).has_value());
  }
  if (what == "close") {  // the descriptor is let go whatever the state
    (void)stack_->command(tcp::Close{connection_}, now_);
  } else if (what == "abort") {
    (void)stack_->command(tcp::Abort{connection_}, now_);
  } else {
    (void)stack_->command(tcp::CloseListener{listener_}, now_);
  }
  return "ok";
}

std::string StackHost::error() {
  switch (ended_) {
    case CloseReason::ResetByPeer: return "reset";
    case CloseReason::Refused: return "refused";
    case CloseReason::Unreachable: return "unreachable";
    case CloseReason::TimedOut:
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut: return "timed out";
    default: return "none";
  }
}

// The idle time in seconds; probes come as often.
void StackHost::sets_option(const std::string& what, uint32_t number) {
  if (what == "nodelay") options_.no_delay = true;
  if (what == "keepalive") {
    options_.keep_alive = true;
    options_.keep_alive_idle = int64_t{number} * 1_s;
    options_.keep_alive_interval = options_.keep_alive_idle;
    options_.keep_alive_probes = 2;
  }
  if (connection_) (void)stack_->command(tcp::SetOptions{connection_, options_}, now_);
}

std::string StackHost::state() {
  return std::string(tcp::name(stack_->state_of(ends_.local, ends_.remote)));
}

uint32_t StackHost::unread() {
  const auto status = stack_->command(tcp::GetStatus{connection_}, now_);
  return status ? status->receive_queue.v : 0;
}

void StackHost::settles(Player& player) {
  while (const Frame frame = stack_->next_frame()) player.hears(frame.bytes());
  tcp::Occurrence o;
  while (stack_->next_event(o)) {
    if (o.handle == connection_ && o.is(tcp::What::Ended)) ended_ = o.reason;
  }
}

void StackHost::runs_until(Instant until, Player& player) {
  settles(player);
  for (Instant next = stack_->next_deadline(); next <= until; next = stack_->next_deadline()) {
    now_ = std::max(now_, next);
    stack_->expire(now_);
    settles(player);
  }
  now_ = until;
}

std::vector<Answer> play_on_stack(const Sequence& sequence, const Ends& ends) {
  StackHost host(ends);
  Player player(sequence, ends);
  while (player.advance(host.now(), host)) host.runs_until(player.due(), player);
  return player.answers();
}

}  // namespace rapport::differential
