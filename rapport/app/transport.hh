// Transport: a connection that carries HTTP, with TLS or without, behind one interface, so that the
// code above is compiled once. An AsyncReadStream and AsyncWriteStream of Asio and Beast. TLS is
// Asio's OpenSSL stream over ours; no library of TLS shows here.
#pragma once

#include "rapport/socket/asio/stream.hh"

#include <array>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

class Transport {
 public:
  using ErrorCode = boost::system::error_code;
  // NOLINTNEXTLINE(readability-identifier-naming): the name that Asio looks for
  using executor_type = asio::Stream::executor_type;
  using Done = std::move_only_function<void(ErrorCode, size_t)>;

  // The first buffers of a caller's sequence; the rest waits for the next operation.
  template <class Buffer>
  class Some {
   public:
    template <class Buffers>
    explicit Some(const Buffers& from) {
      const auto end = boost::asio::buffer_sequence_end(from);
      for (auto i = boost::asio::buffer_sequence_begin(from); i != end && count_ < all_.size();
           ++i) {
        const Buffer buffer(*i);
        if (buffer.size() > 0) all_[count_++] = buffer;
      }
    }

    [[nodiscard]] const Buffer* begin() const { return all_.data(); }

    [[nodiscard]] const Buffer* end() const { return all_.data() + count_; }

   private:
    std::array<Buffer, 8> all_;
    size_t count_ = 0;
  };

  using Into = Some<boost::asio::mutable_buffer>;
  using From = Some<boost::asio::const_buffer>;

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  // The TCP connection below: its time limit, status, end. Bytes go through the transport.
  [[nodiscard]] virtual asio::Stream& stream() = 0;
  // The TLS handshake; nothing without TLS.
  virtual boost::asio::awaitable<ErrorCode> open() = 0;
  // What TLS has to say at the end; nothing without TLS. The FIN is the caller's.
  virtual boost::asio::awaitable<void> say_end() = 0;

  // Why the peer's certificate was not accepted; empty: it was, or there is none.
  [[nodiscard]] virtual std::string why_untrusted() { return {}; }

  [[nodiscard]] executor_type get_executor() noexcept { return stream().get_executor(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this, into = Into(buffers)](auto&& handler) {
          read(into, Done(std::forward<decltype(handler)>(handler)));
        },
        token);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this, from = From(buffers)](auto&& handler) {
          write(from, Done(std::forward<decltype(handler)>(handler)));
        },
        token);
  }

 private:
  virtual void read(const Into& into, Done done) = 0;
  virtual void write(const From& from, Done done) = 0;
};

[[nodiscard]] std::unique_ptr<Transport> plain_transport(asio::Stream stream);

// What all TLS connections of one end share. Errors are one line for people.
class Tls {
 public:
  // `certificate`: a PEM file with the chain, the server's own first; `key`: its private key.
  [[nodiscard]] static std::expected<Tls, std::string> for_server(const std::string& certificate,
                                                                  const std::string& key);
  // Verifies servers by the certificates in the PEM file `authorities`; empty: those of the system.
  [[nodiscard]] static std::expected<Tls, std::string> for_client(const std::string& authorities);

  Tls(Tls&&) noexcept;
  Tls& operator=(Tls&&) noexcept;
  ~Tls();

  [[nodiscard]] std::unique_ptr<Transport> accept(asio::Stream stream) const;
  // `host`: whom the certificate must name, a DNS name or a literal address.
  [[nodiscard]] std::unique_ptr<Transport> connect(asio::Stream stream,
                                                   const std::string& host) const;

 private:
  struct State;
  explicit Tls(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace rapport::app
