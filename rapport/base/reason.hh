// The closed vocabularies of outcomes: what a caller may be told (Error), why a connection ended
// (CloseReason), why a packet was dropped (DropReason). Names for people come from name().
#pragma once

#include <cstdint>
#include <string_view>

namespace rapport {

// What a command answers when it cannot be carried out. errno lives in socket/ only.
enum class Error : uint8_t {
  DoesNotExist,           // no such connection or listener (RFC 9293: "connection does not exist")
  AlreadyExists,          // the tuple or the listening port is taken ("connection already exists")
  RemoteUnspecified,      // an active OPEN, or a SEND in LISTEN, without a remote socket
  RemoteInvalid,          // broadcast, multicast, unspecified or otherwise not a peer (MUST-46)
  LocalInvalid,           // the local address is not one of ours
  NoFreePort,             // every ephemeral port towards that peer is in use (RFC 6056)
  InsufficientResources,  // a cap is reached: table, slab or buffer is full
  WouldBlock,             // nothing to read, nothing to accept, or no room to write just now
  Closing,          // "connection closing": our side has closed, or the peer has and all is read
  Reset,            // the peer aborted
  TimedOut,         // R2 or the user timeout passed
  Refused,          // the peer answered our SYN with a reset
  Aborted,          // this side aborted
  NotAllowed,       // a value that this stack does not permit (Diffserv, option out of bounds)
  InvalidArgument,  // the command makes no sense as given
  Unreachable,      // no route to the remote
  MessageTooLong,   // more text than one datagram can carry
  kCount
};

// Why a connection ended. Outlives the connection: told in the event, the trace and the counters.
enum class CloseReason : uint8_t {
  None,               // not ended
  ClosedByUs,         // we closed first, TIME-WAIT ran its course or was entered
  ClosedByPeer,       // the peer closed first, our FIN was acknowledged in LAST-ACK
  ClosedTogether,     // simultaneous close, by way of CLOSING
  ResetByPeer,        // an acceptable RST arrived
  Refused,            // an RST answered our SYN
  AbortedByUs,        // ABORT, or linger of zero
  UnreadData,         // closed with unread data, answered by our RST (RFC 2525 2.17)
  DataAfterClose,     // data arrived after a full close, answered by our RST (SHLD-3)
  TimedOut,           // R2: retransmission gave up
  HandshakeTimedOut,  // SYN or SYN-ACK retransmission gave up
  UserTimedOut,       // the user timeout passed
  KeepAliveTimedOut,  // every keep-alive probe stayed unanswered
  OrphanTimedOut,     // no reader, and the peer never finished (FIN-WAIT-2, or orphan retries)
  LingerTimedOut,     // the linger time passed before all was acknowledged
  ClosedBeforeOpen,   // CLOSE in SYN-SENT
  ListenerClosed,     // queued, unaccepted, when its listener closed
  AcceptOverflow,     // the accept queue was full and the policy is to reset
  Drained,            // Stack::drain reached its deadline
  Evicted,            // a table was full and the oldest had to go
  ReusedTuple,        // TIME-WAIT gave way to a newer SYN (RFC 6191)
  Unreachable,        // ICMP: a hard error of our SYN, or a soft one until the SYN gave up
  kCount
};

// Why a received packet went no further. Each has its own counter.
enum class DropReason : uint8_t {
  None,
  FrameTooShort,
  FrameNotIp,
  EthernetTooShort,
  EthernetNotTypeTwo,
  EthernetNotOurs,
  EthernetUnknownType,
  ArpTooShort,
  ArpHardware,
  ArpProtocol,
  ArpOperation,
  ArpSender,
  NeighbourIgnored,
  NeighbourThrottled,
  NeighbourReplaced,
  NeighbourEvicted,
  NeighbourUnreachable,
  NeighbourCacheFull,
  AddressConflict,
  // IPv4
  Ipv4Version,
  Ipv4HeaderLength,
  Ipv4TotalLength,
  Ipv4Checksum,
  Ipv4NotOurs,
  MartianSource,
  MulticastDestination,
  UnknownProtocol,
  Ipv4OptionsMalformed,
  // IPv6
  Ipv6NotOurs,
  Ipv6TooShort,
  Ipv6Version,
  Ipv6PayloadLength,
  Ipv6Mapped,
  Ipv6Jumbogram,
  Ipv6HeaderTruncated,
  Ipv6HeaderOrder,
  Ipv6HeaderCap,
  Ipv6OptionLength,
  Ipv6OptionCap,
  Ipv6OptionUnrecognized,
  Ipv6Routing,
  Ipv6FirstFragment,
  Ipv6NoNextHeader,
  FragmentLength,
  FragmentEmpty,
  FragmentBeyond,
  FragmentTiny,
  FragmentCongestion,
  FragmentInconsistent,
  FragmentOverlap,
  FragmentOfDropped,
  FragmentDuplicate,
  FragmentCap,
  FragmentEvicted,
  FragmentTimedOut,
  // ICMP
  IcmpTooShort,
  IcmpChecksum,
  IcmpIgnored,
  IcmpNobody,       // the quoted packet is nobody's
  IcmpNotInFlight,  // ... is not in flight any more, or never was (RFC 5927 4.1)
  IcmpQuoteTooShort,
  IcmpQuoteMalformed,
  Icmpv6TooShort,
  Icmpv6Checksum,
  NdpTooShort,
  NdpCode,
  NdpTarget,
  NdpSource,
  NdpDestination,
  NdpOptionLength,
  NdpOptionCap,
  // UDP
  UdpTooShort,
  UdpLength,
  UdpChecksum,
  UdpChecksumMissing,
  UdpPortZero,
  // TCP header
  TcpTooShort,
  TcpDataOffset,
  TcpChecksum,
  TcpPortZero,
  TcpOptionLength,
  // TCP connection management
  ListenNotSyn,
  ListenRst,
  ListenSynFin,
  ListenLand,
  SynQueueFull,
  AcceptQueueFull,
  TableFull,
  ClosedRst,
  RemoteNotListenedFor,
  SynSentBadAck,
  SynSentRstWithoutAck,
  SynSentNoSyn,
  NotAcceptable,
  PawsRejected,
  TimestampMissing,
  RstOutsideWindow,
  RstChallenged,
  SynChallenged,
  AckMissing,
  AckTooOld,
  AckTooNew,
  AckUnacceptable,
  TextAfterFin,
  TextBeyondWindow,
  FinAfterFin,
  ReassemblyFull,
  BufferFull,
  ChallengeThrottled,
  HalfOpenReset,
  HalfOpenSyn,
  TimeWaitRst,
  TimeWaitStaleSyn,
  TimeWaitQuiet,
  TimeWaitText,
  DataAfterClose,
  // UDP
  UdpNoSocket,   // nobody has that port
  UdpQueueFull,  // its socket has as much as it may keep
  // ours
  OutboxFull,
  DebtOverflow,
  PoolExhausted,
  NoRoute,
  kCount
};

// Error: a phrase for people. CloseReason, DropReason: kebab-case, also the keys of counters and
// JSON.
[[nodiscard]] std::string_view name(Error e);
[[nodiscard]] std::string_view name(CloseReason r);
[[nodiscard]] std::string_view name(DropReason r);

}  // namespace rapport
