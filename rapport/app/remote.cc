// Looking a host up, and looking at a connection that is being opened.
#include "rapport/app/remote.hh"

#include "rapport/app/device_options.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/observe/names.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <chrono>
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

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kLook{100};

std::string words_of(wire::IcmpKind kind) {
  std::string words(observe::name(kind));
  std::ranges::replace(words, '-', ' ');
  return words;
}

// What whoever opens and whoever looks on share.
struct Opening {
  const asio::Stream* stream;  // nullptr: it is over
  std::string verb, who, soft_error;
  net::steady_timer timer;
};

net::awaitable<void> look_on(std::shared_ptr<Opening> o) {
  while (o->stream != nullptr && o->soft_error.empty()) {
    const auto status = o->stream->status();
    if (status && status->soft_error != wire::IcmpKind::Unknown) {
      o->soft_error = words_of(status->soft_error);
      say(o->verb, fmt::format("{}: {}, still trying", o->who, o->soft_error));
    }
    o->timer.expires_after(kLook);
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    co_await o->timer.async_wait(token);
  }
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

net::awaitable<Opened> open_to(asio::Stream& stream, const asio::ResolverResults& to,
                               std::string_view verb, std::string who) {
  const auto executor = co_await net::this_coro::executor;
  const auto o = std::make_shared<Opening>(&stream, std::string(verb), std::move(who),
                                           std::string(), net::steady_timer(executor));
  net::co_spawn(executor, look_on(o), net::detached);
  Opened out;
  auto token = net::redirect_error(net::use_awaitable, out.error);
  out.remote = co_await stream.async_connect(to, token);
  o->stream = nullptr;
  o->timer.cancel();
  out.soft_error = o->soft_error;
  co_return out;
}

}  // namespace rapport::app
