// Two coroutines: one sends, as soon as there is a peer, one prints. The first failure ends both.
#include "rapport/app/talk_udp.hh"

#include "rapport/app/pipe_ends.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/datagram.hh"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr size_t kLargest = 65536;

struct Talk {
  asio::Datagram& socket;
  Input& input;
  Output& output;
  const Exchange& how;
  Endpoint peer;
  net::steady_timer silence;
  net::steady_timer over;  // cancelled when a direction ends
  Clock::time_point last_heard;
  int directions = 0;
  std::string trouble;  // the first; empty: none

  void fail(std::string why) {
    if (trouble.empty()) trouble = std::move(why);
    input.cancel();
    socket.cancel();
    silence.cancel();
  }

  void fail(const error_code& ec) {
    if (ec == net::error::operation_aborted) return;  // whoever aborted it knows why
    const std::string who = to_string(peer);
    fail(ec == net::error::connection_refused
             ? fmt::format("{}: nobody has that port (ICMP port unreachable)", who)
             : fmt::format("{}: {}", who, ec.message()));
  }

  void spawn(net::awaitable<void> direction) {
    ++directions;
    net::co_spawn(socket.get_executor(), std::move(direction),
                  [this](const std::exception_ptr& thrown) {
                    if (thrown) fail("out of memory");
                    --directions;
                    over.cancel();
                  });
  }
};

// Ends the receiving direction when nobody has spoken for long enough.
net::awaitable<void> wait_for_silence(Talk& t) {
  while (t.trouble.empty()) {
    const Clock::time_point end = t.last_heard + t.how.silence;
    if (Clock::now() >= end) break;
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    t.silence.expires_at(end);
    co_await t.silence.async_wait(token);
  }
  t.socket.cancel();
}

net::awaitable<void> send_input(Talk& t) {
  for (;;) {
    const auto octets = co_await t.input.next(t.how.largest);
    if (!octets && octets.error() != net::error::operation_aborted) {
      t.fail("standard input: " + octets.error().message());
    }
    if (!octets) co_return;
    if (octets->empty()) break;
    const net::const_buffer buffer(octets->data(), octets->size());
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    (void)co_await t.socket.async_send_to(buffer, t.peer, token);
    if (ec) co_return t.fail(ec);
  }
  if (t.how.keep) co_return;
  t.last_heard = std::max(t.last_heard, Clock::now());
  co_await wait_for_silence(t);
}

// Whoever speaks first, or last with --keep, is whom the input goes to.
void note_peer(Talk& t, const Endpoint& from) {
  t.last_heard = Clock::now();
  const bool first = t.peer == Endpoint{};
  if (!first && !t.how.keep) return;
  t.peer = from;
  if (!first) return;
  if (!t.how.keep) (void)t.socket.connect(from);
  t.spawn(send_input(t));
}

net::awaitable<void> print_answers(Talk& t) {
  std::vector<uint8_t> buffer(kLargest);
  for (;;) {
    Endpoint from;
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    const size_t n = co_await t.socket.async_receive_from(net::buffer(buffer), from, token);
    if (ec) co_return t.fail(ec);
    note_peer(t, from);
    if (const error_code failed = co_await t.output.write(std::span(buffer).first(n))) {
      co_return t.fail("standard output: " + failed.message());
    }
  }
}

}  // namespace

net::awaitable<void> exchange(asio::Datagram& socket, Input& input, Output& output,
                              const Exchange& how) {
  const auto executor = socket.get_executor();
  Talk t{socket,
         input,
         output,
         how,
         how.peer,
         net::steady_timer(executor),
         net::steady_timer(executor),
         Clock::now(),
         0,
         {}};
  t.spawn(print_answers(t));
  if (t.peer != Endpoint{}) t.spawn(send_input(t));
  while (t.directions > 0) {
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    t.over.expires_at(net::steady_timer::time_point::max());
    co_await t.over.async_wait(token);
  }
  if (!t.trouble.empty()) throw Failure(t.trouble);
}

}  // namespace rapport::app
