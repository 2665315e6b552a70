// `rapport serve`: the files of a folder over HTTP, from a stack of our own behind a TUN interface
// that exists as long as the program runs. Everything is checked before anything is made.
#include "rapport/app/device_options.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/serve_site.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/counters.hh"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{5};  // from SIGINT until the rest is reset
constexpr int kInterrupted = 130;             // 128 + SIGINT, as shells count

struct Arguments {
  std::string folder;
  std::string port = "80";
  DeviceOptions device;
};

void print_counts(const stack::Stack& stack, const HttpCounters& http) {
  const tcp::Counters& c = stack.counters();
  fmt::print("connections {}, requests {}, of them {} answered with an error, {} with a redirect\n",
             http.connections, http.requests, http.failed, http.redirected);
  bool any = false;
  for (size_t i = 1; i < c.ended.size(); ++i) {
    const auto reason = static_cast<CloseReason>(i);
    if (c.ended[i] == 0) continue;
    if (!std::exchange(any, true)) fmt::print("ended, by reason:\n");
    fmt::print("  {:<20} {}{}\n", name(reason), c.ended[i],
               reason == CloseReason::Drained ? "  (reset when the patience was over)" : "");
  }
  const auto alive = stack.population();
  fmt::print("left: {} in TIME-WAIT, {} open\n", alive.time_wait,
             alive.connections + alive.half_open);
  (void)std::fflush(stdout);
}

// The running server: signals, and how it ends.
class Server {
 public:
  Server(Network& network, const Site& site)
      : shard_(network.shard()), io_(network.io()), context_(network.context()), site_(site) {}

  int run(uint16_t port, const std::string& greeting) {
    if (const error_code failed = acceptor_.listen({{}, port})) {
      throw Misuse(fmt::format("--port {}: cannot listen: {}", port, failed.message()));
    }
    net::co_spawn(io_, serve_http(acceptor_, site_, sessions_), net::detached);
    signals_.async_wait([this](const error_code& failed, int) {
      if (!failed) drain();
    });
    context_.on_device_gone([this] {
      fmt::print(stderr, "rapport serve: the TUN interface has been deleted\n");
      finish(1);
    });
    fmt::print("{}\n", greeting);
    (void)std::fflush(stdout);
    io_.run();
    print_counts(shard_.stack(), sessions_.counters);
    return status_;
  }

 private:
  // Answers under way are finished, then every connection is closed; 5 s for both.
  void drain() {
    acceptor_.close();
    const auto alive = shard_.stack().population();
    const auto open = alive.connections + alive.half_open;
    fmt::print(stderr, "closing {} connection{}, up to {} s; Ctrl-C again ends at once\n", open,
               open == 1 ? "" : "s", kPatience.count());
    patience_.expires_after(kPatience);
    patience_.async_wait([this](const error_code& failed) {
      if (!failed) close_the_rest();
    });
    sessions_.finish([this] { close_the_rest(); });
    signals_.async_wait([this](const error_code& failed, int) {
      if (!failed) finish(kInterrupted);
    });
  }

  void close_the_rest() {
    if (std::exchange(closing_the_rest_, true)) return;
    const auto left = patience_.expiry() - std::chrono::steady_clock::now();
    patience_.cancel();
    context_.async_drain(std::max(left, left.zero()),
                         [this](const error_code&, bool) { finish(0); });
  }

  void finish(int status) {
    status_ = status;
    io_.stop();
  }

  shard::Shard& shard_;
  net::io_context& io_;
  asio::Context& context_;
  const Site& site_;
  HttpSessions sessions_;
  int status_ = 0;
  bool closing_the_rest_ = false;
  asio::Acceptor acceptor_{context_};
  net::signal_set signals_{io_, SIGINT, SIGTERM};
  net::steady_timer patience_{io_};
};

int serve(const Arguments& a) {
  DevicePlan plan = plan_of(a.device);
  const auto port = static_cast<uint16_t>(whole_number("--port", a.port, 1, UINT16_MAX));
  auto site = Site::open(a.folder);
  if (!site) throw Misuse(site.error());

  Network network(std::move(plan));
  Server server(network, *site);
  const std::string where = port == 80 ? "" : fmt::format(":{}", port);
  return server.run(
      port, fmt::format("serving {} at http://{}{}/ behind {} (host {}); Ctrl-C ends", a.folder,
                        to_string(network.plan().own.front().address), where, network.plan().name,
                        to_string(network.plan().host.front().address)));
}

}  // namespace

void add_serve(CLI::App& program, int& status) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "serve",
      "Serve the files of a folder over HTTP, from a TCP of our own behind a TUN interface.");
  verb->add_option(
          "DIR", a->folder,
          "The folder; nothing outside it can be reached, and no name that begins with a dot. "
          "Without\nan index.html in it, the URL with / alone answers 404: name a file")
      ->required();
  verb->add_option("--port", a->port, "Where to listen, 1 to 65535")->capture_default_str();
  add_device_options(*verb, a->device);
  verb->footer(
      "Needs CAP_NET_ADMIN and /dev/net/tun. SIGINT finishes the answers under way, closes every "
      "connection,\nresets what is left after 5 s, prints the counts and exits 0; a second SIGINT "
      "ends at once.");
  verb->callback([a, &status] { status = serve(*a); });
}

}  // namespace rapport::app
