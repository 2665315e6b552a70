// DatagramLink: operations are tried at once and, where there is nothing to read or no room, again
// at each event that may have changed that.
#include "rapport/socket/asio/datagram_link.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/errors.hh"
#include "rapport/socket/asio/link.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

const error_code kAborted = net::error::operation_aborted;

error_code to_error_code(Error e) {
  return to_error_code(e, Role::Opener);
}

}  // namespace

DatagramLink::~DatagramLink() {
  close();
}

error_code DatagramLink::open(const Endpoint& local, const udp::Options* options) {
  if (core_->stopped()) return kAborted;
  if (is_open()) return net::error::already_open;
  udp::Open call;
  call.local = local;
  if (options != nullptr) call.options = *options;
  call.cookie = cookie_ = core_->bind(*this);
  const auto handle = core_->command(call);
  if (!handle) {
    core_->unbind(std::exchange(cookie_, 0));
    return to_error_code(handle.error());
  }
  handle_ = *handle;
  return {};
}

error_code DatagramLink::connect(const Endpoint& remote) {
  if (!is_open()) {
    if (const error_code failed = open({}, nullptr)) return failed;
  }
  if (core_->stopped()) return kAborted;
  const auto done = core_->command(udp::Connect{handle_, remote});
  return done ? error_code() : to_error_code(done.error());
}

void DatagramLink::receive(const ReadPieces& into, Endpoint* from, TransferCompletion done) {
  receiving_.push_back({into, from, std::move(done)});
  if (receiving_.size() == 1) serve_receivers();
}

void DatagramLink::send(DatagramText text, const Endpoint& remote, TransferCompletion done) {
  if (!is_open() && !core_->stopped()) {
    if (const error_code failed = open({}, nullptr)) return finish(done, failed, size_t{0});
  }
  sending_.push_back({std::move(text), remote, std::move(done)});
  if (sending_.size() == 1) serve_senders();
}

std::optional<std::pair<error_code, size_t>> DatagramLink::try_receive(const Receiving& r) {
  const auto failed = [](error_code ec) { return std::pair(ec, size_t{0}); };
  if (core_->stopped()) return failed(kAborted);
  if (!is_open()) return failed(net::error::bad_descriptor);
  std::span<uint8_t> into = r.into.count == 1 ? r.into.parts[0] : std::span<uint8_t>();
  if (r.into.count > 1) {
    size_t room = 0;
    for (const auto part : r.into.all()) room += part.size();
    scratch_.resize(std::min<size_t>(room, UINT16_MAX));
    into = scratch_;
  }
  const auto got = core_->command(udp::ReceiveFrom{handle_, into});
  if (!got && got.error() == Error::WouldBlock) return std::nullopt;
  if (!got) return failed(to_error_code(got.error()));
  if (r.from != nullptr) *r.from = got->from;
  if (r.into.count > 1) {
    std::span<const uint8_t> rest = into.first(got->octets.v);
    for (const auto part : r.into.all()) {
      const auto piece = rest.first(std::min(part.size(), rest.size()));
      std::ranges::copy(piece, part.begin());
      rest = rest.subspan(piece.size());
    }
  }
  const error_code ec = got->truncated ? error_code(net::error::message_size) : error_code();
  return std::pair(ec, size_t{got->octets.v});
}

std::optional<error_code> DatagramLink::try_send(const Sending& s) {
  if (core_->stopped()) return kAborted;
  if (!is_open()) return error_code(net::error::bad_descriptor);
  const auto sent = core_->command(udp::SendTo{handle_, s.remote, s.text.bytes(), {}});
  if (!sent && sent.error() == Error::WouldBlock) return std::nullopt;
  return sent ? error_code() : to_error_code(sent.error());
}

void DatagramLink::serve_receivers() {
  while (!receiving_.empty()) {
    const auto outcome = try_receive(receiving_.front());
    if (!outcome) return;
    TransferCompletion done = std::move(receiving_.front().done);
    receiving_.pop_front();
    finish(done, outcome->first, outcome->second);
  }
}

void DatagramLink::serve_senders() {
  while (!sending_.empty()) {
    const auto outcome = try_send(sending_.front());
    if (!outcome) return;
    const size_t octets = *outcome ? 0 : sending_.front().text.bytes().size();
    TransferCompletion done = std::move(sending_.front().done);
    sending_.pop_front();
    finish(done, *outcome, octets);
  }
}

void DatagramLink::on_event(const tcp::Occurrence& /*event*/) {
  serve_receivers();
  serve_senders();
}

void DatagramLink::cancel() {
  for (Receiving& r : std::exchange(receiving_, {})) finish(r.done, kAborted, size_t{0});
  for (Sending& s : std::exchange(sending_, {})) finish(s.done, kAborted, size_t{0});
}

void DatagramLink::close() {
  cancel();
  if (is_open() && !core_->stopped()) (void)core_->command(udp::CloseSocket{handle_});
  if (cookie_ != 0) core_->unbind(std::exchange(cookie_, 0));
  handle_ = {};
}

std::expected<udp::Status, error_code> DatagramLink::status() const {
  if (core_->stopped()) return std::unexpected(kAborted);
  auto status = core_->shard().stack().command(udp::GetStatus{handle_}, core_->shard().now());
  if (!status) return std::unexpected(to_error_code(status.error()));
  return *status;
}

error_code DatagramLink::set_options(const udp::Options& options) {
  if (core_->stopped()) return kAborted;
  const auto done = core_->command(udp::SetOptions{handle_, options});
  return done ? error_code() : to_error_code(done.error());
}

// Dropping a handler may destroy this link: nothing of it is touched afterwards.
void DatagramLink::on_stop() {
  const auto receiving = std::exchange(receiving_, {});
  const auto sending = std::exchange(sending_, {});
}

void DatagramLink::on_drain() {
  close();
}

}  // namespace rapport::asio
