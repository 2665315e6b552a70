// `rapport connect`: standard input to a peer, the peer to standard output, over a stack of our own
// behind an interface that exists as long as the program runs.
#include "rapport/app/device_options.hh"
#include "rapport/app/remote.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/talk_udp.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/datagram.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"

#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

struct Arguments {
  std::string host, port;
  TalkOptions talk;
};

net::awaitable<void> talk(Network& network, Standard& standard, const Arguments& a,
                          const asio::ResolverResults& to) {
  asio::Stream stream(network.context());
  const std::string who = fmt::format("{} port {}", a.host, a.port);
  const Opening opening{"connect", who, is_watched(a.talk.verbose)};
  const Opened opened = co_await open_to(stream, to, opening);
  if (opened.error == net::error::operation_aborted) co_return;
  if (opened.error) {
    const std::string_view why = sentence(stream.reason());
    throw Failure(fmt::format("{}: {}{}{}", who, why.empty() ? opened.error.message() : why,
                              opened.soft_error.empty() ? "" : "; ICMP told: ", opened.soft_error));
  }
  if (a.talk.verbose) {
    say("connect", fmt::format("connected to {} from {}", to_string(opened.remote),
                               to_string(stream.local_endpoint())));
  }
  co_await converse(stream, standard.input, standard.output, Until::BothEnded);
}

// UDP opens nothing: the first address that a route leads to is the peer.
net::awaitable<void> talk_in_datagrams(Network& network, Standard& standard, const Arguments& a,
                                       const asio::ResolverResults& to, Exchange how) {
  asio::Datagram socket(network.context());
  error_code failed;
  for (const asio::ResolverEntry& entry : to) {
    how.peer = entry.endpoint();
    failed = socket.connect(how.peer);
    if (!failed) break;
  }
  if (failed) throw Failure(fmt::format("{} port {}: {}", a.host, a.port, failed.message()));
  how.largest = largest_datagram(network.plan().mtu, how.peer.address);
  if (a.talk.verbose) {
    say("connect", fmt::format("datagrams to {} from {}", to_string(how.peer),
                               to_string(socket.local_endpoint())));
  }
  co_await exchange(socket, standard.input, standard.output, how);
}

int connect(const Arguments& a) {
  const DevicePlan plan = plan_of(a.talk.device);
  const asio::ResolverResults to = remotes_of(a.host, a.port, a.talk.udp ? "udp" : "tcp", plan);
  Exchange how;
  how.silence = wait_of(a.talk);
  Network network(plan);
  Standard standard(network.io());
  return run_to_end(network, standard,
                    a.talk.udp ? talk_in_datagrams(network, standard, a, to, how)
                               : talk(network, standard, a, to));
}

}  // namespace

void add_connect(CLI::App& program, int& status) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "connect",
      "Connect to a peer: standard input goes there, what it says goes to standard output.");
  verb->add_option("HOST", a->host, "An address, or a name of /etc/hosts")->required();
  verb->add_option("PORT", a->port, "1 to 65535, or a name of /etc/services")->required();
  add_talk_options(
      *verb, a->talk,
      {.verbose = "Say on standard error when the connection is there, and before it is, whom "
                  "it\nwaits for, as on a terminal",
       .udp = "Datagrams: each read of standard input is one",
       .bad_end = "refused, reset or timed out"});
  verb->callback([a, &status] {
    ignore_broken_pipes();
    status = connect(*a);
  });
}

}  // namespace rapport::app
