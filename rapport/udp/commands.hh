// What an application may ask of UDP (RFC 768, RFC 1122 4.1.4), as values in the manner of
// tcp/commands.hh. A Stack carries them out through command(c, now). Errors are the closed list of
// base/reason.hh; nothing is thrown.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"

#include <cstdint>
#include <span>

namespace rapport::udp {

// The most text of one datagram: what the 16-bit lengths of IPv4 and IPv6 leave.
inline constexpr uint32_t kLargestText4 = 65535 - 20 - 8;
inline constexpr uint32_t kLargestText6 = 65535 - 8;

// This bit of a handle's index tells a datagram socket from TCP's connections and listeners.
inline constexpr uint32_t kSocketBit = uint32_t{1} << 30;

[[nodiscard]] constexpr bool is_socket(Handle h) {
  return (h.index() >> 30) == 1;
}

struct Options {
  uint32_t receive_datagrams = 256;      // most that wait to be read; at least 1
  ByteCount receive_octets = 262'144_B;  // of text, all together
  uint8_t ttl = 64;                      // hop limit (RFC 1122 4.1.4); not 0
  uint8_t dscp = 0;                      // 0..63
};

// A socket at `local`. With a remote it is connected: it hears that peer only, and is told of its
// ICMP errors. Errors: AlreadyExists, LocalInvalid, RemoteInvalid, NoFreePort, Unreachable,
// NotAllowed (Diffserv), InvalidArgument (a limit or TTL of 0), InsufficientResources.
struct Open {
  Endpoint local;       // address unspecified: any of ours; port 0: an ephemeral one (RFC 6056)
  Endpoint remote{};    // unspecified: anyone
  uint64_t cookie = 0;  // comes back in every event of this socket
  Options options{};
};

// Gives an open socket another peer, or none (unspecified). What waits to be read stays. Errors: as
// for Open, and DoesNotExist; the socket then stays as it was.
struct Connect {
  Handle socket;
  Endpoint remote;
};

// One datagram, whole or not at all. Errors: WouldBlock (no room just now: What::Writable follows),
// MessageTooLong, RemoteUnspecified (none given, and not connected), RemoteInvalid (multicast,
// broadcast, port 0), AlreadyExists (connected to somebody else), LocalInvalid, Unreachable,
// DoesNotExist; and what ICMP has told of a connected socket, once: Refused, Unreachable.
struct SendTo {
  Handle socket;
  Endpoint remote{};  // unspecified: the peer of a connected socket
  std::span<const uint8_t> text{};
  IpAddress source{};  // unspecified: the socket's, else the one that reaches `remote`
};

// The oldest datagram that waits, copied out. Errors: WouldBlock, DoesNotExist, and what ICMP has
// told of a connected socket, once: Refused, Unreachable.
struct ReceiveFrom {
  Handle socket;
  std::span<uint8_t> into;
  bool peek = false;  // true: it stays queued
};

struct Received {
  ByteCount octets;  // written to `into`
  ByteCount length;  // of the datagram
  Endpoint from;
  IpAddress to;            // which of our addresses it was sent to (RFC 1122 4.1.3.5)
  bool truncated = false;  // `into` was too small; the rest is thrown away
};

// What is unread is thrown away; the handle is stale from now on. Errors: DoesNotExist.
struct CloseSocket {
  Handle socket;
};

// Datagrams that wait stay, whatever the new limits. Errors: as for Open, and DoesNotExist.
struct SetOptions {
  Handle socket;
  Options options;
};

struct GetStatus {
  Handle socket;
};

struct Status {
  Endpoint local, remote;
  uint64_t cookie = 0;
  uint32_t waiting = 0;              // datagrams to be read
  ByteCount receive_queue;           // their text
  ByteCount next;                    // text of the first of them
  uint64_t received = 0, sent = 0;   // datagrams
  uint64_t dropped = 0;              // arrived and did not fit
  uint64_t errors = 0;               // ICMP messages about what this socket has sent
  Error last_error = Error::kCount;  // the last of them, kCount: none, and about whom
  Endpoint last_error_remote;
  Options options;
};

// What happened, as bits of the same values as tcp::What has for the same things.
// NOLINTNEXTLINE(performance-enum-size): as wide as tcp::What
enum class What : uint16_t {
  Readable = 4,  // a datagram has arrived
  Writable = 8,  // room again, after a SendTo that would have blocked
  Trouble = 64,  // ICMP told of an error (RFC 1122 4.1.3.3): Status::last_error
};

struct Occurrence {
  Handle handle;
  uint64_t cookie = 0;
  uint16_t what = 0;  // bits of What

  [[nodiscard]] bool is(What w) const { return (what & static_cast<uint16_t>(w)) != 0; }
};

}  // namespace rapport::udp
