// Talk: what `rapport connect` and `rapport listen` share: octets from standard input to a peer and
// from the peer to standard output, both at once, until both have ended; and how that is told.
#pragma once

#include "rapport/app/device_options.hh"
#include "rapport/app/pipe_ends.hh"
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/stream.hh"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

// What `rapport connect` and `rapport listen` both take.
struct TalkOptions {
  bool udp = false, verbose = false;
  std::string wait = "2";
  DeviceOptions device;
};

// --udp, --wait, -v, the options of the device, and the footer. `into` must outlive the verb.
struct TalkHelp {
  const char* verbose;
  const char* udp;
  const char* bad_end;  // which ends of a connection make the exit status 1
};

void add_talk_options(CLI::App& verb, TalkOptions& into, const TalkHelp& help);
// --wait. Throws Misuse.
[[nodiscard]] std::chrono::seconds wait_of(const TalkOptions& options);

// In TCP's words, why a connection that was wanted or under way came to nothing: "refused: the
// peer's TCP answered our SYN with a reset". Empty for a proper end.
[[nodiscard]] std::string_view sentence(CloseReason reason);

// Who ends a conversation: whoever speaks last, or the peer's FIN (so that the next can be served).
enum class Until : uint8_t { BothEnded, PeerEnded };

// Both directions of one TCP connection. Throws Failure when it came to a bad end: a reset, a
// timeout, standard output closed. The connection is then reset; else it is closed.
boost::asio::awaitable<void> converse(asio::Stream& stream, Input& input, Output& output,
                                      Until until);

// The standard streams, and the signals that end the program: caught from here on.
struct Standard {
  explicit Standard(boost::asio::io_context& io)
      : input(io), output(io), signals(io, SIGINT, SIGTERM) {}

  Input input;
  Output output;
  boost::asio::signal_set signals;
};

// Runs `program` on the network until it ends, then waits up to 5 s until every FIN is acknowledged
// (only TIME-WAIT is left). SIGINT and SIGTERM: every connection is closed at once, then the same
// wait; a second one ends it. Returns the exit status; throws what the program throws.
int run_to_end(Network& network, Standard& standard, boost::asio::awaitable<void> program);

// "connected to 10.77.0.1:80 from 10.77.0.2:40000", on standard error.
void say(std::string_view verb, std::string_view line);

}  // namespace rapport::app
