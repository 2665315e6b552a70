// `rapport serve`: the files of a folder over HTTP, from a stack of our own behind a TUN interface
// that exists as long as the program runs. Everything is checked before anything is made.
#include "rapport/app/device_options.hh"
#include "rapport/app/recording_file.hh"
#include "rapport/app/serve_answer.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/serve_record.hh"
#include "rapport/app/serve_site.hh"
#include "rapport/app/serve_status.hh"
#include "rapport/app/status_text.hh"
#include "rapport/app/transport.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/counters.hh"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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
constexpr uint16_t kHttpPort = 80, kHttpsPort = 443;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells count

struct Arguments {
  std::string folder;
  std::string port;  // empty: by --tls
  bool upload = false;
  std::string upload_limit = "16G";
  std::vector<std::string> tls;  // certificate, key
  std::string status_socket;     // empty: none
  std::string record;            // empty: no recording
  std::string backlog = kUsualBacklog;
  std::string per_client = std::to_string(HttpLimits().per_client);
  DeviceOptions device;
};

void print_answers(const HttpCounters& http) {
  std::string answers;
  for (unsigned status = 100; status < http.answers.size(); ++status) {
    if (http.answers[status] == 0) continue;
    answers += fmt::format("{}{} {}", answers.empty() ? "" : ", ", status, http.answers[status]);
  }
  if (!answers.empty()) fmt::print("answers, by status: {}\n", answers);
  if (http.turned_away > 0) {
    fmt::print("turned away, too many connections of one client: {}\n", http.turned_away);
  }
  if (http.tls_failed > 0) fmt::print("TLS handshakes that failed: {}\n", http.tls_failed);
}

void print_counts(shard::Shard& shard, const HttpCounters& http) {
  const stack::Stack& stack = shard.stack();
  const tcp::Counters& c = stack.counters();
  fmt::print("connections {}, requests {}, of them {} answered with an error, {} with a redirect\n",
             http.connections, http.requests, http.answered(400, 599), http.answered(301, 303));
  print_answers(http);
  fmt::print("interface: {}\n", device_text(shard.device().counters()));
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
  Server(Network& network, HttpService& http)
      : shard_(network.shard()), io_(network.io()), context_(network.context()), http_(http) {}

  int run(uint16_t port, uint32_t backlog, const std::string& greeting) {
    if (const error_code failed = acceptor_.listen({{}, port}, backlog)) {
      throw Misuse(fmt::format("--port {}: cannot listen: {}", port, failed.message()));
    }
    net::co_spawn(io_, http_.run(acceptor_), net::detached);
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
    print_counts(shard_, http_.counters());
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
    http_.finish([this] { close_the_rest(); });
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
  HttpService& http_;
  int status_ = 0;
  bool closing_the_rest_ = false;
  asio::Acceptor acceptor_{context_};
  net::signal_set signals_{io_, SIGINT, SIGTERM};
  net::steady_timer patience_{io_};
};

// "16G": K, M and G are powers of 1024.
uint64_t octets_of(std::string_view option, const std::string& text) {
  constexpr std::string_view kUnits = "KMG";
  constexpr uint64_t kMost = 1ULL << 50;
  const size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  const bool has_unit = unit != std::string_view::npos;
  const std::string_view digits(text.data(), text.size() - (has_unit ? 1 : 0));
  const unsigned shift = has_unit ? 10 * (static_cast<unsigned>(unit) + 1) : 0;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()
      || value > kMost >> shift) {
    throw Misuse(
        fmt::format("{} {}: octets are needed, such as 65536, 500K, 20M or 16G, at most "
                    "{}G",
                    option, text, kMost >> 30U));
  }
  return value << shift;
}

std::optional<Tls> tls_of(const Arguments& a) {
  if (a.tls.empty()) return std::nullopt;
  auto tls = Tls::for_server(a.tls[0], a.tls[1]);
  if (!tls) throw Misuse("--tls: " + tls.error());
  return std::move(*tls);
}

std::optional<SocketFile> socket_file_of(const Arguments& a) {
  if (a.status_socket.empty()) return std::nullopt;
  auto file = SocketFile::make(a.status_socket == "auto" ? usual_status_socket() : a.status_socket);
  if (!file) throw Misuse("--status-socket: " + file.error());
  return std::move(*file);
}

std::string greeting_of(const Arguments& a, const DevicePlan& plan, uint16_t port) {
  const bool usual = port == (a.tls.empty() ? kHttpPort : kHttpsPort);
  std::string where;
  for (const Cidr& own : plan.own) {
    const std::string host =
        own.address.is_v4() ? to_string(own.address) : fmt::format("[{}]", to_string(own.address));
    where += fmt::format("{}http{}://{}{}/", where.empty() ? "" : " and ", a.tls.empty() ? "" : "s",
                         host, usual ? "" : fmt::format(":{}", port));
  }
  std::string hosts;
  for (const Cidr& host : plan.host) {
    hosts += fmt::format("{}{}", hosts.empty() ? "" : ", ", to_string(host.address));
  }
  return fmt::format("serving {} at {} behind {} (host {}); Ctrl-C ends", a.folder, where,
                     plan.name, hosts);
}

int serve(const Arguments& a) {
  DevicePlan plan = plan_of(a.device);
  const uint64_t usual = a.tls.empty() ? kHttpPort : kHttpsPort;
  const auto port =
      static_cast<uint16_t>(a.port.empty() ? usual : whole_number("--port", a.port, 1, UINT16_MAX));
  const uint32_t backlog = backlog_of(a.backlog);
  HttpLimits limits;
  limits.per_client =
      static_cast<uint32_t>(whole_number("--per-client", a.per_client, 1, UINT16_MAX));
  Rules rules;
  rules.upload = a.upload;
  rules.upload_octets = octets_of("--upload-limit", a.upload_limit);
  auto site = Site::open(a.folder);
  if (!site) throw Misuse(site.error());
  const std::optional<Tls> tls = tls_of(a);

  std::optional<SocketFile> file = socket_file_of(a);
  HttpService http(*site, rules, tls ? &*tls : nullptr, limits);
  std::optional<LiveRecording> recording;
  shard::Config base;
  if (!a.record.empty()) {
    recording.emplace(a.record, fmt::format("serve {}", a.folder));
    base.recorder = &recording->recorder();
  }
  Network network(std::move(plan), std::move(base));
  std::optional<LiveRecording::Flushing> flushing;
  if (recording) flushing.emplace(*recording, network.io());
  std::optional<StatusSocket> status;
  if (file) status.emplace(std::move(*file), network, http);
  Server server(network, http);
  const int ended = server.run(port, backlog, greeting_of(a, network.plan(), port));
  if (recording) recording->finish();
  return ended;
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
  verb->add_option("--port", a->port, "Where to listen, 1 to 65535 [80, with --tls 443]");
  verb->add_flag("--upload", a->upload,
                 "Take files by PUT into folders that are there; a file appears when it is whole");
  verb->add_option("--upload-limit", a->upload_limit,
                   "Octets of the largest upload; K, M and G are powers of 1024")
      ->capture_default_str();
  verb->add_option("--tls", a->tls,
                   "HTTPS: PEM files with the certificate chain and with its private key")
      ->type_name("CERT KEY")
      ->expected(2);
  verb->add_option("--status-socket", a->status_socket,
                   "Tell `rapport status` about every connection over this Unix socket; auto: "
                       + usual_status_socket());
  verb->add_option("--record", a->record,
                   "Write everything that the stack is asked into this file, for `rapport replay`; "
                   "it holds\nwhat was sent and received, and the keys of this run")
      ->type_name("FILE")
      ->check(must_be_named);
  verb->add_option(
          "--per-client", a->per_client,
          "Connections of one IPv4 address or IPv6 /64 at a time; one more is answered 429")
      ->capture_default_str();
  add_backlog_option(*verb, a->backlog);
  add_device_options(*verb, a->device);
  verb->footer(
      "Needs CAP_NET_ADMIN and /dev/net/tun. SIGINT finishes the answers under way, closes every "
      "connection,\nresets what is left after 5 s, prints the counts and exits 0; a second SIGINT "
      "ends at once.");
  verb->callback([a, &status] { status = serve(*a); });
}

}  // namespace rapport::app
