// No allocation per segment (DESIGN 4, Memory): with both stacks warm, a bulk transfer and ten
// thousand lifecycles run under an operator new that prints where it was called from and aborts,
// and without one more mmap. What a turn touches and visits is bounded, and counted.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <execinfo.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

bool armed = false;

void* allocate(std::size_t n) {
  if (armed) {
    void* frames[32];
    backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
    std::abort();
  }
  void* p = std::malloc(n == 0 ? 1 : n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace

void* operator new(std::size_t n) {
  return allocate(n);
}

void* operator new[](std::size_t n) {
  return allocate(n);
}

void operator delete(void* p) noexcept {
  std::free(p);
}

void operator delete[](void* p) noexcept {
  std::free(p);
}

void operator delete(void* p, std::size_t) noexcept {
  std::free(p);  // NOLINT(clang-analyzer-cplusplus.NewDelete): this is how it is deleted
}

void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}

namespace rapport::test {
namespace {

// One connection of many: A connects, each sends an octet, both close.
struct Life {
  Handle client, server;
};

void expect_no_handle_left(Pair& p) {
  tcp::Occurrence o;
  while (p.a.next_event(o)) {
  }
  while (p.b.next_event(o)) {
  }
}

void live_once(Pair& p, Handle listener) {
  const uint8_t octet[1] = {7};
  uint8_t into[8];
  const auto client = p.a.command(
      tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, p.now);
  p.settle();
  const auto server = p.b.command(tcp::Accept{listener}, p.now);
  if (!client || !server) std::abort();
  (void)p.a.command(tcp::Send{*client, octet}, p.now);
  p.settle();
  (void)p.b.command(tcp::Receive{*server, into}, p.now);
  (void)p.b.command(tcp::Send{*server, octet}, p.now);
  p.settle();
  (void)p.a.command(tcp::Receive{*client, into}, p.now);
  (void)p.a.command(tcp::Close{*client}, p.now);
  p.settle();
  (void)p.b.command(tcp::Close{*server}, p.now);
  p.settle();
  expect_no_handle_left(p);
}

TEST(Allocation, TenThousandLifecyclesAllocateAndMapNothing) {
  Pair p(1024);
  const Handle listener =
      *p.b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, p.now);
  live_once(p, listener);
  const uint64_t mappings = Reservation::mappings();
  armed = true;
  for (int i = 0; i < 10'000; ++i) {
    live_once(p, listener);
    p.run_until(p.now + 100_ms);  // 600 TIME-WAITs are alive all through
  }
  armed = false;
  EXPECT_EQ(Reservation::mappings(), mappings);
  EXPECT_EQ(p.a.counters().ended_by(CloseReason::ClosedByUs), 10'001U);
  EXPECT_EQ(p.b.counters().ended_by(CloseReason::ClosedByPeer), 10'001U);
  p.run_until(p.now + 61_s);
  EXPECT_EQ(p.a.population().time_wait, 0U);
  EXPECT_EQ(p.a.population().connections + p.b.population().connections, 0U);
  EXPECT_EQ(p.a.population().blocks + p.b.population().blocks, 0U);
}

TEST(Allocation, BulkTransferAllocatesAndMapsNothing) {
  Pair p(64);
  const Handle listener =
      *p.b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, p.now);
  const auto client = p.a.command(
      tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, p.now);
  p.settle();
  const auto server = p.b.command(tcp::Accept{listener}, p.now);
  std::vector<uint8_t> text(65'536, 42);
  std::vector<uint8_t> into(text.size());
  uint64_t received = 0;
  const auto turn = [&] {
    (void)p.a.command(tcp::Send{*client, text}, p.now);
    p.settle();
    while (const auto n = p.b.command(tcp::Receive{*server, into}, p.now)) received += n->v;
    p.settle();
    p.now += 10_us;
  };
  turn();
  const uint64_t mappings = Reservation::mappings();
  armed = true;
  while (received < 256'000'000) turn();
  armed = false;
  EXPECT_EQ(Reservation::mappings(), mappings);
  EXPECT_EQ(p.a.counters().retransmissions, 0U);
}

TEST(Allocation, ATurnTouchesAtMost64KiBAndVisitsABoundedNumberOfTimers) {
  Pair p(1U << 15);
  const Handle listener = *p.b.command(
      tcp::Listen{.local_address = {}, .port = 80, .remote = {}, .backlog = 1U << 15}, p.now);
  // Twenty thousand handshakes grow every table from nothing; nobody accepts.
  for (uint32_t i = 0; i < 20'000; ++i) {
    const auto c = p.a.command(
        tcp::Connect{.remote = {IpAddress::v4(10, 0, 0, 2), 80}, .local_address = {}}, p.now);
    ASSERT_TRUE(c.has_value()) << i;
    if (i % 16 == 15) p.settle();
  }
  (void)listener;
  p.settle();
  EXPECT_EQ(p.b.population().connections, 20'000U);
  for (const stack::Stack* s : {&p.a, &p.b}) {
    EXPECT_LE(s->counters().most_touched_in_a_turn, 64U * 1024);
    EXPECT_GT(s->counters().most_touched_in_a_turn, 0U);
  }
  // All their timers come due at once; one expire() visits no more than its budget.
  p.now += 3600_s;
  p.a.expire(p.now);
  EXPECT_LE(p.a.counters().most_timers_in_a_turn, 256U);
}

}  // namespace
}  // namespace rapport::test
