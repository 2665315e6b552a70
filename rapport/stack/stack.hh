// Stack: one shard's whole protocol world, without I/O. Four kinds of methods:
//   inputs     receive(burst, now), command(c, now), expire(now)
//   outputs    next_frame(), next_event(), next_deadline()
//   questions  status, counters, trace, pools
// Time comes in as an argument and never goes back. After any input, take frames until there are
// none (that is when owed segments are made: owe, then pay once), take events until there are none,
// then wait for a frame, a call or next_deadline(). Not thread-safe; movable it is not.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/sockets.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace rapport::stack {

struct Config {
  std::vector<Interface> interfaces = std::vector<Interface>(1);  // by number, from 0
  // Through routers; networks of our addresses need none. One whose gateway is on no network of
  // ours is left out, and counted in unusable_routes.
  std::vector<Route> routes{};
  uint32_t frame_headroom = 64;   // octets kept free before the IP header: link header and device
  uint32_t max_path_mtus = 1024;  // destinations whose path MTU is known; beyond, the oldest goes
  tcp::Config tcp{};
  ip::NeighbourConfig neighbours{};  // of every Ethernet interface
  ip::ReassemblyConfig reassembly{};
  uint32_t icmp_errors = 1000, icmp_error_burst = 50;  // that we send: a second, and at once
  udp::Config udp{};  // its ephemeral ports are TCP's, see tcp::Config
  // Called once per SendBorrowed when its octets are no longer needed. May be nullptr.
  void (*release)(void* context, uint64_t token) = nullptr;
  void* release_context = nullptr;
};

// What a buffer of the pool must hold at least.
[[nodiscard]] uint32_t buffer_size(const Config& config);

struct World;    // world.hh, private to stack/
class Recorder;  // recording.hh

// Where an outsider who sees both ends of a flow counts from; what a stack alone does not know, or
// no longer remembers.
struct Origin {
  Endpoint remote;
  uint16_t local_port = 0;
  Seq iss, irs;  // numbers of ours are told relative to iss, the peer's to irs
  uint32_t clock = 0, peer_clock = 0;  // what the timestamps of this flow read now, of either end
};

class Stack {
 public:
  // `frames` gives the buffers of all frames that this stack makes; it must outlive the stack, and
  // its buffers must hold frame_headroom and a packet of the largest MTU: see buffer_size().
  Stack(const Config& config, FramePool& frames);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // From now on `recorder` is told of everything that is asked of this stack, which must be new for
  // that to be enough for a replay; nullptr: nobody. Either may end first: a recorder that ends
  // hears no more, and it listens to one stack at a time.
  void record(Recorder* recorder);

  // --- inputs ---------------------------------------------------------------------------------
  // One burst of packets that came in by one interface; each frame is consumed (left empty).
  void receive(std::span<Frame> burst, Instant now, uint16_t interface = 0);
  // Timers that are due. Bounded work: while next_deadline() <= now, call again before time moves.
  void expire(Instant now);

  std::expected<Handle, Error> command(const tcp::Connect& c, Instant now);
  std::expected<Handle, Error> command(const tcp::Listen& c, Instant now);
  std::expected<Handle, Error> command(const tcp::Accept& c, Instant now);
  std::expected<ByteCount, Error> command(const tcp::Send& c, Instant now);
  std::expected<void, Error> command(const tcp::SendBorrowed& c, Instant now);
  std::expected<ByteCount, Error> command(const tcp::Receive& c, Instant now);
  std::expected<void, Error> command(const tcp::Consume& c, Instant now);
  std::expected<void, Error> command(const tcp::ShutdownWrite& c, Instant now);
  std::expected<void, Error> command(const tcp::Close& c, Instant now);
  std::expected<void, Error> command(const tcp::Abort& c, Instant now);
  std::expected<void, Error> command(const tcp::CloseListener& c, Instant now);
  std::expected<void, Error> command(const tcp::SetOptions& c, Instant now);
  std::expected<void, Error> command(const tcp::SetBacklog& c, Instant now);
  std::expected<tcp::Status, Error> command(const tcp::GetStatus& c, Instant now);

  std::expected<Handle, Error> command(const udp::Open& c, Instant now);
  std::expected<void, Error> command(const udp::Connect& c, Instant now);
  std::expected<void, Error> command(const udp::SendTo& c, Instant now);
  std::expected<udp::Received, Error> command(const udp::ReceiveFrom& c, Instant now);
  std::expected<void, Error> command(const udp::CloseSocket& c, Instant now);
  std::expected<void, Error> command(const udp::SetOptions& c, Instant now);
  std::expected<udp::Status, Error> command(const udp::GetStatus& c, Instant now);

  // Stops all listeners and closes every connection as CLOSE does; what is left at `deadline` is
  // aborted by expire() with CloseReason::Drained. drained() when only TIME-WAIT is left.
  void drain(Instant now, Instant deadline);
  [[nodiscard]] bool drained() const;

  // --- outputs --------------------------------------------------------------------------------
  // The next packet to send; a false frame when there is none. With several interfaces `interface`
  // tells by which one.
  [[nodiscard]] Frame next_frame();
  [[nodiscard]] Frame next_frame(uint16_t& interface);
  // The next thing that happened; false when there is none. Events of one connection coalesce.
  // Those of UDP's sockets (udp::is_socket) have the bits of udp::What.
  [[nodiscard]] bool next_event(tcp::Occurrence& out);
  // When expire() wants to be called; kNever when no timer runs.
  [[nodiscard]] Instant next_deadline();
  // A timer is due. Unlike next_deadline() it settles nothing: for drivers that let the application
  // hear of a burst before its debts are paid, so that an answer carries the ACK.
  [[nodiscard]] bool is_due(Instant now) const;

  // --- questions ------------------------------------------------------------------------------
  // The first contiguous run of unread text, valid until the next input.
  [[nodiscard]] std::span<const uint8_t> readable(Handle connection) const;
  [[nodiscard]] const tcp::Counters& counters() const;
  // What this stack was made with.
  [[nodiscard]] const Config& config() const;
  [[nodiscard]] Trace& trace();
  // A hash of every protocol field, the same for the same history.
  [[nodiscard]] uint64_t fingerprint() const;
  // The same of what decides how this stack will behave from `now` on, whatever its past: times
  // relative to `now`, sequence numbers to the ISS and IRS of their connections, timestamps to
  // their clocks. To be asked when all frames and events have been taken. What it leaves out, and
  // why that may be, stands in relative_fingerprint.cc.
  [[nodiscard]] uint64_t relative_fingerprint(Instant now,
                                              std::span<const Origin> origins = {}) const;

  // What is alive now. All zero: every pool is empty.
  struct Population {
    uint32_t connections = 0, half_open = 0, time_wait = 0, listeners = 0;
    uint32_t transfers = 0, extras = 0, blocks = 0, pieces = 0;
    uint32_t datagram_sockets = 0, datagrams = 0;  // UDP's, and what waits in them to be read
    uint32_t fragmented = 0;                       // datagrams that lack fragments
  };

  [[nodiscard]] Population population() const;
  // Handles of all connections (any state but LISTEN and unaccepted half-open), in slab order.
  void connections(std::vector<Handle>& out) const;
  // The same for UDP's sockets.
  void datagram_sockets(std::vector<Handle>& out) const;
  // Whether an address of ours may be used: on Ethernet it is checked first (RFC 4862 5.4, 5227).
  [[nodiscard]] ip::AddressState address_state(const IpAddress& address) const;
  // The state of whatever lives under this tuple: Listen is not a tuple; Closed when nobody does.
  [[nodiscard]] tcp::State state_of(const Endpoint& local, const Endpoint& remote) const;
  // Whether TCP uses this port at this address of ours: a listener, or connections up to the end of
  // TIME-WAIT. With an unspecified address: at any. Looks at every connection.
  [[nodiscard]] bool uses_port(const Endpoint& local) const;
  // For tests and auditors: the first broken invariant in words, empty when all hold.
  [[nodiscard]] std::string_view audit() const;

 private:
  std::unique_ptr<World> world_;
};

}  // namespace rapport::stack
