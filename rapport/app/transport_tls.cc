// The transport with TLS: boost::asio::ssl::stream over socket/asio's Stream, and the loading of
// certificates with a line for each way in which that can fail. TLS 1.2 and newer (RFC 8996).
#include "rapport/app/transport.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/state.hh"

#include <cerrno>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace rapport::app {

namespace net = boost::asio;
namespace ssl = net::ssl;
using boost::system::error_code;

struct Tls::State {
  ssl::context context{ssl::context::tls};
};

namespace {

class Secure final : public Transport {
 public:
  using Role = ssl::stream_base::handshake_type;

  Secure(asio::Stream stream, ssl::context& context, Role role)
      : ssl_(std::move(stream), context), role_(role) {}

  ssl::stream<asio::Stream>& ssl() { return ssl_; }

  asio::Stream& stream() override { return ssl_.next_layer(); }

  net::awaitable<ErrorCode> open() override {
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await ssl_.async_handshake(role_, token);
    co_return ec;
  }

  // Ends when the peer has answered with its own close_notify (RFC 8446 6.1), or the stream's time
  // is up.
  net::awaitable<void> say_end() override {
    // Who has sent a FIN is often gone altogether and would answer with a reset.
    const auto status = stream().status();
    if (!status || tcp::peer_has_finished(status->state)) co_return;
    error_code ignored;
    auto token = net::redirect_error(net::use_awaitable, ignored);
    co_await ssl_.async_shutdown(token);
  }

  std::string why_untrusted() override {
    const long verdict = SSL_get_verify_result(ssl_.native_handle());
    return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
  }

 private:
  void read(const Into& into, Done done) override { ssl_.async_read_some(into, std::move(done)); }

  void write(const From& from, Done done) override { ssl_.async_write_some(from, std::move(done)); }

  ssl::stream<asio::Stream> ssl_;
  Role role_;
};

// Why a PEM file cannot even be opened; empty when it can.
std::string unreadable(const char* what, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return std::string("cannot read the ") + what + " '" + path
         + "': " + std::system_category().message(errno);
}

void forbid_what_is_old(ssl::context& context) {
  (void)SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  (void)SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION);
}

}  // namespace

Tls::Tls(std::unique_ptr<State> state) : state_(std::move(state)) {}

Tls::Tls(Tls&&) noexcept = default;
Tls& Tls::operator=(Tls&&) noexcept = default;
Tls::~Tls() = default;

std::expected<Tls, std::string> Tls::for_server(const std::string& certificate,
                                                const std::string& key) {
  auto state = std::make_unique<State>();
  ssl::context& context = state->context;
  forbid_what_is_old(context);
  if (auto why = unreadable("certificate", certificate); !why.empty()) return std::unexpected(why);
  if (auto why = unreadable("key", key); !why.empty()) return std::unexpected(why);
  error_code ec;
  context.use_certificate_chain_file(certificate, ec);
  if (ec) {
    return std::unexpected("'" + certificate
                           + "' holds no usable certificate in PEM form: " + ec.message());
  }
  // An encrypted key must not ask on the terminal.
  context.set_password_callback([](size_t, ssl::context::password_purpose) { return ""; }, ec);
  context.use_private_key_file(key, ssl::context::pem, ec);
  if (ec && ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH) {
    return std::unexpected("the key '" + key + "' does not belong to the certificate '"
                           + certificate + "'");
  }
  if (ec) {
    return std::unexpected("'" + key + "' holds no usable private key in PEM form, without a "
                           "password: " + ec.message());
  }
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return std::unexpected("the key '" + key + "' does not belong to the certificate '"
                           + certificate + "'");
  }
  return Tls(std::move(state));
}

std::expected<Tls, std::string> Tls::for_client(const std::string& authorities) {
  auto state = std::make_unique<State>();
  forbid_what_is_old(state->context);
  error_code ec;
  if (authorities.empty()) {
    state->context.set_default_verify_paths(ec);
    if (ec) return std::unexpected("cannot load the system's certificates: " + ec.message());
  } else {
    if (auto why = unreadable("certificates", authorities); !why.empty()) {
      return std::unexpected(why);
    }
    state->context.load_verify_file(authorities, ec);
    if (ec) {
      return std::unexpected("'" + authorities
                             + "' holds no certificate in PEM form: " + ec.message());
    }
  }
  state->context.set_verify_mode(ssl::verify_peer, ec);
  return Tls(std::move(state));
}

std::unique_ptr<Transport> Tls::accept(asio::Stream stream) const {
  return std::make_unique<Secure>(std::move(stream), state_->context,
                                  ssl::stream_base::handshake_type::server);
}

std::unique_ptr<Transport> Tls::connect(asio::Stream stream, const std::string& host) const {
  auto made = std::make_unique<Secure>(std::move(stream), state_->context,
                                       ssl::stream_base::handshake_type::client);
  SSL* const handle = made->ssl().native_handle();
  const bool literal = parse_address(host).has_value();
  if (literal) {
    (void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str());
  } else {
    (void)SSL_set_tlsext_host_name(handle, host.c_str());  // RFC 6066 3: names only
    (void)X509_VERIFY_PARAM_set1_host(SSL_get0_param(handle), host.c_str(), host.size());
  }
  return made;
}

}  // namespace rapport::app
