// Datagram: one UDP socket of a rapport stack as an Asio object, in the shape of
// ip::udp::socket's asynchronous half. Any number of sends and receives may wait; handlers are
// never called from within the initiating function. Movable; destroying it closes the socket, and
// operations that wait end with operation_aborted. Errors are in errors.hh.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/datagram_link.hh"
#include "rapport/socket/asio/link.hh"
#include "rapport/udp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

class Datagram {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that Asio looks for
  using executor_type = IoExecutor;
  using lowest_layer_type = Datagram;
  using endpoint_type = Endpoint;
  // NOLINTEND(readability-identifier-naming)
  using ErrorCode = boost::system::error_code;

  // A socket that is not open; sending and connect() open it at a port of the stack's choice.
  explicit Datagram(Context& context) : link_(std::make_shared<DatagramLink>(context.core())) {}

  Datagram(Datagram&&) noexcept = default;

  Datagram& operator=(Datagram&& other) noexcept {
    if (this != &other) {
      if (link_) link_->close();
      link_ = std::move(other.link_);
    }
    return *this;
  }

  ~Datagram() {
    if (link_) link_->close();
  }

  [[nodiscard]] executor_type get_executor() const noexcept { return link_->core()->executor(); }

  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }

  // Address unspecified: any of ours; port 0: an ephemeral one (RFC 6056). `options` is copied.
  ErrorCode open(const Endpoint& local = {}, const udp::Options* options = nullptr) {
    return link_->open(local, options);
  }

  // From now on it hears `remote` only, and of its ICMP errors: the next operation then ends with
  // connection_refused or network_unreachable. Unspecified: anyone again.
  ErrorCode connect(const Endpoint& remote) { return link_->connect(remote); }

  [[nodiscard]] bool is_open() const { return link_->is_open(); }

  // One datagram, whole. Handler: void(error_code, size_t); message_size when it is too long.
  template <class Buffers, class Token>
  auto async_send_to(const Buffers& buffers, const Endpoint& remote, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [link = link_, text = text_of(buffers), remote](auto&& handler) mutable {
          link->send(std::move(text), remote,
                     make_completion<ErrorCode, size_t>(std::forward<decltype(handler)>(handler),
                                                        link->core()->executor()));
        },
        token);
  }

  // To the peer that it is connected to.
  template <class Buffers, class Token>
  auto async_send(const Buffers& buffers, Token&& token) {
    return async_send_to(buffers, Endpoint{}, std::forward<Token>(token));
  }

  // One datagram. Handler: void(error_code, size_t); message_size, and what fits, when the buffers
  // (the first 16 of them) are too small. `from` must stay until the handler is called.
  template <class Buffers, class Token>
  auto async_receive_from(const Buffers& buffers, Endpoint& from, Token&& token) {
    return receive(buffers, &from, std::forward<Token>(token));
  }

  template <class Buffers, class Token>
  auto async_receive(const Buffers& buffers, Token&& token) {
    return receive(buffers, nullptr, std::forward<Token>(token));
  }

  // Operations that wait end with operation_aborted; the socket stays.
  void cancel() { link_->cancel(); }

  void close() { link_->close(); }

  // bad_descriptor when it is not open.
  [[nodiscard]] std::expected<udp::Status, ErrorCode> status() const { return link_->status(); }

  [[nodiscard]] Endpoint local_endpoint() const { return status().value_or(udp::Status{}).local; }

  [[nodiscard]] Endpoint remote_endpoint() const { return status().value_or(udp::Status{}).remote; }

  ErrorCode set_options(const udp::Options& options) { return link_->set_options(options); }

 private:
  template <class Buffers>
  static DatagramText text_of(const Buffers& buffers) {
    DatagramText text;
    const auto begin = boost::asio::buffer_sequence_begin(buffers);
    const auto end = boost::asio::buffer_sequence_end(buffers);
    if (begin == end) return text;
    if (std::next(begin) == end) {
      const boost::asio::const_buffer only(*begin);
      text.there = {static_cast<const uint8_t*>(only.data()), only.size()};
    } else {
      text.copy.resize(boost::asio::buffer_size(buffers));
      boost::asio::buffer_copy(boost::asio::buffer(text.copy), buffers);
    }
    return text;
  }

  template <class Buffers, class Token>
  auto receive(const Buffers& buffers, Endpoint* from, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [link = link_, into = pieces_of<uint8_t>(buffers), from](auto&& handler) {
          link->receive(into, from,
                        make_completion<ErrorCode, size_t>(std::forward<decltype(handler)>(handler),
                                                           link->core()->executor()));
        },
        token);
  }

  std::shared_ptr<DatagramLink> link_;
};

}  // namespace rapport::asio
