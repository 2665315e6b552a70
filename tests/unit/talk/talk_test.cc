// A conversation between two pairs of standard streams over two stacks, and the streams themselves
// whatever they are.
#include "rapport/app/talk.hh"

#include "rapport/app/pipe_ends.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/reason.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/socket/asio/stream.hh"
#include "tests/unit/asio/world.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using asio::test::error_code;
using asio::test::pattern;
using device::Descriptor;

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    out = Descriptor(fds[0]);
    in = Descriptor(fds[1]);
    (void)::fcntl(out.get(), F_SETFL, O_NONBLOCK);
  }

  // What can be read now.
  std::string drain() const {
    std::string all(1 << 20, ' ');
    const ssize_t n = ::read(out.get(), all.data(), all.size());
    all.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return all;
  }

  void put(std::string_view text) const {
    ASSERT_EQ(::write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  Descriptor out, in;  // what is written to `in` comes out of `out`
};

net::awaitable<void> pause(net::io_context& io, int ms) {
  net::steady_timer timer(io, std::chrono::milliseconds(ms));
  co_await timer.async_wait(net::use_awaitable);
}

// --- the streams --------------------------------------------------------------------------------

TEST(Input, GivesWhatAPipeHasUntilItsEnd) {
  asio::test::World w;
  Pipe pipe;
  w.run([](net::io_context& io, Pipe& p) -> net::awaitable<void> {
    Input input(io, p.out.get());
    p.put("some");
    auto got = co_await input.next();
    EXPECT_EQ(std::string(got->begin(), got->end()), "some");
    p.put("thing");
    got = co_await input.next(3);
    EXPECT_EQ(std::string(got->begin(), got->end()), "thi");
    got = co_await input.next();
    EXPECT_EQ(std::string(got->begin(), got->end()), "ng");
    p.in = Descriptor();
    got = co_await input.next();
    EXPECT_TRUE(got.has_value());
    EXPECT_TRUE(got->empty());
    EXPECT_TRUE(input.ended());
  }(w.io, pipe));
}

TEST(Input, ReadsAFileForWhichNobodyCanWait) {
  asio::test::World w;
  std::string name = ::testing::TempDir() + "rapport-input-XXXXXX";
  Descriptor file(::mkstemp(name.data()));
  ASSERT_EQ(::write(file.get(), "a file", 6), 6);
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  (void)::unlink(name.c_str());
  w.run([](net::io_context& io, int fd) -> net::awaitable<void> {
    Input input(io, fd);
    auto got = co_await input.next();
    EXPECT_EQ(std::string(got->begin(), got->end()), "a file");
    got = co_await input.next();
    EXPECT_TRUE(got->empty());
  }(w.io, file.get()));
}

TEST(Input, CancelLosesNothing) {
  asio::test::World w;
  Pipe pipe;
  w.run([](net::io_context& io, Pipe& p) -> net::awaitable<void> {
    Input input(io, p.out.get());
    net::post(io, [&input] { input.cancel(); });
    auto got = co_await input.next();
    EXPECT_EQ(got.error(), net::error::operation_aborted);
    p.put("later");
    got = co_await input.next();
    EXPECT_EQ(std::string(got->begin(), got->end()), "later");
  }(w.io, pipe));
}

TEST(Input, LeavesTheFlagsOfTheDescriptorAlone) {
  asio::test::World w;
  Pipe pipe;
  (void)::fcntl(pipe.out.get(), F_SETFL, 0);
  Input input(w.io, pipe.out.get());
  Output output(w.io, pipe.in.get());
  EXPECT_EQ(::fcntl(pipe.out.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(pipe.in.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Output, WaitsForASlowReaderWithoutBlockingTheLoop) {
  asio::test::World w;
  Pipe pipe;
  std::string got;
  const std::string much(1 << 20, 'x');  // more than a pipe holds
  w.run(
      [](net::io_context& io, Pipe& p, const std::string& text) -> net::awaitable<void> {
        Output output(io, p.in.get());
        const error_code ec =
            co_await output.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
        EXPECT_FALSE(ec);
        EXPECT_FALSE(output.broken());
      }(w.io, pipe, much),
      [](net::io_context& io, Pipe& p, std::string& all, size_t whole) -> net::awaitable<void> {
        while (all.size() < whole) {
          all += p.drain();
          co_await pause(io, 1);
        }
      }(w.io, pipe, got, much.size()));
  EXPECT_EQ(got, much);
}

TEST(Output, SaysWhenNobodyReadsAnyMore) {
  asio::test::World w;
  ignore_broken_pipes();
  Pipe pipe;
  pipe.out = Descriptor();
  w.run([](net::io_context& io, Pipe& p) -> net::awaitable<void> {
    Output output(io, p.in.get());
    const std::array<uint8_t, 1> octet{};
    const error_code ec = co_await output.write(octet);
    EXPECT_EQ(ec, net::error::broken_pipe);
    EXPECT_TRUE(output.broken());
  }(w.io, pipe));
}

TEST(Output, WritesToASocketToo) {
  asio::test::World w;
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  const Descriptor a(fds[0]);
  const Descriptor b(fds[1]);
  w.run([](net::io_context& io, int from, int to) -> net::awaitable<void> {
    Output output(io, from);
    Input input(io, to);
    const std::array<uint8_t, 3> octets{1, 2, 3};
    const error_code ec = co_await output.write(octets);
    EXPECT_FALSE(ec);
    const auto got = co_await input.next();
    EXPECT_TRUE(std::ranges::equal(*got, octets));
  }(w.io, a.get(), b.get()));
}

// --- conversations ------------------------------------------------------------------------------

// One end: its standard streams as pipes.
struct End {
  Pipe in, out;
  std::string trouble;

  net::awaitable<void> run(net::io_context& io, net::awaitable<asio::Stream> open, Until until) {
    asio::Stream stream = co_await std::move(open);
    Input input(io, in.out.get());
    Output output(io, out.in.get());
    try {
      co_await converse(stream, input, output, until);
    } catch (const Failure& e) {
      trouble = e.what();
    }
  }
};

TEST(Converse, BothDirectionsUntilBothHaveEnded) {
  asio::test::World w;
  End server;
  End client;
  client.in.put("question");
  client.in.in = Descriptor();
  w.run(server.run(w.io, w.accepted(), Until::BothEnded),
        client.run(w.io, w.connected(), Until::BothEnded),
        [](net::io_context& io, End& s) -> net::awaitable<void> {
          std::string heard;
          while (heard.empty()) {
            co_await pause(io, 1);
            heard = s.out.drain();
          }
          EXPECT_EQ(heard, "question");
          co_await pause(io, 20);  // the client's direction is closed; ours is not
          s.in.put("answer");
          s.in.in = Descriptor();
        }(w.io, server));
  EXPECT_EQ(client.out.drain(), "answer");
  EXPECT_EQ(client.trouble, "");
  EXPECT_EQ(server.trouble, "");
  EXPECT_EQ(w.shards.left->stack().population().connections, 0U) << "TIME-WAIT at most";
}

TEST(Converse, CarriesAnyOctets) {
  asio::test::World w;
  End server;
  End client;
  server.in.in = Descriptor();
  const std::vector<uint8_t> octets = pattern(3 << 20);
  std::string heard;
  w.run(
      server.run(w.io, w.accepted(), Until::BothEnded),
      client.run(w.io, w.connected(), Until::BothEnded),
      [](net::io_context& io, End& c, const std::vector<uint8_t>& all) -> net::awaitable<void> {
        Output feed(io, c.in.in.get());
        const error_code ec = co_await feed.write(all);
        EXPECT_FALSE(ec);
        c.in.in = Descriptor();
      }(w.io, client, octets),
      [](net::io_context& io, End& s, std::string& all, size_t whole) -> net::awaitable<void> {
        while (all.size() < whole) {
          all += s.out.drain();
          co_await pause(io, 1);
        }
      }(w.io, server, heard, octets.size()));
  EXPECT_TRUE(std::ranges::equal(
      octets, std::span(reinterpret_cast<const uint8_t*>(heard.data()), heard.size())));
}

TEST(Converse, EndsWithThePeerWhereItIsToldTo) {
  asio::test::World w;
  End server;
  End client;
  client.in.put("all I have to say");
  client.in.in = Descriptor();
  w.run(server.run(w.io, w.accepted(), Until::PeerEnded),  // its input never ends
        client.run(w.io, w.connected(), Until::BothEnded));
  EXPECT_EQ(server.out.drain(), "all I have to say");
  EXPECT_EQ(server.trouble, "");
  EXPECT_EQ(client.trouble, "");
}

TEST(Converse, AResetIsToldInTcpsWords) {
  asio::test::World w;
  End client;
  w.run(client.run(w.io, w.connected(), Until::BothEnded),
        [](asio::test::World& world) -> net::awaitable<void> {
          asio::Stream s = co_await world.accepted();
          s.abort();
        }(w));
  EXPECT_EQ(client.trouble, "reset by the peer");
}

TEST(Converse, AClosedOutputResetsThePeer) {
  asio::test::World w;
  ignore_broken_pipes();
  End server;
  End client;
  client.out.out = Descriptor();
  server.in.put("nobody will read this");
  w.run(server.run(w.io, w.accepted(), Until::BothEnded),
        client.run(w.io, w.connected(), Until::BothEnded));
  EXPECT_EQ(client.trouble, "standard output: Broken pipe");
  EXPECT_EQ(server.trouble, "reset by the peer");
}

TEST(Sentences, AreThereForEveryBadEndAndForNoGoodOne) {
  for (const CloseReason bad : {CloseReason::Refused, CloseReason::ResetByPeer,
                                CloseReason::TimedOut, CloseReason::HandshakeTimedOut,
                                CloseReason::UserTimedOut, CloseReason::KeepAliveTimedOut}) {
    EXPECT_FALSE(sentence(bad).empty()) << name(bad);
  }
  EXPECT_TRUE(sentence(CloseReason::None).empty());
  EXPECT_TRUE(sentence(CloseReason::ClosedByUs).empty());
  EXPECT_TRUE(sentence(CloseReason::ClosedByPeer).empty());
}

}  // namespace
}  // namespace rapport::app
