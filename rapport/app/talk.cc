// The two directions are coroutines of one loop; the first failure ends both.
#include "rapport/app/talk.hh"

#include "rapport/app/device_options.hh"
#include "rapport/app/pipe_ends.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/stream.hh"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{5};  // for the peer to acknowledge our FIN
constexpr int kInterrupted = 130;             // 128 + SIGINT, as shells count
constexpr uint64_t kLongestWait = 86400;      // seconds
constexpr size_t kReadAtOnce = 256 << 10;

// What the two directions of a conversation know of each other.
struct Conversation {
  asio::Stream& stream;
  Input& input;
  Output& output;
  Until until;
  net::steady_timer over;  // cancelled when a direction ends
  int directions = 0;      // under way
  std::string trouble;     // the first; empty: none

  void fail(std::string why) {
    if (trouble.empty()) trouble = std::move(why);
    input.cancel();
    stream.cancel();
  }

  // What the connection itself knows is more than an error's name.
  void fail(const error_code& ec) {
    const std::string_view why = sentence(stream.reason());
    fail(why.empty() ? ec.message() : std::string(why));
  }
};

net::awaitable<void> send_input(Conversation& c) {
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  while (!ec) {
    const auto octets = co_await c.input.next();
    if (!octets) {
      if (octets.error() != net::error::operation_aborted) {
        c.fail("standard input: " + octets.error().message());
      }
      break;
    }
    if (octets->empty()) break;
    const net::const_buffer buffer(octets->data(), octets->size());
    (void)co_await net::async_write(c.stream, buffer, token);
  }
  if (ec == net::error::operation_aborted || !c.trouble.empty()) co_return;
  if (!ec) ec = c.stream.shutdown();
  if (ec) c.fail(ec);
}

net::awaitable<void> print_answers(Conversation& c) {
  std::vector<uint8_t> buffer(kReadAtOnce);
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  for (;;) {
    const size_t n = co_await c.stream.async_read_some(net::buffer(buffer), token);
    if (ec) break;
    if (const error_code failed = co_await c.output.write(std::span(buffer).first(n))) {
      c.fail("standard output: " + failed.message());
      co_return;
    }
  }
  if (ec == net::error::eof) {
    if (c.until == Until::PeerEnded) c.input.cancel();
  } else if (ec != net::error::operation_aborted) {
    c.fail(ec);
  }
}

net::awaitable<void> run_both(Conversation& c) {
  const auto executor = co_await net::this_coro::executor;
  const auto ended = [&c](const std::exception_ptr& thrown) {
    if (thrown) c.fail("out of memory");
    --c.directions;
    c.over.cancel();
  };
  c.directions = 2;
  net::co_spawn(executor, send_input(c), ended);
  net::co_spawn(executor, print_answers(c), ended);
  while (c.directions > 0) {
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    c.over.expires_at(net::steady_timer::time_point::max());
    co_await c.over.async_wait(token);
  }
}

struct Sentence {
  CloseReason reason;
  std::string_view text;
};

constexpr std::array kSentences{
    Sentence{CloseReason::Refused, "refused: the peer's TCP answered our SYN with a reset"},
    Sentence{CloseReason::ResetByPeer, "reset by the peer"},
    Sentence{CloseReason::TimedOut,
             "timed out: the peer stopped acknowledging, and retransmission gave up"},
    Sentence{CloseReason::HandshakeTimedOut, "timed out: nobody answered our SYN"},
    Sentence{CloseReason::Unreachable, "unreachable: ICMP answered our SYN"},
    Sentence{CloseReason::UserTimedOut, "timed out: the user timeout passed"},
    Sentence{CloseReason::KeepAliveTimedOut, "timed out: no keep-alive probe was answered"},
    Sentence{CloseReason::AbortedByUs, "aborted by this side"},
    Sentence{CloseReason::Drained, "still open when the patience was over: reset"},
    Sentence{CloseReason::Evicted, "evicted: a table was full"},
};

}  // namespace

void add_talk_options(CLI::App& verb, TalkOptions& into, const TalkHelp& help) {
  verb.add_flag("-v,--verbose", into.verbose, help.verbose);
  verb.add_flag("--udp", into.udp, help.udp);
  verb.add_option("--wait", into.wait,
                  "With --udp: seconds of silence after the end of input that end it")
      ->capture_default_str();
  add_device_options(verb, into.device);
  verb.footer(fmt::format(
      "Needs CAP_NET_ADMIN and /dev/net/tun. The end of input is a half close: a FIN; what the "
      "peer still says\nis printed. The exit status is 0 when both sides have finished and all is "
      "acknowledged, 1 when the\nconnection was {}, 130 after SIGINT.",
      help.bad_end));
}

std::chrono::seconds wait_of(const TalkOptions& options) {
  return std::chrono::seconds(whole_number("--wait", options.wait, 0, kLongestWait));
}

std::string_view sentence(CloseReason reason) {
  const auto* const found = std::ranges::find(kSentences, reason, &Sentence::reason);
  return found == kSentences.end() ? std::string_view() : found->text;
}

net::awaitable<void> converse(asio::Stream& stream, Input& input, Output& output, Until until) {
  Conversation c{stream, input, output, until, net::steady_timer(stream.get_executor()), 0, {}};
  co_await run_both(c);
  if (c.trouble.empty()) {  // the last of what was sent may still be on its way
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await stream.async_wait_end(token);
    if (!ec || ec == net::error::operation_aborted) {
      stream.close();
      co_return;
    }
    c.fail(ec);
  }
  stream.abort();
  throw Failure(c.trouble);
}

int run_to_end(Network& network, Standard& standard, net::awaitable<void> program) {
  std::exception_ptr thrown;
  std::optional<int> status;
  bool draining = false;
  const auto finish = [&](int s) {
    if (!status) status = s;
    network.io().stop();
  };
  const auto drain = [&](int s) {
    if (std::exchange(draining, true)) return;
    network.context().async_drain(kPatience, [&finish, s](const error_code&, bool) { finish(s); });
  };
  standard.signals.async_wait([&](const error_code& failed, int) {
    if (failed) return;
    standard.input.cancel();
    drain(kInterrupted);
    standard.signals.async_wait([&](const error_code& again, int) {
      if (!again) finish(kInterrupted);
    });
  });
  network.context().on_device_gone([&] {
    thrown = std::make_exception_ptr(Failure("the interface has been deleted"));
    finish(1);
  });
  net::co_spawn(network.io(), std::move(program), [&](const std::exception_ptr& e) {
    if (e && !draining) thrown = e;
    drain(0);
  });
  network.io().run();
  if (thrown) std::rethrow_exception(thrown);
  return status.value_or(0);
}

void say(std::string_view verb, std::string_view line) {
  fmt::print(stderr, "rapport {}: {}\n", verb, line);
}

}  // namespace rapport::app
