// The loop's parts: the clock is read, a burst goes to the stack, events to the sink, frames to the
// devices. What a full device did not take waits here; the stack is not asked for more until then.
#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/shard/shard.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/types.h>

namespace rapport::shard {
namespace {

// expire() does bounded work; a turn calls it this often at most, so that packets are not starved.
constexpr int kExpiriesPerTurn = 16;
constexpr size_t kTouchPerTurn = 64 << 10;
constexpr uint32_t kEthernetHeader = 14;

// 0 when there is no entropy to be had.
uint64_t draw_seed() {
  uint64_t seed = 0;
  ssize_t n = -1;
  do {
    n = ::getrandom(&seed, sizeof(seed), 0);
  } while (n < 0 && errno == EINTR);
  return n == sizeof(seed) ? seed | 1U : 0;
}

}  // namespace

std::expected<std::unique_ptr<Shard>, Failure> Shard::make(Config config,
                                                           std::unique_ptr<device::Device> device) {
  std::vector<std::unique_ptr<device::Device>> one;
  one.push_back(std::move(device));
  return make(std::move(config), std::move(one));
}

std::expected<std::unique_ptr<Shard>, Failure> Shard::make(
    Config config, std::vector<std::unique_ptr<device::Device>> devices) {
  ASSERT(devices.size() == config.stack.interfaces.size());
  for (size_t i = 0; i < devices.size(); ++i) {
    ASSERT(devices[i] != nullptr);
    const bool ethernet = devices[i]->link() == device::Link::Ethernet;
    ASSERT(ethernet == config.stack.interfaces[i].ethernet.has_value());
    ASSERT(!ethernet || config.stack.frame_headroom >= kEthernetHeader);
  }
  config.stack.tcp.seed = config.seed ? *config.seed : draw_seed();
  if (!config.seed && config.stack.tcp.seed == 0)
    return std::unexpected(Failure{"draw a seed", errno});
  device::Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return std::unexpected(Failure{"make an epoll set", errno});
  std::unique_ptr<Shard> shard(new Shard(config, std::move(devices), std::move(epoll)));
  shard->watch();
  for (const Port& port : shard->ports_) {
    if (port.device->fd() >= 0 && port.watched == 0) {
      return std::unexpected(Failure{"watch the device", errno});
    }
  }
  return shard;
}

Shard::Shard(const Config& config, std::vector<std::unique_ptr<device::Device>> devices,
             device::Descriptor epoll)
    : burst_(std::clamp<uint32_t>(config.burst, 1, kLargestBurst)),
      bursts_out_(std::max(config.bursts_out, 1U)),
      epoll_(std::move(epoll)),
      pool_(config.frames, stack::buffer_size(config.stack)),
      ports_(devices.size()),
      stack_(config.stack, pool_) {
  if (config.recorder != nullptr) stack_.record(config.recorder);
  // Packets begin at the same place in their buffers on every interface.
  for (size_t i = 0; i < devices.size(); ++i) {
    const bool ethernet = devices[i]->link() == device::Link::Ethernet;
    ports_[i].limit = {.headroom = config.stack.frame_headroom - (ethernet ? kEthernetHeader : 0),
                       .octets = config.burst_octets};
    ports_[i].device = std::move(devices[i]);
  }
}

Shard::~Shard() = default;

Instant Shard::read_clock() {
  const auto since = std::chrono::steady_clock::now() - began_;
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

Instant Shard::now() {
  if (!in_turn_) {
    now_ = read_clock();
    in_turn_ = true;
  }
  return now_;
}

std::chrono::steady_clock::time_point Shard::to_steady(Instant t) const {
  return began_ + std::chrono::nanoseconds(t.ns);
}

bool Shard::turn(EventSink& sink) {
  take();
  deliver(sink);
  return flush();
}

void Shard::take() {
  ++counters_.turns;
  now_ = read_clock();
  in_turn_ = true;
  (void)pool_.prepare(kTouchPerTurn);
  const std::span<Frame> burst = std::span(burst_in_).first(burst_);
  more_to_take_ = false;
  for (size_t i = 0; i < ports_.size(); ++i) {
    const size_t n = ports_[i].device->receive(pool_, burst, ports_[i].limit);
    more_to_take_ = more_to_take_ || n == burst.size();
    if (n > 0) stack_.receive(burst.first(n), now_, static_cast<uint16_t>(i));
  }
  for (int i = 0; i < kExpiriesPerTurn && stack_.is_due(now_); ++i) stack_.expire(now_);
}

void Shard::deliver(EventSink& sink) {
  tcp::Occurrence event;
  while (stack_.next_event(event)) sink.on_event(event);
}

// Gives what waits to the devices; true when nothing waits any more.
bool Shard::send_waiting() {
  bool clear = true;
  for (Port& port : ports_) {
    if (port.first == port.end) continue;
    port.first +=
        port.device->send(std::span(port.waiting).subspan(port.first, port.end - port.first));
    if (port.first == port.end) {
      port.first = port.end = 0;
    } else {
      clear = false;
    }
  }
  return clear;
}

// Takes frames from the stack until a port has a burst; false when the stack had none. Only when
// nothing waits.
bool Shard::fill_waiting() {
  bool any = false;
  for (bool room = true; room;) {
    uint16_t interface = 0;
    Frame frame = stack_.next_frame(interface);
    if (!frame) break;
    Port& port = ports_.at(interface);
    port.waiting.at(port.end++) = std::move(frame);
    room = port.end < burst_;
    any = true;
  }
  return any;
}

bool Shard::flush() {
  bool clear = send_waiting();
  bool more = clear;
  for (uint32_t i = 0; i < bursts_out_ && clear && more; ++i) {
    more = fill_waiting();
    clear = !more || send_waiting();
  }
  if (!clear) {
    ++counters_.blocked;
    more = false;  // writability will tell
  }
  in_turn_ = false;
  watch();
  return more || more_to_take_ || stack_.next_deadline() <= now_;
}

bool Shard::lost_a_device() const {
  return std::ranges::any_of(ports_, [](const Port& port) { return port.device->gone(); });
}

void Shard::watch() {
  for (Port& port : ports_) watch(port);
}

// Keeps the epoll set in step with what the device can still do for us.
void Shard::watch(Port& port) {
  if (port.device->fd() < 0) return;
  uint32_t wanted = EPOLLIN;
  if (port.first < port.end) wanted |= EPOLLOUT;
  if (port.device->gone()) wanted = 0;  // else its EPOLLERR would wake us for ever
  if (wanted == port.watched) return;
  epoll_event event{};
  event.events = wanted;
  const int how = wanted == 0 ? EPOLL_CTL_DEL : port.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), how, port.device->fd(), &event) == 0) port.watched = wanted;
}

void Shard::wait(Instant until) {
  const Instant wake = std::min(until, deadline());
  timespec timeout{};
  const Duration left = wake - read_clock();
  if (left.ns > 0 && wake != kNever) {
    timeout.tv_sec = left.to_s();
    timeout.tv_nsec = left.ns % 1'000'000'000;
  }
  pollfd ready{epoll_.get(), POLLIN, 0};
  (void)::ppoll(&ready, 1, wake == kNever ? nullptr : &timeout, nullptr);
}

}  // namespace rapport::shard
