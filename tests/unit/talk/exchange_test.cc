// Datagrams between standard streams, over two stacks.
#include "rapport/app/pipe_ends.hh"
#include "rapport/app/talk_udp.hh"
#include "rapport/app/verbs.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/socket/asio/datagram.hh"
#include "tests/unit/asio/world.hh"

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using asio::test::error_code;
using device::Descriptor;

const Endpoint kService{rapport::test::kRight, 53};

struct Ends {
  Ends() {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
      throw std::runtime_error("pipe2");
    }
    input = Descriptor(in[0]);
    feed = Descriptor(in[1]);
    printed = Descriptor(out[0]);
    output = Descriptor(out[1]);
  }

  void type(std::string_view text) const {
    ASSERT_EQ(::write(feed.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  std::string seen() const {
    std::string all(65536, ' ');
    const ssize_t n = ::read(printed.get(), all.data(), all.size());
    all.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return all;
  }

  Descriptor input, feed, output, printed;
};

// A program that talks; what it failed with ends up in `trouble`.
net::awaitable<void> talk(asio::Datagram& socket, Ends& ends, Exchange how, std::string& trouble) {
  net::io_context& io = static_cast<net::io_context&>(socket.get_executor().context());
  Input input(io, ends.input.get());
  Output output(io, ends.output.get());
  try {
    co_await exchange(socket, input, output, how);
  } catch (const Failure& e) {
    trouble = e.what();
  }
}

Exchange how(const Endpoint& peer) {
  Exchange e;
  e.peer = peer;
  e.silence = std::chrono::milliseconds(50);
  return e;
}

TEST(Exchange, GoesBothWaysUntilSilence) {
  asio::test::World w;
  Ends ends;
  std::string trouble;
  asio::Datagram client(w.left);
  ASSERT_FALSE(client.connect(kService));
  ends.type("question");
  w.run(talk(client, ends, how(kService), trouble),
        [](asio::test::World& world, Ends& e) -> net::awaitable<void> {
          asio::Datagram s(world.right);
          EXPECT_FALSE(s.open(kService));
          std::string heard(100, ' ');
          Endpoint from;
          heard.resize(co_await s.async_receive_from(net::buffer(heard), from, net::use_awaitable));
          EXPECT_EQ(heard, "question");
          e.feed = Descriptor();
          net::steady_timer pause(world.io, std::chrono::milliseconds(20));
          co_await pause.async_wait(net::use_awaitable);
          (void)co_await s.async_send_to(net::buffer("answer", 6), from, net::use_awaitable);
          pause.expires_after(std::chrono::milliseconds(100));
          co_await pause.async_wait(net::use_awaitable);
        }(w, ends));
  EXPECT_EQ(ends.seen(), "answer");
  EXPECT_EQ(trouble, "");
}

TEST(Exchange, AnswersWhoeverSpeaksFirst) {
  asio::test::World w;
  Ends ends;
  std::string trouble;
  asio::Datagram server(w.right);
  ASSERT_FALSE(server.open(kService));
  ends.type("hello");
  ends.feed = Descriptor();
  w.run(talk(server, ends, how({}), trouble), [](asio::test::World& world) -> net::awaitable<void> {
    asio::Datagram s(world.left);
    EXPECT_FALSE(s.connect(kService));
    (void)co_await s.async_send(net::buffer("I come", 6), net::use_awaitable);
    std::string heard(100, ' ');
    heard.resize(co_await s.async_receive(net::buffer(heard), net::use_awaitable));
    EXPECT_EQ(heard, "hello");
  }(w));
  EXPECT_EQ(ends.seen(), "I come");
  EXPECT_EQ(trouble, "");
}

TEST(Exchange, TellsThatNobodyHasThePort) {
  asio::test::World w;
  Ends ends;
  std::string trouble;
  asio::Datagram client(w.left);
  ASSERT_FALSE(client.connect(kService));
  ends.type("question");
  w.run(talk(client, ends, how(kService), trouble));
  EXPECT_EQ(trouble, "10.0.0.2:53: nobody has that port (ICMP port unreachable)");
}

TEST(Exchange, SplitsWhatIsTooLargeForOneDatagram) {
  asio::test::World w;
  Ends ends;
  std::string trouble;
  asio::Datagram client(w.left);
  ASSERT_FALSE(client.connect(kService));
  ends.type(std::string(2500, 'x'));
  ends.feed = Descriptor();
  Exchange e = how(kService);
  e.largest = largest_datagram(1500, kService.address);
  w.run(talk(client, ends, e, trouble), [](asio::test::World& world) -> net::awaitable<void> {
    asio::Datagram s(world.right);
    EXPECT_FALSE(s.open(kService));
    std::string heard(5000, ' ');
    EXPECT_EQ(co_await s.async_receive(net::buffer(heard), net::use_awaitable), 1472U);
    EXPECT_EQ(co_await s.async_receive(net::buffer(heard), net::use_awaitable), 1028U);
    net::steady_timer pause(world.io, std::chrono::milliseconds(100));
    co_await pause.async_wait(net::use_awaitable);
  }(w));
  EXPECT_EQ(trouble, "");
}

}  // namespace
}  // namespace rapport::app
