// The socket calls of POSIX over two stacks back to back, in virtual time and without threads: a
// server that waits with epoll, and a client whose calls look as if they blocked. What blocks
// answers a ticket; finish() lets the world go on until that call is done.
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>

using namespace rapport;
using namespace rapport::posix;

const SocketAddress kServer{kAfInet, {IpAddress::v4(10, 0, 0, 2), 7}};

stack::Config config_of(uint8_t host) {
  stack::Config c;
  c.interfaces[0].addresses = {Cidr{IpAddress::v4(10, 0, 0, host), 24}};
  c.tcp.seed = host;
  return c;
}

// A machine: a stack and one process.
struct Machine {
  explicit Machine(uint8_t host)
      : frames(1024, 2048), stack(config_of(host), frames), sockets(stack, Instant{}) {}

  FramePool frames;
  stack::Stack stack;
  Sockets sockets;
};

// Echoes what it reads until the peer has finished.
class EchoServer {
 public:
  explicit EchoServer(Sockets& os) : os_(os) {
    listener_ = static_cast<int>(os_.socket(kAfInet, kSockStream | kSockNonblock, 0).value);
    epoll_ = static_cast<int>(os_.epoll_create1(0).value);
    (void)os_.bind(listener_, kServer);
    (void)os_.listen(listener_, 16);
    watch(listener_);
  }

  // Serves whoever is ready.
  void turn() {
    std::array<EpollEvent, 8> events{};
    const Result ready = os_.epoll_wait(epoll_, events, 0);
    for (int64_t i = 0; i < ready.value; ++i) {
      const int fd = static_cast<int>(events[static_cast<size_t>(i)].data);
      fd == listener_ ? accept() : echo(fd);
    }
  }

 private:
  void watch(int fd) {
    const EpollEvent wanted{kPollIn, static_cast<uint64_t>(fd)};
    (void)os_.epoll_ctl(epoll_, kEpollCtlAdd, fd, &wanted);
  }

  void accept() {
    const Result r = os_.accept4(listener_, nullptr, kSockNonblock);
    if (r.ok()) watch(static_cast<int>(r.value));
  }

  void echo(int fd) {
    std::array<uint8_t, 512> text{};
    const Result r = os_.read(fd, text);
    if (r.ok() && r.value > 0) {
      (void)os_.write(fd, std::span(text).first(static_cast<size_t>(r.value)));
    } else {
      (void)os_.close(fd);  // the end of file, or an error
    }
  }

  Sockets& os_;
  int listener_ = -1, epoll_ = -1;
};

struct World {
  // Carries frames and lets the server serve until nothing happens any more.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = carry(client.stack, server.stack);
      moved = carry(server.stack, client.stack) || moved;
      client.sockets.pump(now);
      server.sockets.pump(now);
      echo.turn();
    }
  }

  // What a call of the client answers in the end.
  Result finish(Result r) {
    settle();
    while (r.blocked()) {
      r = client.sockets.retry(r.ticket);
      if (!r.blocked()) break;
      now = std::min({client.stack.next_deadline(), server.stack.next_deadline(),
                      client.sockets.next_deadline()});
      client.stack.expire(now);
      server.stack.expire(now);
      settle();
    }
    if (!r.ok()) std::printf("error: %s\n", errno_name(r.error).data());
    return r;
  }

  bool carry(stack::Stack& from, stack::Stack& to) {
    bool any = false;
    while (Frame f = from.next_frame()) {
      to.receive(std::span(&f, 1), now);
      any = true;
    }
    return any;
  }

  Instant now;
  Machine client{1}, server{2};
  EchoServer echo{server.sockets};
};

int main() {
  World world;
  Sockets& os = world.client.sockets;
  const std::string_view hello = "hello";
  std::array<uint8_t, 64> answer{};

  const int fd = static_cast<int>(os.socket(kAfInet, kSockStream, 0).value);
  world.finish(os.connect(fd, kServer));
  world.finish(os.write(fd, {reinterpret_cast<const uint8_t*>(hello.data()), hello.size()}));
  const Result n = world.finish(os.read(fd, answer));
  std::printf("echo: %.*s\n", static_cast<int>(n.value), reinterpret_cast<char*>(answer.data()));
  world.finish(os.shutdown(fd, kShutWr));
  const Result end = world.finish(os.read(fd, answer));
  world.finish(os.close(fd));
  std::puts(end == success(0) ? "end of file" : "something else");
  return end == success(0) ? 0 : 1;
}
