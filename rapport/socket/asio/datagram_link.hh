// DatagramLink: what stays behind a Datagram while it is moved about: its handle in the stack and
// the operations that wait, each kind in the order of their calls.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/core.hh"
#include "rapport/socket/asio/link.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/system/error_code.hpp>

namespace rapport::asio {

// Text to be sent: the caller's memory, or a copy of what lay in several pieces.
struct DatagramText {
  std::span<const uint8_t> there;
  std::vector<uint8_t> copy;

  [[nodiscard]] std::span<const uint8_t> bytes() const { return copy.empty() ? there : copy; }
};

class DatagramLink final : public Socket, public std::enable_shared_from_this<DatagramLink> {
 public:
  explicit DatagramLink(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  ~DatagramLink();

  boost::system::error_code open(const Endpoint& local, const udp::Options* options);
  boost::system::error_code connect(const Endpoint& remote);
  // `from` may be nullptr.
  void receive(const ReadPieces& into, Endpoint* from, TransferCompletion done);
  // `remote` unspecified: the peer that it is connected to.
  void send(DatagramText text, const Endpoint& remote, TransferCompletion done);
  void cancel();
  void close();

  [[nodiscard]] bool is_open() const { return handle_.v != 0; }

  [[nodiscard]] std::expected<udp::Status, boost::system::error_code> status() const;
  boost::system::error_code set_options(const udp::Options& options);

  [[nodiscard]] const std::shared_ptr<Core>& core() const { return core_; }

 private:
  using Outcome = std::expected<size_t, boost::system::error_code>;

  struct Receiving {
    ReadPieces into;
    Endpoint* from;
    TransferCompletion done;
  };

  struct Sending {
    DatagramText text;
    Endpoint remote;
    TransferCompletion done;
  };

  void on_event(const tcp::Occurrence& event) override;
  void on_stop() override;
  void on_drain() override;

  // Nothing: it would block.
  std::optional<std::pair<boost::system::error_code, size_t>> try_receive(const Receiving& r);
  std::optional<boost::system::error_code> try_send(const Sending& s);
  void serve_receivers();
  void serve_senders();

  std::shared_ptr<Core> core_;
  Handle handle_;
  uint64_t cookie_ = 0;
  std::deque<Receiving> receiving_;
  std::deque<Sending> sending_;
  std::vector<uint8_t> scratch_;  // for text that goes to several pieces
};

}  // namespace rapport::asio
