// Packets pass through two heaps in the order of their release. See fault.hh.
#include "rapport/device/fault.hh"

#include "rapport/base/faults.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <sys/epoll.h>
#include <sys/timerfd.h>

namespace rapport::device {
namespace {

constexpr size_t kBatch = 32;
constexpr int kBatchesPerCall = 16;
constexpr uint32_t kCopies = 256, kLargestCopy = 66 << 10;

// Of CLOCK_MONOTONIC, as the timer takes it.
Instant read_clock() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

Frame copy_of(const Frame& frame, FramePool& pool) {
  if (frame.headroom() + frame.size() > pool.buffer_size()) return {};
  Frame copy = pool.allocate(frame.headroom());
  if (!copy) return copy;
  copy.reshape(frame.headroom(), frame.size());
  std::memcpy(copy.data(), frame.data(), frame.size());
  copy.serial = frame.serial;
  return copy;
}

constexpr auto by_release = [](const auto& held) { return std::pair(held.due, held.order); };

}  // namespace

std::expected<std::unique_ptr<Fault>, int> Fault::make(std::unique_ptr<Device> inner,
                                                       const FaultSettings& settings) {
  std::unique_ptr<Fault> fault(new Fault(std::move(inner), settings));
  fault->epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!fault->epoll_) return std::unexpected(errno);
  fault->timer_ = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fault->timer_) return std::unexpected(errno);
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(fault->epoll_.get(), EPOLL_CTL_ADD, fault->timer_.get(), &event) != 0) {
    return std::unexpected(errno);
  }
  fault->watch();
  return fault;
}

Fault::Fault(std::unique_ptr<Device> inner, const FaultSettings& settings)
    : inner_(std::move(inner)),
      in_(settings.in, settings.seed),
      out_(settings.out, ~settings.seed) {
  if (settings.out.duplicate_ppm > 0 || !settings.out.script.empty()) {
    copies_.emplace(kCopies, kLargestCopy);
  }
}

void Fault::hold(Way& way, Held held) {
  if (way.held.size() == kMostHeld) {
    ++overflows_;
    return;
  }
  way.held.push_back(std::move(held));
  std::ranges::push_heap(way.held, std::greater{}, by_release);
}

Fault::Held Fault::release(Way& way) {
  std::ranges::pop_heap(way.held, std::greater{}, by_release);
  Held held = std::move(way.held.back());
  way.held.pop_back();
  return held;
}

// `pool`: where a second copy comes from; without room there it is left out.
void Fault::take(Way& way, Frame frame, Instant now, FramePool* pool) {
  const Verdict verdict = way.faults.decide(frame.size());
  if (verdict.lost()) return;
  verdict.damage(frame.bytes());
  Frame copy;
  if (verdict.copies == 2 && pool != nullptr) copy = copy_of(frame, *pool);
  hold(way, {now + verdict.delay[0], way.taken++, std::move(frame)});
  if (copy) hold(way, {now + verdict.delay[1], way.taken++, std::move(copy)});
}

size_t Fault::receive(FramePool& pool, std::span<Frame> into, const BurstLimit& limit) {
  const Instant now = read_clock();
  std::array<Frame, kBatch> batch;
  size_t got = kBatch;
  for (int i = 0; i < kBatchesPerCall && got == kBatch; ++i) {
    got = inner_->receive(pool, batch, limit);
    for (Frame& frame : std::span(batch).first(got)) take(in_, std::move(frame), now, &pool);
  }
  size_t n = 0;
  size_t octets = 0;
  while (n < into.size() && octets < limit.octets && in_.next() <= now) {
    into[n] = release(in_).frame;
    octets += into[n++].size();
  }
  send_due(now);
  watch();
  count();
  return n;
}

size_t Fault::send(std::span<Frame> burst) {
  const Instant now = read_clock();
  for (Frame& frame : burst) take(out_, std::move(frame), now, copies_ ? &*copies_ : nullptr);
  send_due(now);
  watch();
  count();
  return burst.size();
}

void Fault::count() {
  counters_ = inner_->counters();
  counters_.lost_by_faults += in()[FaultKind::Lose] + out()[FaultKind::Lose] + overflows_;
}

void Fault::send_due(Instant now) {
  full_ = false;
  while (!full_ && out_.next() <= now) {
    std::array<Held, kBatch> due;
    std::array<Frame, kBatch> batch;
    size_t n = 0;
    for (; n < kBatch && out_.next() <= now; ++n) {
      due.at(n) = release(out_);
      batch.at(n) = std::move(due.at(n).frame);
    }
    const size_t taken = inner_->send(std::span(batch).first(n));
    full_ = taken < n;
    for (size_t i = taken; i < n; ++i) {  // the device was full: back to their places
      due.at(i).frame = std::move(batch.at(i));
      hold(out_, std::move(due.at(i)));
    }
  }
}

// Keeps the descriptor in step with what can happen next.
void Fault::watch() {
  uint32_t wanted = EPOLLIN;
  if (full_) wanted |= EPOLLOUT;
  if (inner_->gone() || inner_->fd() < 0) wanted = 0;  // else its EPOLLERR would wake us for ever
  if (wanted != watched_) {
    epoll_event event{};
    event.events = wanted;
    const int how = wanted == 0 ? EPOLL_CTL_DEL : watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.get(), how, inner_->fd(), &event) == 0) watched_ = wanted;
  }
  const Instant due = std::min(in_.next(), full_ ? kNever : out_.next());
  if (due == armed_) return;
  armed_ = due;
  itimerspec at{};
  if (due != kNever) {
    at.it_value.tv_sec = due.ns / 1'000'000'000;
    at.it_value.tv_nsec = due.ns % 1'000'000'000;
  }
  (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

}  // namespace rapport::device
