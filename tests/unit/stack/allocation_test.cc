// No allocation per segment: with both stacks warm, a bulk transfer and ten
// thousand lifecycles run under a malloc that prints where it was called from and aborts, whoever
// asks in whatever form, and without one more mmap. What a turn touches and visits is bounded, and
// counted.
#include "allocation_watch.hh"
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <execinfo.h>
#include <gtest/gtest.h>
#include <unistd.h>

// Under a sanitizer malloc is its own: there the forms of operator new alone are watched.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RAPPORT_WATCHES_NEW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) \
    || __has_feature(memory_sanitizer)
#define RAPPORT_WATCHES_NEW 1
#endif
#endif

bool rapport::test::armed = false;

namespace {

using rapport::test::armed;

// Prints where memory was asked for while none may be, and ends the program.
void judge() {
  if (!armed) return;
  armed = false;  // telling of it may allocate
  void* frames[32];
  backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
  std::abort();
}

}  // namespace

#ifdef RAPPORT_WATCHES_NEW

namespace {

void* allocate(std::size_t n, std::size_t alignment) noexcept {
  judge();
  void* p = nullptr;
  return posix_memalign(&p, alignment, n == 0 ? 1 : n) == 0 ? p : nullptr;
}

void* allocate_or_throw(std::size_t n, std::size_t alignment) {
  void* p = allocate(n, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

constexpr std::size_t kPlain = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t n) {
  return allocate_or_throw(n, kPlain);
}

void* operator new[](std::size_t n) {
  return allocate_or_throw(n, kPlain);
}

void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}

void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}

void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return allocate(n, kPlain);
}

void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return allocate(n, kPlain);
}

void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}

void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}

void operator delete(void* p) noexcept {
  std::free(p);
}

void operator delete[](void* p) noexcept {
  std::free(p);
}

void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}

void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}

void operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}

void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

#else

// Every form of operator new ends here, too.
extern "C" {

// NOLINTBEGIN: the C library's own names
void* __libc_malloc(std::size_t n);
void* __libc_calloc(std::size_t count, std::size_t n);
void* __libc_realloc(void* p, std::size_t n);
void* __libc_memalign(std::size_t alignment, std::size_t n);

// NOLINTEND

void* malloc(std::size_t n) noexcept {
  judge();
  return __libc_malloc(n);
}

void* calloc(std::size_t count, std::size_t n) noexcept {
  judge();
  return __libc_calloc(count, n);
}

void* realloc(void* p, std::size_t n) noexcept {
  judge();
  return __libc_realloc(p, n);
}

void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  judge();
  return __libc_memalign(alignment, n);
}

void* memalign(std::size_t alignment, std::size_t n) noexcept {
  judge();
  return __libc_memalign(alignment, n);
}

int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  judge();
  *p = __libc_memalign(alignment, n);
  return *p == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#endif

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

struct alignas(64) Wide {
  uint8_t octets[64];
};

// For a compiler that may leave out what nobody uses.
void keep(void* p) {
  asm volatile("" : : "r"(p) : "memory");
}

// Who watches sees every form: else the tests below could not fail.
TEST(AllocationDeathTest, EveryFormIsSeen) {
  testing::FLAGS_gtest_death_test_style = "fast";
  // NOLINTBEGIN(clang-analyzer-*): the process ends within each of them
  const std::vector<std::pair<std::string, std::function<void()>>> forms = {
      {"new", [] { keep(new int(1)); }},
      {"new[]", [] { keep(new int[3]); }},
      {"new, nothrow", [] { keep(new (std::nothrow) int(1)); }},
      {"new[], nothrow", [] { keep(new (std::nothrow) int[3]); }},
      {"new, aligned", [] { keep(new Wide); }},
      {"new[], aligned", [] { keep(new Wide[2]); }},
      {"new, aligned, nothrow", [] { keep(new (std::nothrow) Wide); }},
#ifndef RAPPORT_WATCHES_NEW
      {"malloc", [] { keep(std::malloc(8)); }},
      {"calloc", [] { keep(std::calloc(8, 8)); }},
      {"realloc", [] { keep(std::realloc(nullptr, 8)); }},
      {"aligned_alloc", [] { keep(std::aligned_alloc(64, 64)); }},
      {"posix_memalign",
       [] {
         void* p = nullptr;
         (void)!posix_memalign(&p, 64, 64);
         keep(p);
       }},
      {"the C library's own", [] { keep(std::fopen("/dev/null", "r")); }},
#endif
  };
  // NOLINTEND(clang-analyzer-*)
  for (const auto& [name, form] : forms) {
    EXPECT_DEATH(
        {
          armed = true;
          form();
          armed = false;
        },
        "test_unit_stack")
        << name;
  }
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
