// Task: laziness, values, exceptions, destruction. Host's queue without any stack.
#include "rapport/socket/coroutine/task.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/socket/coroutine/waiting.hh"

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::coroutine {
namespace {

struct Note {
  explicit Note(std::string& to, char what) : to_note(&to), noted(what) {}

  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;

  ~Note() { *to_note += noted; }

  std::string* to_note;
  char noted;
};

Task<int> gives(int value) {
  co_return value;
}

Task<std::unique_ptr<int>> gives_a_move_only_value() {
  co_return std::make_unique<int>(7);
}

Task<int> throws() {
  throw std::runtime_error("told");
  co_return 0;
}

Task<> adds(int& sum) {
  auto three = gives(3);
  sum += co_await three;
  auto pointer = gives_a_move_only_value();
  const auto seven = co_await pointer;
  sum += *seven;
}

TEST(Task, IsLazyAndGivesItsValue) {
  Host host;
  int sum = 0;
  host.spawn(adds(sum));
  EXPECT_EQ(sum, 0);
  EXPECT_EQ(host.running(), 1U);
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(sum, 10);
  EXPECT_EQ(host.running(), 0U);
  EXPECT_FALSE(host.run_ready());
}

Task<> catches(std::string& what) {
  auto bad = throws();
  try {
    (void)co_await bad;
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
}

Task<> does_not_catch() {
  auto bad = throws();
  (void)co_await bad;
}

TEST(Task, ExceptionsReachTheAwaiterAndAtLastTheDriver) {
  Host host;
  std::string what;
  host.spawn(catches(what));
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(what, "told");
  host.spawn(does_not_catch());
  EXPECT_THROW(host.run_ready(), std::runtime_error);
  EXPECT_EQ(host.running(), 0U);
}

// NOLINTNEXTLINE(misc-no-recursion): the chain is what is tested
Task<int> counts_down(int n) {
  if (n == 0) co_return 0;
  auto rest = counts_down(n - 1);
  co_return 1 + co_await rest;
}

Task<> counts(int n, int& result) {
  auto down = counts_down(n);
  result = co_await down;
}

TEST(Task, DeepChainsResumeOneAnother) {
  Host host;
  int result = 0;
  host.spawn(counts(1000, result));
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(result, 1000);
}

Task<> sleeps(Host& host, Duration time, std::string& log, char who) {
  const Note note(log, who);
  auto sleeping = host.sleep(time);
  co_await sleeping;
  log += '.';
}

TEST(Host, WakesSleepersInOrderOfTimeThenOfArrival) {
  Host host;
  std::string log;
  host.spawn(sleeps(host, 20_ms, log, 'c'));
  host.spawn(sleeps(host, 10_ms, log, 'a'));
  host.spawn(sleeps(host, 10_ms, log, 'b'));
  EXPECT_TRUE(host.turn(Instant{}));
  EXPECT_EQ(host.next_deadline(), Instant{} + 10_ms);
  EXPECT_FALSE(host.turn(Instant{} + 9_ms));
  EXPECT_TRUE(host.turn(Instant{} + 10_ms));
  EXPECT_EQ(log, ".a.b");
  EXPECT_TRUE(host.turn(Instant{} + 1_s));
  EXPECT_EQ(log, ".a.b.c");
  EXPECT_EQ(host.next_deadline(), kNever);
}

TEST(Host, KillDestroysWhatWaits) {
  Host host;
  std::string log;
  host.spawn(sleeps(host, 10_ms, log, 'a'));
  host.spawn(sleeps(host, 10_ms, log, 'b'));
  EXPECT_TRUE(host.turn(Instant{}));
  host.kill();
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(host.running(), 0U);
  EXPECT_EQ(host.next_deadline(), kNever);
}

Task<> passes(Host& host, Gate& gate, Duration limit, std::vector<std::string>& log) {
  auto waiting = with_timeout(host, limit, gate.wait(host));
  const auto result = co_await waiting;
  log.push_back(result ? "through" : std::string(name(result.error())));
}

TEST(Gate, LetsThroughOrTimesOut) {
  Host host;
  Gate gate;
  std::vector<std::string> log;
  host.spawn(passes(host, gate, 5_ms, log));
  host.spawn(passes(host, gate, 50_ms, log));
  EXPECT_TRUE(host.turn(Instant{}));
  EXPECT_TRUE(host.turn(Instant{} + 5_ms));
  EXPECT_EQ(log, std::vector<std::string>{std::string(name(Error::TimedOut))});
  gate.open();
  EXPECT_TRUE(host.turn(Instant{} + 6_ms));
  host.spawn(passes(host, gate, 5_ms, log));
  EXPECT_TRUE(host.turn(Instant{} + 6_ms));
  EXPECT_EQ(log.size(), 3U);
  EXPECT_EQ(log[2], "through");
  EXPECT_EQ(host.next_deadline(), kNever);
}

TEST(Gate, CancelledOperationsAnswerAborted) {
  Host host;
  Gate gate;
  std::string result;
  auto waiting = gate.wait(host);
  const auto waits = [](GateOperation& op, std::string& to) -> Task<> {
    const auto answer = co_await op;
    to = answer ? "through" : name(answer.error());
  };
  host.spawn(waits(waiting, result));
  EXPECT_TRUE(host.run_ready());
  waiting.cancel();
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(result, name(Error::Aborted));
}

Task<std::expected<int, Error>> works(Host& host, Duration time, std::string& log) {
  const Note note(log, 'x');
  auto sleeping = host.sleep(time);
  co_await sleeping;
  log += 'd';
  co_return 5;
}

Task<std::expected<int, Error>> works_without_waiting() {
  co_return 6;
}

Task<> limits(Host& host, Duration time, std::string& log, std::expected<int, Error>& result) {
  auto limited = with_timeout(host, 10_ms, works(host, time, log));
  result = co_await limited;
}

TEST(TimedTask, EndsOrIsDestroyed) {
  Host host;
  std::string log;
  std::expected<int, Error> in_time = 0;
  std::expected<int, Error> too_late = 0;
  host.spawn(limits(host, 5_ms, log, in_time));
  EXPECT_TRUE(host.turn(Instant{}));
  EXPECT_TRUE(host.turn(Instant{} + 5_ms));
  EXPECT_EQ(in_time, 5);
  EXPECT_EQ(log, "dx");
  EXPECT_EQ(host.next_deadline(), kNever);
  host.spawn(limits(host, 50_ms, log, too_late));
  EXPECT_TRUE(host.turn(Instant{} + 10_ms));
  EXPECT_TRUE(host.turn(Instant{} + 20_ms));
  EXPECT_EQ(too_late, std::unexpected(Error::TimedOut));
  EXPECT_EQ(log, "dxx");
  EXPECT_EQ(host.running(), 0U);
  EXPECT_EQ(host.next_deadline(), kNever);
}

Task<> limits_what_never_waits(Host& host, std::expected<int, Error>& result) {
  auto limited = with_timeout(host, 10_ms, works_without_waiting());
  result = co_await limited;
}

TEST(TimedTask, NeedsNoTimeAtAll) {
  Host host;
  std::expected<int, Error> result = 0;
  host.spawn(limits_what_never_waits(host, result));
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(result, 6);
  EXPECT_EQ(host.next_deadline(), kNever);
}

TEST(Host, WithoutAStackEveryOperationIsAborted) {
  Host host;
  const auto listener = host.listen(80);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), Error::Aborted);
  Error error = Error::WouldBlock;
  const auto connects = [](Host& h, Error& e) -> Task<> {
    auto connecting = h.connect({IpAddress::v4(10, 0, 0, 2), 80});
    const auto stream = co_await connecting;
    if (!stream) e = stream.error();
  };
  host.spawn(connects(host, error));
  EXPECT_TRUE(host.run_ready());
  EXPECT_EQ(error, Error::Aborted);
}

}  // namespace
}  // namespace rapport::coroutine
