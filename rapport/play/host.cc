// The stack under test in virtual time.
#include "rapport/play/host.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/play/seen.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::play {

namespace {

constexpr size_t kHeadroom = 64;

}  // namespace

stack::Config small_config() {
  stack::Config c;
  c.max_path_mtus = 16;
  c.udp.max_sockets = 16;
  c.udp.max_datagrams = 120;
  c.udp.max_blocks = 120;
  c.reassembly.datagrams = 2;
  c.reassembly.octets = 65'535;
  c.tcp.max_connections = 64;
  c.tcp.max_half_open = 64;
  c.tcp.max_time_wait = 64;
  c.tcp.max_listeners = 16;
  c.tcp.max_transfers = 64;
  c.tcp.max_extras = 64;
  c.tcp.max_blocks = 1024;
  c.tcp.max_pieces = 1024;
  return c;
}

Host::Host(const stack::Config& config, FramePool& frames)
    : frames_(frames), stack_(config, frames) {}

bool Host::inject(std::span<const uint8_t> packet) {
  Frame frame = frames_.allocate(kHeadroom);
  if (!frame || packet.size() > frame.tailroom()) return false;
  frame.reshape(kHeadroom, packet.size());
  std::ranges::copy(packet, frame.data());
  if (chronicle_ != nullptr) frame.serial = chronicle_->injected(packet, now_);
  stack_.receive({&frame, 1}, now_);
  collect();
  return true;
}

void Host::collect() {
  while (const Frame frame = stack_.next_frame()) {
    if (chronicle_ != nullptr) chronicle_->arrived(frame.bytes(), frame.serial, now_);
    seen_.push_back(read_packet(frame.bytes(), now_));
  }
}

bool Host::step(Instant limit) {
  const Instant due = stack_.next_deadline();
  if (due > limit || runs_away()) {
    now_ = std::max(now_, limit);
    return false;
  }
  now_ = std::max(now_, due);
  while (stack_.next_deadline() <= now_ && !runs_away()) {
    ++turns_;
    stack_.expire(now_);
    collect();
  }
  return true;
}

}  // namespace rapport::play
