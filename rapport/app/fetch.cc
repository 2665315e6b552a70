// `rapport fetch`: one URL, by a TCP of our own. What goes wrong is told in TCP's words.
#include "rapport/app/device_options.hh"
#include "rapport/app/fetch_http.hh"
#include "rapport/app/fetch_sink.hh"
#include "rapport/app/pipe_ends.hh"
#include "rapport/app/remote.hh"
#include "rapport/app/talk.hh"
#include "rapport/app/transport.hh"
#include "rapport/app/url.hh"
#include "rapport/app/verbs.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kParting{5}, kPartingInTrouble{1};
constexpr std::chrono::milliseconds kShowEvery{100};
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells count

struct Arguments {
  std::string url, output = "-", authorities;
  std::string patience = "30";
  bool verbose = false;
  DeviceOptions device;
};

Url url_of(const std::string& text) {
  auto url = parse_url(text);
  if (!url) throw Misuse(url.error());
  return std::move(*url);
}

std::optional<Tls> tls_of(const Url& url, const std::string& authorities) {
  if (!url.tls) return std::nullopt;
  auto made = Tls::for_client(authorities);
  if (!made) throw Misuse("--cacert: " + made.error());
  return std::move(*made);
}

// What was asked for, checked: nothing of it needs a network.
struct Job {
  explicit Job(const Arguments& a)
      : plan(plan_of(a.device)),
        url(url_of(a.url)),
        patience(whole_number("--timeout", a.patience, 1, 86'400)),
        remotes(remotes_of(url.host, std::to_string(url.port), "tcp", plan)),
        tls(tls_of(url, a.authorities)),
        sink(a.output),
        watched(is_watched(a.verbose)),
        shows(::isatty(STDERR_FILENO) == 1 && (a.output != "-" || ::isatty(STDOUT_FILENO) == 0)) {}

  DevicePlan plan;
  Url url;
  std::chrono::seconds patience;
  asio::ResolverResults remotes;
  std::optional<Tls> tls;
  Sink sink;
  bool watched;
  bool shows;
};

class FetchRun {
 public:
  FetchRun(Job& job, Network& network)
      : url_(job.url),
        tls_(job.tls ? &*job.tls : nullptr),
        network_(network),
        patience_(job.patience),
        sink_(job.sink),
        output_(network.io(), job.sink.fd()),
        watched_(job.watched),
        shows_(job.shows) {}

  // The exit status. Throws Failure.
  int run(const asio::ResolverResults& remotes) {
    net::signal_set signals(network_.io(), SIGINT, SIGTERM);
    signals.async_wait([this](const error_code& failed, int) {
      if (!failed) interrupt();
    });
    network_.context().on_device_gone([this] {
      problem_ = "the network interface has been deleted";
      network_.io().stop();
    });
    net::co_spawn(network_.io(), fetch(remotes), net::detached);
    network_.io().run();
    clear_line();
    if (interrupted_) return kInterrupted;
    if (!problem_.empty()) throw Failure(problem_);
    return 0;
  }

 private:
  net::awaitable<void> fetch(const asio::ResolverResults& remotes) {
    {
      asio::Stream stream(network_.context());
      stream.expires_after(patience_);
      const Opening opening{"fetch", url_.authority(), watched_};
      const Opened opened = co_await open_to(stream, remotes, opening);
      if (opened.error) {
        problem_ = connect_words(stream, opened);
      } else {
        auto transport = tls_ != nullptr ? tls_->connect(std::move(stream), url_.host)
                                         : plain_transport(std::move(stream));
        co_await get(*transport);
        transport->stream().expires_after(kParting);
        if (!interrupted_) co_await transport->say_end();
      }
    }
    part();
  }

  net::awaitable<void> get(Transport& transport) {
    transport.stream().expires_after(patience_);
    const error_code failed = co_await transport.open();
    if (failed) {
      const std::string why = transport.why_untrusted();
      problem_ = why.empty() ? fmt::format("no TLS with {}: {}", url_.authority(),
                                           trouble_words(transport.stream(), failed))
                             : fmt::format("{} is not trusted: {}", url_.authority(), why);
      co_return;
    }
    FetchJob job;
    job.url = url_;
    job.patience = patience_;
    job.begin = [this](unsigned status, std::optional<uint64_t> length) {
      total_ = length;
      began_ = steady_clock::now();
      return status / 100 == 2;
    };
    job.take = [this](std::span<const char> octets) { return take(octets); };
    const FetchResult result = co_await fetch_over(transport, job);
    judge(result, transport.stream());
  }

  net::awaitable<bool> take(std::span<const char> octets) {
    const auto* first = reinterpret_cast<const uint8_t*>(octets.data());
    if (const error_code failed = co_await output_.write({first, octets.size()})) {
      sink_.fail(failed.message());
      co_return false;
    }
    done_ += octets.size();
    const auto now = steady_clock::now();
    if (shows_ && now - shown_ >= kShowEvery) {
      shown_ = now;
      const std::chrono::duration<double> taken = now - began_;
      fmt::print(stderr, "\r\x1b[K{}", progress_line(done_, total_, taken.count()));
      (void)std::fflush(stderr);
    }
    co_return true;
  }

  void clear_line() const {
    if (shows_ && shown_ != steady_clock::time_point()) fmt::print(stderr, "\r\x1b[K");
  }

  void judge(const FetchResult& r, const asio::Stream& stream) {
    if (r.status == 0 || (r.error && r.status / 100 == 2)) {
      problem_ = r.malformed ? fmt::format("what {} sends is no HTTP", url_.authority())
                 : r.status == 0
                     ? fmt::format("no answer from {}: {}", url_.authority(), lost_words(r, stream))
                     : fmt::format("the answer is cut short after {}: {}", amount_words(r),
                                   lost_words(r, stream));
    } else if (!r.location.empty() && r.status / 100 == 3) {
      problem_ = fmt::format("{} {}: it is at {}", r.status, r.reason, r.location);
    } else if (r.status / 100 != 2) {
      problem_ = fmt::format("{} answers {} {}", url_.authority(), r.status, r.reason);
    } else if (!sink_.failure().empty() || !sink_.finish()) {
      problem_ = sink_.failure();
    }
  }

  static std::string amount_words(const FetchResult& r) {
    if (!r.length) return size_words(r.octets);
    return fmt::format("{} of {} octets", r.octets, *r.length);
  }

  static std::string lost_words(const FetchResult& r, const asio::Stream& stream) {
    if (r.cut_short) return "the peer has closed the connection (FIN)";
    return trouble_words(stream, r.error);
  }

  std::string connect_words(const asio::Stream& stream, const Opened& opened) const {
    const std::string where = url_.authority();
    const std::string_view told = opened.soft_error;
    if (stream.expired()) {
      return fmt::format("{}: timed out: no SYN,ACK came to our SYN in {} s{}{}", where,
                         patience_.count(), told.empty() ? "" : "; ICMP told: ", told);
    }
    return fmt::format("{}: {}", where, trouble_words(stream, opened.error));
  }

  static std::string trouble_words(const asio::Stream& stream, const error_code& ec) {
    if (stream.expired()) return "timed out: nothing came for too long";
    if (ec == net::error::eof) return "the peer has closed the connection (FIN)";
    const std::string_view why = sentence(stream.reason());
    return why.empty() ? ec.message() : std::string(why);
  }

  // Every connection is closed in order, so that the peer is not left with half of one.
  void part() {
    network_.context().async_drain(problem_.empty() ? kParting : kPartingInTrouble,
                                   [this](const error_code&, bool) { network_.io().stop(); });
  }

  void interrupt() {
    if (std::exchange(interrupted_, true)) return network_.io().stop();
    part();
  }

  Url url_;
  const Tls* tls_;
  Network& network_;
  std::chrono::seconds patience_;
  Sink& sink_;
  Output output_;
  bool watched_;  // by people, who are told whom it waits for
  bool shows_;
  bool interrupted_ = false;
  std::string problem_;
  std::optional<uint64_t> total_;
  uint64_t done_ = 0;
  steady_clock::time_point began_, shown_;
};

int fetch(const Arguments& a) {
  Job job(a);
  ignore_broken_pipes();  // a closed standard output is an error of write(2)
  Network network(job.plan);
  return FetchRun(job, network).run(job.remotes);
}

}  // namespace

void add_fetch(CLI::App& program, int& status) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "fetch", "Get what a URL names over a TCP of our own behind an interface that goes with it.");
  verb->add_option("URL", a->url, "http or https; its host is an address, or a name of /etc/hosts")
      ->required();
  verb->add_option("-o,--output", a->output,
                   "The file, which appears when it is whole; - prints it")
      ->capture_default_str();
  verb->add_flag("-v,--verbose", a->verbose,
                 "Say on standard error whom it waits for, as on a terminal");
  verb->add_option("--cacert", a->authorities,
                   "PEM file with the certificates to trust, instead of the system's");
  verb->add_option("--timeout", a->patience,
                   "Seconds to wait for an answer, and for each next octet")
      ->capture_default_str();
  add_device_options(*verb, a->device);
  verb->footer(
      "Needs CAP_NET_ADMIN and /dev/net/tun. Redirects are told, not followed. Exit status: 0 when "
      "all of it\ncame, 1 when the answer is a redirect or an error or the connection failed, 2 "
      "for "
      "what cannot be done as asked.");
  verb->callback([a, &status] { status = fetch(*a); });
}

}  // namespace rapport::app
