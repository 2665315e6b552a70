// Link: what stays behind a Stream while it is moved about: its handle in the stack, the
// operations that wait, its time limit. At most one operation of each kind (connect, read, write).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/core.hh"
#include "rapport/socket/asio/errors.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

// The first pieces of a caller's buffer sequence; what is beyond them waits for the next operation.
template <class Octet>
struct Pieces {
  std::array<std::span<Octet>, 16> parts;
  size_t count = 0;

  [[nodiscard]] std::span<const std::span<Octet>> all() const { return {parts.data(), count}; }
};

template <class Octet, class Buffers>
Pieces<Octet> pieces_of(const Buffers& buffers) {
  using Buffer = std::conditional_t<std::is_const_v<Octet>, boost::asio::const_buffer,
                                    boost::asio::mutable_buffer>;
  Pieces<Octet> pieces;
  const auto end = boost::asio::buffer_sequence_end(buffers);
  for (auto i = boost::asio::buffer_sequence_begin(buffers); i != end; ++i) {
    if (pieces.count == pieces.parts.size()) break;
    const Buffer buffer(*i);
    if (buffer.size() == 0) continue;
    pieces.parts[pieces.count++] = {static_cast<Octet*>(buffer.data()), buffer.size()};
  }
  return pieces;
}

using ReadPieces = Pieces<uint8_t>;
using WritePieces = Pieces<const uint8_t>;
using ConnectCompletion = CompletionPtr<boost::system::error_code>;
using TransferCompletion = CompletionPtr<boost::system::error_code, size_t>;

class Link final : public Socket, public std::enable_shared_from_this<Link> {
 public:
  explicit Link(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  ~Link();

  void connect(const Endpoint& remote, const tcp::ConnectionOptions* options,
               ConnectCompletion done);
  // One after the other until one answers; the error is that of the last.
  void connect_to_any(std::vector<Endpoint> remotes,
                      CompletionPtr<boost::system::error_code, Endpoint> done);
  // Takes over a connection that a listener has accepted with the core's next cookie.
  void adopt(Handle handle);
  void read(const ReadPieces& into, TransferCompletion done);
  enum class Text : uint8_t { Plain, Urgent };
  void write(const WritePieces& from, Text text, TransferCompletion done);
  boost::system::error_code shutdown();
  void wait_end(ConnectCompletion done);
  void abort();
  // Ends the operations that wait with `operation_aborted`, and the connection too.
  void close();
  void cancel();
  // Then the stream closes itself: what waits, and what is asked for later, ends with `timed_out`.
  void expires_at(std::optional<std::chrono::steady_clock::time_point> when);

  [[nodiscard]] bool expired() const { return expired_; }

  [[nodiscard]] bool is_open() const { return handle_.v != 0; }

  [[nodiscard]] std::expected<tcp::Status, boost::system::error_code> status() const;
  boost::system::error_code set_options(const tcp::ConnectionOptions& options);

  // Why the connection has ended; None while it has not.
  [[nodiscard]] CloseReason reason() const { return reason_; }

  [[nodiscard]] const std::shared_ptr<Core>& core() const { return core_; }

 private:
  using Outcome = std::expected<size_t, boost::system::error_code>;

  void on_event(const tcp::Occurrence& event) override;
  void on_stop() override;
  void on_drain() override;

  // Nothing: it would block.
  std::optional<Outcome> try_read();
  std::optional<Outcome> try_write();
  void resume_reading();
  void resume_writing();
  void resume_ending();
  void finish_all(boost::system::error_code why);
  void close_for(boost::system::error_code why);
  void detach();
  [[nodiscard]] std::optional<boost::system::error_code> unusable(Role role) const;

  std::shared_ptr<Core> core_;
  Handle handle_;
  uint64_t cookie_ = 0;
  CloseReason reason_ = CloseReason::None;
  bool closed_ = false;  // by close(), a time limit or a drain
  bool expired_ = false;
  ReadPieces read_into_;
  WritePieces write_from_;
  Text write_text_ = Text::Plain;
  ConnectCompletion connecting_, ending_;
  TransferCompletion reading_, writing_;
  std::optional<boost::asio::steady_timer> limit_;
  uint64_t limit_number_ = 0;
};

}  // namespace rapport::asio
