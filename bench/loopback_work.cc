// The kernel's TCP doing the same over loopback, both ends in this thread.
#include "couple.hh"
#include "report.hh"
#include "work.hh"

#include <cerrno>
#include <cstdint>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

namespace rapport::bench {

namespace {

constexpr uint32_t kAddresses = 8;  // 127.0.0.1 and its neighbours

// A descriptor that closes.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) { require(fd >= 0, "a socket"); }

  ~Fd() { finish(); }

  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  void finish() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  operator int() const { return fd_; }  // NOLINT(google-explicit-constructor)

 private:
  int fd_;
};

sockaddr_in address(uint32_t which) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + which % kAddresses);
  return a;
}

int stream_socket() {
  return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

// Listens on all of loopback; returns the port.
uint16_t listen_on(int fd) {
  sockaddr_in a = address(0);
  a.sin_addr.s_addr = htonl(INADDR_ANY);
  require(::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0, "bind");
  require(::listen(fd, 128) == 0, "listen");
  socklen_t size = sizeof a;
  require(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0, "getsockname");
  return ntohs(a.sin_port);
}

void connect_to(int fd, uint16_t port, uint32_t which) {
  sockaddr_in a = address(which);
  a.sin_port = htons(port);
  require(::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0, "connect");
}

void no_delay(int fd) {
  const int on = 1;
  require(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

void one_octet(int from, int to) {
  char c = 'o';
  require(::send(from, &c, 1, 0) == 1 && ::recv(to, &c, 1, 0) == 1, "one octet");
}

}  // namespace

double loopback_lifecycles(uint32_t lifecycles) {
  static uint32_t which = 0;
  const Fd listener(stream_socket());
  const uint16_t port = listen_on(listener);
  const double start = seconds();
  for (uint32_t i = 0; i < lifecycles; ++i) {
    Fd client(stream_socket());
    connect_to(client, port, ++which);
    Fd server(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    one_octet(client, server);
    one_octet(server, client);
    client.finish();  // closes first and keeps TIME-WAIT
    server.finish();
  }
  return lifecycles / (seconds() - start);
}

double loopback_bulk(uint64_t octets) {
  const Fd listener(stream_socket());
  const uint16_t port = listen_on(listener);
  const Fd client(stream_socket());
  connect_to(client, port, 0);
  const Fd server(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  const std::vector<uint8_t> from(262'144, 'x');
  std::vector<uint8_t> into(262'144);
  const double start = seconds();
  for (uint64_t sent = 0, got = 0; got < octets;) {
    const ssize_t w = ::send(client, from.data(), from.size(), MSG_DONTWAIT);
    require(w > 0 || errno == EAGAIN, "send");
    if (w > 0) sent += static_cast<uint64_t>(w);
    while (got < sent) {
      const ssize_t r = ::recv(server, into.data(), into.size(), MSG_DONTWAIT);
      require(r > 0 || (r < 0 && errno == EAGAIN), "recv");
      if (r <= 0) break;
      got += static_cast<uint64_t>(r);
    }
  }
  return static_cast<double>(octets) * 8e-9 / (seconds() - start);
}

double loopback_pingpong(uint32_t rounds) {
  const Fd listener(stream_socket());
  const uint16_t port = listen_on(listener);
  const Fd client(stream_socket());
  connect_to(client, port, 0);
  const Fd server(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  no_delay(client);
  no_delay(server);
  const double start = seconds();
  for (uint32_t i = 0; i < rounds; ++i) {
    one_octet(client, server);
    one_octet(server, client);
  }
  return rounds / (seconds() - start);
}

}  // namespace rapport::bench
