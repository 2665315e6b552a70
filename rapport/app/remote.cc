// Looking a host up, and looking at a connection that is being opened.
#include "rapport/app/remote.hh"

#include "rapport/app/device_options.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/observe/names.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{100};
constexpr seconds kFirstWords{2};

std::string words_of(wire::IcmpKind kind) {
  std::string words(observe::name(kind));
  std::ranges::replace(words, '-', ' ');
  return words;
}

// What whoever opens and whoever looks on share.
struct Look {
  const asio::Stream* stream;  // nullptr: it is over
  Opening opening;
  net::steady_timer timer;
  std::string soft_error;
  seconds told_at{0};  // of waiting
};

// After 2 s, and whenever it has lasted twice as long: SYNs come at longer intervals, too.
void tell_waiting(Look& look, const tcp::Status& status, steady_clock::duration waited) {
  const seconds next = look.told_at == seconds(0) ? kFirstWords : 2 * look.told_at;
  if (!look.opening.watched || waited < next) return;
  look.told_at = next;
  const uint32_t syns = status.retransmissions + 1;
  say(look.opening.verb,
      fmt::format("{}: waiting for {}: {} SYN{} sent, no answer in {} s", look.opening.who,
                  to_string(status.remote), syns, syns == 1 ? "" : "s", next.count()));
}

net::awaitable<void> look_on(std::shared_ptr<Look> look) {
  const auto began = steady_clock::now();
  while (look->stream != nullptr) {
    const auto status = look->stream->status();
    const bool opens = status && status->state == tcp::State::SynSent;
    if (opens && look->soft_error.empty() && status->soft_error != wire::IcmpKind::Unknown) {
      look->soft_error = words_of(status->soft_error);
      say(look->opening.verb,
          fmt::format("{}: {}, still trying", look->opening.who, look->soft_error));
    }
    if (opens) tell_waiting(*look, *status, steady_clock::now() - began);
    look->timer.expires_after(kLook);
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    co_await look->timer.async_wait(token);
  }
}

// Why nobody behind the interface can have this address; empty: somebody may.
std::string_view why_no_peer(const IpAddress& a, const DevicePlan& plan) {
  const auto is_broadcast = [&](const Cidr& own) { return own.broadcast() == a; };
  if (a.is_loopback()) return "a loopback address, which never leaves a host (RFC 1122 3.2.1.3)";
  if (a.is_unspecified()) return "the unspecified address, which nobody has";
  if (a.is_multicast()) return "a multicast group, and no host";
  if (!a.may_be_a_host()) return "a reserved or broadcast address, which no host has";
  if (a.is_v4() && std::ranges::any_of(plan.own, is_broadcast)) {
    return "the broadcast address of the network, and no host";
  }
  const bool is_own = std::ranges::find(plan.own, a, &Cidr::address) != plan.own.end();
  return is_own ? "the stack's own address (--address)" : "";
}

// R1122-9, MUST-46: keeps whom an interface can lead to. Throws Misuse when nobody is left.
void keep_peers(asio::ResolverResults& found, std::string_view host, const DevicePlan& plan) {
  const IpAddress first = found.front().endpoint().address;
  std::erase_if(found, [&](const asio::ResolverEntry& e) {
    return !why_no_peer(e.endpoint().address, plan).empty();
  });
  if (!found.empty()) return;
  const std::string text = to_string(first);
  const bool is_own = std::ranges::find(plan.own, first, &Cidr::address) != plan.own.end();
  throw Misuse(fmt::format("{}{} is {}: a host behind {} is needed, such as {}{}", host,
                           host == text ? "" : " (" + text + ")", why_no_peer(first, plan),
                           plan.name, to_string(plan.host.front().address),
                           is_own ? "; beside another rapport this one needs its own --tun and "
                                    "--address"
                                  : ""));
}

}  // namespace

asio::ResolverResults remotes_of(std::string_view host, std::string_view port,
                                 std::string_view protocol, const DevicePlan& plan) {
  auto found = asio::resolve(host, port, protocol);
  const bool no_port = found ? !found->empty() && found->front().endpoint().port == 0
                             : found.error() == net::error::service_not_found;
  if (no_port) {
    throw Misuse(fmt::format("PORT {}: 1 to 65535, or a name of /etc/services", port));
  }
  if (!found) {
    throw Misuse(fmt::format(
        "host not found: '{}' is no address and no name of /etc/hosts (other names are not looked "
        "up yet)",
        host));
  }
  keep_peers(*found, host, plan);
  const bool only_v6 = std::ranges::none_of(
      *found, [](const asio::ResolverEntry& e) { return e.endpoint().address.is_v4(); });
  std::erase_if(*found, [&](const asio::ResolverEntry& e) {
    return std::ranges::none_of(plan.own, [&](const Cidr& own) {
      return own.address.is_v4() == e.endpoint().address.is_v4();
    });
  });
  if (found->empty()) {
    throw Misuse(
        fmt::format("{} has no address of IPv{}, which '{}' needs: give one with --address",
                    plan.name, only_v6 ? 6 : 4, host));
  }
  return std::move(*found);
}

bool is_watched(bool verbose) {
  return verbose || ::isatty(STDERR_FILENO) == 1;
}

net::awaitable<Opened> open_to(asio::Stream& stream, const asio::ResolverResults& to,
                               const Opening& opening) {
  const auto executor = co_await net::this_coro::executor;
  const auto look =
      std::make_shared<Look>(&stream, opening, net::steady_timer(executor), std::string());
  net::co_spawn(executor, look_on(look), net::detached);
  Opened out;
  auto token = net::redirect_error(net::use_awaitable, out.error);
  out.remote = co_await stream.async_connect(to, token);
  look->stream = nullptr;
  look->timer.cancel();
  out.soft_error = look->soft_error;
  co_return out;
}

}  // namespace rapport::app
