// `rapport listen`: waits for a peer; then as `rapport connect`.
#include "rapport/app/device_options.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/talk_udp.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/datagram.hh"
#include "rapport/socket/asio/stream.hh"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

struct Arguments {
  std::string port;
  bool keep = false;
  std::string backlog = kUsualBacklog;
  TalkOptions talk;
};

// One peer. With --keep it is told who comes and goes, and a bad end is not ours.
net::awaitable<void> serve_one(asio::Stream stream, Standard& standard, const Arguments& a) {
  const std::string peer = to_string(stream.remote_endpoint());
  if (a.talk.verbose || a.keep) say("listen", fmt::format("connection from {}", peer));
  const Until until = a.keep ? Until::PeerEnded : Until::BothEnded;
  try {
    co_await converse(stream, standard.input, standard.output, until);
    if (a.keep) say("listen", fmt::format("{}: closed", peer));
  } catch (const Failure& e) {
    const std::string why = fmt::format("{}: {}", peer, e.what());
    if (!a.keep || standard.output.broken()) throw Failure(why);
    say("listen", why);
  }
}

net::awaitable<void> serve(asio::Acceptor& acceptor, Standard& standard, const Arguments& a) {
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  do {
    asio::Stream stream = co_await acceptor.async_accept(token);
    if (ec) co_return;
    if (!a.keep) acceptor.close();
    co_await serve_one(std::move(stream), standard, a);
  } while (a.keep);
}

void say_where(const Network& network, uint16_t port, std::string_view what) {
  std::string where;
  for (const Cidr& own : network.plan().own) {
    where += (where.empty() ? "" : ", ") + to_string(Endpoint{own.address, port});
  }
  say("listen", fmt::format("listening {}at {} behind {}", what, where, network.plan().name));
}

Misuse cannot_listen(uint16_t port, const error_code& why) {
  return Misuse(fmt::format("PORT {}: cannot listen: {}", port, why.message()));
}

int listen_for_datagrams(Network& network, Standard& standard, uint16_t port, Exchange how) {
  asio::Datagram socket(network.context());
  if (const error_code failed = socket.open({{}, port})) throw cannot_listen(port, failed);
  bool v6 = false;
  for (const Cidr& own : network.plan().own) v6 = v6 || !own.address.is_v4();
  how.largest = largest_datagram(network.plan().mtu, v6 ? IpAddress{} : IpAddress::v4(0));
  say_where(network, port, "for datagrams ");
  return run_to_end(network, standard, exchange(socket, standard.input, standard.output, how));
}

int listen(const Arguments& a) {
  const auto port = static_cast<uint16_t>(whole_number("PORT", a.port, 1, UINT16_MAX));
  const uint32_t backlog = backlog_of(a.backlog);
  Exchange how;
  how.keep = a.keep;
  how.silence = wait_of(a.talk);
  Network network(plan_of(a.talk.device));
  Standard standard(network.io());
  if (a.talk.udp) return listen_for_datagrams(network, standard, port, how);
  asio::Acceptor acceptor(network.context());
  if (const error_code failed = acceptor.listen({{}, port}, backlog))
    throw cannot_listen(port, failed);
  say_where(network, port, "");
  return run_to_end(network, standard, serve(acceptor, standard, a));
}

}  // namespace

void add_listen(CLI::App& program, int& status) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "listen",
      "Wait for a peer: standard input goes there, what it says goes to standard output.");
  verb->add_option("PORT", a->port, "1 to 65535")->required();
  verb->add_flag("--keep", a->keep,
                 "Serve one peer after the other, each until it has finished; who comes meanwhile "
                 "waits");
  add_backlog_option(*verb, a->backlog);
  add_talk_options(*verb, a->talk,
                   {.verbose = "Say on standard error who comes; --keep does too",
                    .udp = "Datagrams: each read of standard input is one, to whoever spoke first, "
                           "with\n--keep last",
                    .bad_end = "reset or timed out"});
  verb->callback([a, &status] {
    ignore_broken_pipes();
    status = listen(*a);
  });
}

}  // namespace rapport::app
