// Boost.Asio's ssl::stream and Beast's HTTP over it, on a Stream, unchanged.
#include "rapport/socket/asio/stream.hh"
#include "tests/unit/asio/certificate.hh"
#include "tests/unit/asio/world.hh"

#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = net::ssl;
using TlsStream = ssl::stream<Stream>;

static_assert(beast::is_async_stream<Stream>::value);
static_assert(beast::is_async_stream<TlsStream>::value);
static_assert(std::is_same_v<beast::lowest_layer_type<TlsStream>, Stream>);

struct Contexts {
  explicit Contexts(const std::string& name) : made(make_certificate(name)) {
    server.use_certificate_chain(net::buffer(made.certificate));
    server.use_private_key(net::buffer(made.key), ssl::context::pem);
    client.set_verify_mode(ssl::verify_peer);
  }

  void trust() { client.add_certificate_authority(net::buffer(made.certificate)); }

  Certificate made;
  ssl::context server{ssl::context::tls_server};
  ssl::context client{ssl::context::tls_client};
};

TEST(AsioTls, AnHttpRequestFindsItsAnswer) {
  World w;
  Contexts tls("server.lab");
  tls.trust();
  w.run(
      [](World& world, ssl::context& context) -> net::awaitable<void> {
        TlsStream s(co_await world.accepted(), context);
        co_await s.async_handshake(ssl::stream_base::server, net::use_awaitable);
        beast::flat_buffer buffer;
        http::request<http::string_body> request;
        co_await http::async_read(s, buffer, request, net::use_awaitable);
        http::response<http::string_body> answer(http::status::ok, request.version());
        answer.body() = std::string(300'000, 'y') + request.body();
        answer.prepare_payload();
        co_await http::async_write(s, answer, net::use_awaitable);
        co_await s.async_shutdown(net::use_awaitable);
      }(w, tls.server),
      [](World& world, ssl::context& context) -> net::awaitable<void> {
        TlsStream s(co_await world.connected(), context);
        beast::get_lowest_layer(s).expires_after(std::chrono::seconds(10));
        s.set_verify_callback(ssl::host_name_verification("server.lab"));
        co_await s.async_handshake(ssl::stream_base::client, net::use_awaitable);
        http::request<http::string_body> request(http::verb::post, "/", 11);
        request.body() = std::string(100'000, 'x');
        request.prepare_payload();
        co_await http::async_write(s, request, net::use_awaitable);
        beast::flat_buffer buffer;
        http::response<http::string_body> answer;
        co_await http::async_read(s, buffer, answer, net::use_awaitable);
        EXPECT_EQ(answer.body().size(), 400'000U);
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_shutdown(token);
        EXPECT_TRUE(!ec || ec == ssl::error::stream_truncated) << ec.message();
      }(w, tls.client));
}

TEST(AsioTls, ACertificateOfSomebodyElseIsRefused) {
  World w;
  Contexts tls("server.lab");
  tls.trust();
  w.run(
      [](World& world, ssl::context& context) -> net::awaitable<void> {
        TlsStream s(co_await world.accepted(), context);
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_handshake(ssl::stream_base::server, token);
        char octet = 0;
        if (!ec) (void)co_await s.async_read_some(net::buffer(&octet, 1), token);
        EXPECT_TRUE(ec);
      }(w, tls.server),
      [](World& world, ssl::context& context) -> net::awaitable<void> {
        TlsStream s(co_await world.connected(), context);
        s.set_verify_callback(ssl::host_name_verification("other.lab"));
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_handshake(ssl::stream_base::client, token);
        EXPECT_EQ(ec.category(), net::error::get_ssl_category()) << ec.message();
      }(w, tls.client));
}

TEST(AsioTls, AHandshakeThatNobodyAnswersEndsAtItsLimit) {
  World w;
  Contexts tls("server.lab");
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        std::string heard(4096, ' ');
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        while (!ec) (void)co_await s.async_read_some(net::buffer(heard), token);
        EXPECT_EQ(ec, net::error::eof);
      }(w),
      [](World& world, ssl::context& context) -> net::awaitable<void> {
        TlsStream s(co_await world.connected(), context);
        beast::get_lowest_layer(s).expires_after(std::chrono::milliseconds(50));
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_handshake(ssl::stream_base::client, token);
        EXPECT_EQ(ec, net::error::timed_out);
      }(w, tls.client));
}

}  // namespace
}  // namespace rapport::asio::test
