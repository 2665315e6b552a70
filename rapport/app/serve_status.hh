// The status socket of `serve`: a Unix stream socket, for its owner alone (mode 0600), that tells
// each connection one JSON document and closes. While it is there the stack's trace is on and read.
#pragma once

#include "rapport/app/device_options.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/observe/watch.hh"

#include <cstdint>
#include <expected>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

namespace rapport::app {

// A bound and listening Unix socket whose file goes with it.
class SocketFile {
 public:
  // An error is one line for people: the path is too long, somebody listens there, or something
  // else is there. The file of a program that has died is replaced.
  [[nodiscard]] static std::expected<SocketFile, std::string> make(const std::string& path);

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  // Another descriptor of the same socket, for whoever accepts.
  [[nodiscard]] int duplicate() const;

 private:
  SocketFile(std::string path, device::Descriptor fd);

  std::string path_;  // empty: moved from
  uint64_t inode_ = 0;
  device::Descriptor fd_;
};

class StatusSocket {
 public:
  // The network must outlive it, and the io_context must not run any more when it goes.
  StatusSocket(SocketFile file, Network& network, const HttpService& http);

 private:
  using Socket = boost::asio::local::stream_protocol::socket;

  void read_trace();
  boost::asio::awaitable<void> keep_reading();
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> tell(Socket socket);

  SocketFile file_;
  Network& network_;
  const HttpService& http_;
  observe::Watch watch_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  uint32_t telling_ = 0;
};

// Where `status` looks when it is not told, and `--status-socket auto` listens.
[[nodiscard]] std::string usual_status_socket();

}  // namespace rapport::app
