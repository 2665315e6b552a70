// Making the socket file with care, and telling.
#include "rapport/app/serve_status.hh"

#include "rapport/app/device_options.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/status_report.hh"
#include "rapport/base/trace.hh"
#include "rapport/device/descriptor.hh"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr uint32_t kTraceRecords = 1 << 15;  // 8 MiB: what comes in a few 10 ms
constexpr milliseconds kBusy{10}, kQuiet{50};
constexpr std::chrono::seconds kPatience{5};
constexpr uint32_t kMostAtOnce = 8;  // more wait to be accepted
constexpr milliseconds kPause{10}, kPauseInTrouble{100};

std::string reason(int code) {
  return std::system_category().message(code);
}

// 0, or the errno of connect(2).
int knock(const sockaddr_un& address) {
  const device::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(fd.get(), where, sizeof(address)) == 0 ? 0 : errno;
}

// Empty: the path is free now.
std::string make_room(const std::string& path, const sockaddr_un& address) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) return {};
  if (!S_ISSOCK(about.st_mode)) {
    return fmt::format("'{}' is there and is no socket: choose another name", path);
  }
  const int code = knock(address);
  if (code == 0 || code == EAGAIN) {
    return fmt::format("another program listens at '{}': choose another name", path);
  }
  if (code != ECONNREFUSED) return fmt::format("cannot use '{}': {}", path, reason(code));
  if (::unlink(path.c_str()) != 0) {
    return fmt::format("cannot remove '{}', which a program has left behind: {}", path,
                       reason(errno));
  }
  return {};
}

}  // namespace

SocketFile::SocketFile(std::string path, device::Descriptor fd)
    : path_(std::move(path)), fd_(std::move(fd)) {
  struct stat about{};
  if (::lstat(path_.c_str(), &about) == 0) inode_ = about.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), inode_(other.inode_), fd_(std::move(other.fd_)) {}

int SocketFile::duplicate() const {
  return ::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
}

// Removes the file only while it is the one that was made here.
SocketFile::~SocketFile() {
  struct stat about{};
  if (path_.empty() || ::lstat(path_.c_str(), &about) != 0 || about.st_ino != inode_) return;
  (void)::unlink(path_.c_str());
}

std::expected<SocketFile, std::string> SocketFile::make(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return std::unexpected(fmt::format("'{}': 1 to {} octets are allowed for its name", path,
                                       sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (std::string why = make_room(path, address); !why.empty()) return std::unexpected(why);
  device::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(fmt::format("cannot make a socket: {}", reason(errno)));
  const mode_t before = ::umask(0177);  // the file has its mode from the start
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  const int code = ::bind(fd.get(), where, sizeof(address)) == 0 ? 0 : errno;
  (void)::umask(before);
  if (code != 0) return std::unexpected(fmt::format("cannot make '{}': {}", path, reason(code)));
  SocketFile made(path, std::move(fd));
  if (::listen(made.fd_.get(), SOMAXCONN) != 0) {
    return std::unexpected(fmt::format("cannot listen at '{}': {}", path, reason(errno)));
  }
  return made;
}

StatusSocket::StatusSocket(SocketFile file, Network& network, const HttpService& http)
    : file_(std::move(file)), network_(network), http_(http), acceptor_(network.io()) {
  network_.shard().stack().trace().enable(kTraceRecords);
  acceptor_.assign(net::local::stream_protocol(), file_.duplicate());
  net::co_spawn(network_.io(), keep_reading(), net::detached);
  net::co_spawn(network_.io(), accept(), net::detached);
}

void StatusSocket::read_trace() {
  TraceRecord record;
  while (network_.shard().stack().trace().read(record)) watch_.take(record);
}

net::awaitable<void> StatusSocket::keep_reading() {
  net::steady_timer timer(network_.io());
  const Trace& trace = network_.shard().stack().trace();
  uint64_t written = 0;
  while (true) {
    timer.expires_after(std::exchange(written, trace.written()) == trace.written() ? kQuiet
                                                                                   : kBusy);
    co_await timer.async_wait(net::use_awaitable);
    read_trace();
  }
}

net::awaitable<void> StatusSocket::accept() {
  net::steady_timer pause(network_.io());
  while (true) {
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    if (telling_ < kMostAtOnce) {
      Socket socket = co_await acceptor_.async_accept(token);
      if (!ec) {
        ++telling_;
        net::co_spawn(network_.io(), tell(std::move(socket)), net::detached);
        continue;
      }
    }
    pause.expires_after(ec ? kPauseInTrouble : kPause);  // no descriptor left, say
    co_await pause.async_wait(net::use_awaitable);
  }
}

net::awaitable<void> StatusSocket::tell(Socket socket) {
  read_trace();
  auto& shard = network_.shard();
  const StatusSource source{shard.stack(),      watch_,
                            http_.counters(),   shard.device().counters(),
                            network_.two_msl(), network_.plan().name};
  const std::string text = status_report(source, shard.now()).dump() + "\n";
  const auto shared = std::make_shared<Socket>(std::move(socket));
  net::steady_timer limit(network_.io(), kPatience);
  limit.async_wait([shared](const error_code& failed) {
    if (!failed) shared->close();
  });
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await net::async_write(*shared, net::buffer(text), token);
  --telling_;
}

std::string usual_status_socket() {
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder != nullptr && *folder == '/') return std::string(folder) + "/rapport.sock";
  return fmt::format("/tmp/rapport-{}.sock", ::getuid());
}

}  // namespace rapport::app
