// The transport without TLS.
#include "rapport/app/transport.hh"

#include "rapport/socket/asio/stream.hh"

#include <memory>
#include <utility>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {
namespace {

class Plain final : public Transport {
 public:
  explicit Plain(asio::Stream stream) : stream_(std::move(stream)) {}

  asio::Stream& stream() override { return stream_; }

  boost::asio::awaitable<ErrorCode> open() override { co_return ErrorCode(); }

  boost::asio::awaitable<void> say_end() override { co_return; }

 private:
  void read(const Into& into, Done done) override {
    stream_.async_read_some(into, std::move(done));
  }

  void write(const From& from, Done done) override {
    stream_.async_write_some(from, std::move(done));
  }

  asio::Stream stream_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(asio::Stream stream) {
  return std::make_unique<Plain>(std::move(stream));
}

}  // namespace rapport::app
