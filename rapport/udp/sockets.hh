// Sockets: all UDP of one host (RFC 768, RFC 1122 4.1): who has which port, what waits to be read,
// whom an arriving datagram or an ICMP error is for. Headers and checksums are wire/udp, routes,
// fragments and ICMP are the stack's, which also counts and traces. What is needed from there comes
// in as Outside. No allocation after construction but in slabs.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/ports.hh"
#include "rapport/udp/queue.hh"
#include "rapport/udp/socket.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

namespace rapport::udp {

struct Config {
  uint32_t max_sockets = 16384;
  uint32_t max_datagrams = 65536;  // that wait to be read, of all sockets
  uint32_t max_blocks = 131072;    // of kBlockText octets, for their text
  uint64_t permitted_dscp = ~uint64_t{0};
  uint16_t ephemeral_first = 1024, ephemeral_last = 65535;  // RFC 6056 3.2
  std::span<const uint16_t> reserved_ports{};  // never chosen as ephemeral; read at construction
};

// A datagram on its way out: the stack puts the headers before it. `text` is valid during the call.
struct Outgoing {
  Endpoint local, remote;
  std::span<const uint8_t> text;
  uint8_t ttl = 64;
  uint8_t dscp = 0;
};

// The world outside, as the stack gives it. Nothing of it is owned; all must outlive the sockets.
struct Outside {
  void* context = nullptr;  // the first argument of the functions
  // Our address to speak to `remote` from (RFC 1122 3.3.4.3); unspecified: there is no route.
  IpAddress (*source_towards)(void* context, const IpAddress& remote) = nullptr;
  bool (*is_ours)(void* context, const IpAddress& address) = nullptr;
  // A broadcast address of one of our networks. (The limited one is known here.)
  bool (*is_broadcast)(void* context, const IpAddress& address) = nullptr;
  // Takes a datagram, or answers WouldBlock (no room: call may_send() later) or Unreachable.
  std::expected<void, Error> (*send)(void* context, const Outgoing& datagram) = nullptr;
  Random* random = nullptr;     // for hash keys and ephemeral ports
  bool* memory_grew = nullptr;  // set whenever prepare() has become worth a call; may be nullptr
};

// What became of a datagram that arrived.
struct Arrival {
  enum class Kind : uint8_t {
    Delivered,
    PortUnreachable,  // to be answered by ICMP, unless it was not sent to us alone (RFC
                      // 1122 4.1.3.1)
    Dropped,
  };
  Kind kind = Kind::Delivered;
  DropReason reason = DropReason::None;  // UdpNoSocket, UdpQueueFull, PoolExhausted
};

class Sockets {
 public:
  Sockets(const Config& config, const Outside& outside);

  // --- calls ------------------------------------------------------------------------------------
  std::expected<Handle, Error> command(const Open& c);
  std::expected<void, Error> command(const Connect& c);
  std::expected<void, Error> command(const SendTo& c);
  std::expected<Received, Error> command(const ReceiveFrom& c);
  std::expected<void, Error> command(const CloseSocket& c);
  std::expected<void, Error> command(const SetOptions& c);
  [[nodiscard]] std::expected<Status, Error> command(const GetStatus& c) const;
  // Closes every socket. For Stack::drain.
  void close_all();

  // --- from below -------------------------------------------------------------------------------
  // A datagram for one of our addresses, its checksum found right. The most specific socket has it:
  // one connected to `remote`, else one at this very address, else one at any.
  [[nodiscard]] Arrival arrives(std::span<const uint8_t> text, const Endpoint& local,
                                const Endpoint& remote);
  // ICMP quotes a datagram that we sent from `local` to `remote`: Refused (port unreachable),
  // Unreachable (all other destination unreachable and time exceeded). False: nobody here has sent
  // it. A connected socket hears of it from its next call, any socket by What::Trouble.
  bool error_arrives(Error error, const Endpoint& local, const Endpoint& remote);
  // A socket here may have sent a datagram from `local` to `remote`.
  [[nodiscard]] bool may_have_sent(const Endpoint& local, const Endpoint& remote) const;
  // There is room to send again: sockets whose SendTo would have blocked are told.
  void may_send();

  // --- outputs ----------------------------------------------------------------------------------
  // The next thing that happened; false when there is none. Events of one socket coalesce.
  [[nodiscard]] bool next_event(Occurrence& out);

  [[nodiscard]] bool has_events() const { return events_.head != kNone; }

  // --- questions --------------------------------------------------------------------------------
  // All zero: every pool is empty.
  struct Population {
    uint32_t sockets = 0, datagrams = 0, blocks = 0;
    friend bool operator==(const Population&, const Population&) = default;
  };

  [[nodiscard]] Population population() const {
    return {sockets_.used(), queues_.datagrams(), queues_.blocks()};
  }

  // Handles of all sockets, in slab order.
  void sockets(std::vector<Handle>& out) const;
  // Calls add(to, field) for every field that the future depends on (Stack::fingerprint).
  void fingerprint(void (*add)(void* to, uint64_t field), void* to) const;
  // Once a turn: touches memory ahead of need, at most `limit` octets; returns the octets touched.
  size_t prepare(size_t limit);

 private:
  // A socket's two ends.
  struct Ends {
    Endpoint local, remote;
    bool chose_local = false;
  };

  [[nodiscard]] uint32_t find(Handle h) const;
  [[nodiscard]] std::expected<void, Error> check(const Options& o) const;
  [[nodiscard]] std::expected<void, Error> check_remote(const Endpoint& remote) const;
  [[nodiscard]] std::expected<Ends, Error> connect_ends(Endpoint local,
                                                        const Endpoint& remote) const;
  [[nodiscard]] std::expected<Ends, Error> find_ends(const Open& c);
  [[nodiscard]] std::expected<Outgoing, Error> address(const Socket& s, const SendTo& c) const;

  [[nodiscard]] Handle handle_of(uint32_t i) const {
    return Handle::make(kSocketBit | i, sockets_[i].generation);
  }

  void tell(uint32_t i, What what);
  void close(uint32_t i);

  Outside outside_;
  uint64_t permitted_dscp_;
  SocketSlab sockets_;
  Ports ports_;
  Queues queues_;
  LinkedList<&Socket::in_events> events_;
  LinkedList<&Socket::in_stuck> stuck_;
};

}  // namespace rapport::udp
