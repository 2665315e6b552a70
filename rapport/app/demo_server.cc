// Two shards on one wire, a kernel socket before them, and how it all ends.
#include "rapport/app/demo_server.hh"

#include "rapport/app/demo_chronicle.hh"
#include "rapport/app/demo_page.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/app/demo_wire.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/time.hh"
#include "rapport/device/device.hh"
#include "rapport/device/fault.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/stream.hh"

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {

namespace {

namespace net = boost::asio;
using boost::system::error_code;
using KernelSocket = net::ip::tcp::socket;

constexpr size_t kMostBrowsers = 64;  // at once; more wait in the kernel's queue
constexpr size_t kChunk = 16 << 10;
constexpr std::chrono::seconds kSilence{60};  // a connection on which nothing moves is ended
constexpr std::chrono::seconds kPatience{2};  // from SIGINT on
constexpr int kInterrupted = 130;             // 128 + SIGINT, as shells count
constexpr uint16_t kPagePort = 80;

// One browser's connection with the kernel, and the one of ours that carries it on.
class Carried : public std::enable_shared_from_this<Carried> {
 public:
  Carried(KernelSocket browser, asio::Context& client, size_t& alive)
      : browser_(std::move(browser)),
        ours_(client),
        silence_(browser_.get_executor()),
        alive_(alive) {
    ++alive_;
  }

  Carried(const Carried&) = delete;
  Carried& operator=(const Carried&) = delete;

  ~Carried() { --alive_; }

  net::awaitable<void> run(Endpoint server) {
    const auto self = shared_from_this();
    moved();
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await ours_.async_connect(server, token);
    if (ec) {
      end();
      co_return;
    }
    net::co_spawn(browser_.get_executor(), answers(), net::detached);
    co_await requests();
  }

  void end() {
    error_code ignored;
    browser_.close(ignored);
    ours_.close();
    silence_.cancel();
  }

 private:
  // Each end passes on its end of file; the second one ends it all.
  net::awaitable<void> requests() {
    const auto self = shared_from_this();
    std::array<char, kChunk> chunk{};
    while (true) {
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      const size_t n = co_await browser_.async_read_some(net::buffer(chunk), token);
      if (ec == net::error::eof) break;
      if (!ec) {
        auto next = net::redirect_error(net::use_awaitable, ec);
        co_await net::async_write(ours_, net::buffer(chunk.data(), n), next);
      }
      if (ec) co_return fail();
      moved();
    }
    (void)ours_.shutdown();
    finish();
  }

  net::awaitable<void> answers() {
    const auto self = shared_from_this();
    std::array<char, kChunk> chunk{};
    while (true) {
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      const size_t n = co_await ours_.async_read_some(net::buffer(chunk), token);
      if (ec == net::error::eof) break;
      if (!ec) {
        auto next = net::redirect_error(net::use_awaitable, ec);
        co_await net::async_write(browser_, net::buffer(chunk.data(), n), next);
      }
      if (ec) co_return fail();
      moved();
    }
    error_code ignored;
    browser_.shutdown(KernelSocket::shutdown_send, ignored);
    finish();
  }

  void finish() {
    if (std::exchange(half_, true)) end();
  }

  void fail() {
    ours_.abort();
    end();
  }

  void moved() {
    silence_.expires_after(kSilence);
    silence_.async_wait([weak = weak_from_this()](const error_code& ec) {
      const auto self = weak.lock();
      if (!ec && self) self->fail();
    });
  }

  KernelSocket browser_;
  asio::Stream ours_;
  net::steady_timer silence_;
  size_t& alive_;
  bool half_ = false;  // one direction has ended
};

std::unique_ptr<shard::Shard> make_host(const Cidr& address, std::unique_ptr<device::Device> end,
                                        const DemoSettings& s) {
  device::FaultSettings faults;
  faults.seed = s.seed + address.address.v4_host();
  faults.out.delay = s.delay;
  faults.out.loss_ppm = s.loss_ppm;
  faults.out.duplicate_ppm = s.duplicate_ppm;
  faults.out.reorder_ppm = s.reorder_ppm;
  auto wire = device::Fault::make(std::move(end), faults);
  if (!wire) throw Misuse(fmt::format("--serve: {}", reason(wire.error())));
  shard::Config config;
  config.stack.interfaces.front().addresses = {address};
  auto shard = shard::Shard::make(config, std::move(*wire));
  if (!shard) {
    throw Misuse(
        fmt::format("--serve: cannot {}: {}", shard.error().step, reason(shard.error().code)));
  }
  return std::move(*shard);
}

struct Hosts {
  std::unique_ptr<shard::Shard> client, server;
};

Hosts make_hosts(const DemoSettings& settings) {
  auto wire = make_wire();
  if (!wire) throw Misuse(fmt::format("--serve: {}", reason(wire.error())));
  constexpr uint8_t kPrefix = 24;
  return {make_host({Stage::at(kClient, 0).address, kPrefix}, std::move(wire->a), settings),
          make_host({Stage::at(kServer, 0).address, kPrefix}, std::move(wire->b), settings)};
}

class DemoServer {
 public:
  DemoServer(const DemoSettings& settings, uint16_t port)
      : hosts_(make_hosts(settings)),
        chronicle_(*hosts_.client, *hosts_.server, settings.delay),
        port_(port) {}

  int run() {
    listen();
    if (const error_code failed = pages_.listen({{}, kPagePort}))
      throw Misuse(fmt::format("--serve: the host in memory cannot listen: {}", failed.message()));
    net::co_spawn(io_, serve_pages(pages_, chronicle_, served_), net::detached);
    net::co_spawn(io_, accept(), net::detached);
    signals_.async_wait([this](const error_code& failed, int) {
      if (!failed) drain();
    });
    fmt::print("http://127.0.0.1:{}/ shows the connection that delivers it; Ctrl-C ends\n",
               browsers_.local_endpoint().port());
    (void)std::fflush(stdout);
    io_.run();
    fmt::print("connections carried: {}, pages served: {}, errors answered: {}\n", carried_,
               served_.pages, served_.errors);
    (void)std::fflush(stdout);
    return status_;
  }

 private:
  void listen() {
    const net::ip::tcp::endpoint where(net::ip::address_v4::loopback(), port_);
    error_code ec;
    browsers_.open(where.protocol(), ec);
    if (!ec) browsers_.set_option(net::socket_base::reuse_address(true), ec);
    if (!ec) browsers_.bind(where, ec);
    if (!ec) browsers_.listen(net::socket_base::max_listen_connections, ec);
    if (ec)
      throw Misuse(fmt::format("--port {}: cannot listen on 127.0.0.1: {}", port_, ec.message()));
  }

  net::awaitable<void> accept() {
    while (browsers_.is_open()) {
      error_code ec;
      if (alive_ < kMostBrowsers) {
        auto token = net::redirect_error(net::use_awaitable, ec);
        KernelSocket browser = co_await browsers_.async_accept(token);
        if (ec == net::error::operation_aborted || !browsers_.is_open()) co_return;
        if (!ec) {
          ++carried_;
          const auto carried = std::make_shared<Carried>(std::move(browser), client_, alive_);
          net::co_spawn(io_, start(carried), net::detached);
          continue;
        }
      }
      // As many as there may be, or no descriptors left.
      net::steady_timer pause(io_, std::chrono::milliseconds(50));
      auto token = net::redirect_error(net::use_awaitable, ec);
      co_await pause.async_wait(token);
    }
  }

  static net::awaitable<void> start(std::shared_ptr<Carried> carried) {
    co_await carried->run(Stage::at(kServer, kPagePort));
  }

  // Every connection of ours is closed and parts; a second signal ends at once.
  void drain() {
    error_code ignored;
    browsers_.close(ignored);
    signals_.async_wait([this](const error_code& failed, int) {
      if (failed) return;
      status_ = kInterrupted;
      io_.stop();
    });
    const auto parted = [this](const error_code&, bool) {
      if (++parted_ == 2) io_.stop();
    };
    client_.async_drain(kPatience, parted);
    server_.async_drain(kPatience, parted);
  }

  Hosts hosts_;
  Chronicle chronicle_;
  uint16_t port_;
  uint64_t carried_ = 0;
  PageCounts served_;
  size_t alive_ = 0;
  int parted_ = 0, status_ = 0;
  net::io_context io_{1};
  asio::Context client_{io_, *hosts_.client}, server_{io_, *hosts_.server};
  asio::Acceptor pages_{server_};
  net::ip::tcp::acceptor browsers_{io_};
  net::signal_set signals_{io_, SIGINT, SIGTERM};
};

}  // namespace

int serve_demo(const DemoSettings& settings, uint16_t port) {
  return DemoServer(settings, port).run();
}

}  // namespace rapport::app
