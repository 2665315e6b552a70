// `rapport connect`: standard input to a peer, the peer to standard output, over a stack of our own
// behind an interface that exists as long as the program runs.
#include "rapport/app/device_options.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"

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
  bool verbose = false;
  DeviceOptions device;
};

asio::ResolverResults look_up(const Arguments& a) {
  auto found = asio::resolve(a.host, a.port);
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

int connect(const Arguments& a) {
  const asio::ResolverResults to = look_up(a);
  Network network(plan_of(a.device));
  Standard standard(network.io());
  return run_to_end(network, standard, talk(network, standard, a, to));
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
