// `rapport connect`: standard input to a peer, the peer to standard output, over a stack of our own
// behind an interface that exists as long as the program runs.
#include "rapport/app/device_options.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/talk_udp.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/datagram.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

struct Arguments {
  std::string host, port;
  bool udp = false;
  std::string wait = "2";
  bool verbose = false;
  DeviceOptions device;
};

asio::ResolverResults look_up(const Arguments& a) {
  auto found = asio::resolve(a.host, a.port, a.udp ? "udp" : "tcp");
  if (found && !found->empty() && found->front().endpoint().port == 0) {
    throw Misuse(fmt::format("PORT {}: 1 to 65535, or a name of /etc/services", a.port));
  }
  if (found) return std::move(*found);
  if (found.error() == net::error::service_not_found) {
    throw Misuse(fmt::format("PORT {}: 1 to 65535, or a name of /etc/services", a.port));
  }
  throw Misuse(fmt::format(
      "{}: an address is needed, or a name of /etc/hosts (other names are not looked up yet)",
      a.host));
}

net::awaitable<void> talk(Network& network, Standard& standard, const Arguments& a,
                          const asio::ResolverResults& to) {
  asio::Stream stream(network.context());
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  const Endpoint remote = co_await stream.async_connect(to, token);
  if (ec == net::error::operation_aborted) co_return;
  if (ec) {
    const std::string_view why = sentence(stream.reason());
    throw Failure(fmt::format("{} port {}: {}", a.host, a.port, why.empty() ? ec.message() : why));
  }
  if (a.verbose) {
    say("connect", fmt::format("connected to {} from {}", to_string(remote),
                               to_string(stream.local_endpoint())));
  }
  co_await converse(stream, standard.input, standard.output, Until::BothEnded);
}

net::awaitable<void> talk_in_datagrams(Network& network, Standard& standard, const Arguments& a,
                                       const Exchange& how) {
  asio::Datagram socket(network.context());
  if (const error_code ec = socket.connect(how.peer)) {
    throw Failure(fmt::format("{} port {}: {}", a.host, a.port, ec.message()));
  }
  if (a.verbose) {
    say("connect", fmt::format("datagrams to {} from {}", to_string(how.peer),
                               to_string(socket.local_endpoint())));
  }
  co_await exchange(socket, standard.input, standard.output, how);
}

int connect(const Arguments& a) {
  const asio::ResolverResults to = look_up(a);
  Exchange how;
  how.peer = to.front().endpoint();
  how.silence = std::chrono::seconds(whole_number("--wait", a.wait, 0, kLongestWait));
  Network network(plan_of(a.device));
  how.largest = largest_datagram(network.plan().mtu, how.peer.address);
  Standard standard(network.io());
  return run_to_end(
      network, standard,
      a.udp ? talk_in_datagrams(network, standard, a, how) : talk(network, standard, a, to));
}

}  // namespace

void add_connect(CLI::App& program, int& status) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "connect",
      "Connect to a peer: standard input goes there, what it says goes to standard output.");
  verb->add_option("HOST", a->host, "An address, or a name of /etc/hosts")->required();
  verb->add_option("PORT", a->port, "1 to 65535, or a name of /etc/services")->required();
  verb->add_flag("-v,--verbose", a->verbose, "Say on standard error when the connection is there");
  verb->add_flag("--udp", a->udp, "Datagrams: each read of standard input is one");
  verb->add_option("--wait", a->wait,
                   "With --udp: seconds of silence after the end of input that end it")
      ->capture_default_str();
  add_device_options(*verb, a->device);
  verb->footer(
      "Needs CAP_NET_ADMIN and /dev/net/tun. The end of input is a half close: a FIN; what the "
      "peer still says\nis printed. The exit status is 0 when both sides have finished and all is "
      "acknowledged, 1 when the\nconnection was refused, reset or timed out, 130 after SIGINT.");
  verb->callback([a, &status] {
    ignore_broken_pipes();
    status = connect(*a);
  });
}

}  // namespace rapport::app
