// The names of every Error, CloseReason and DropReason. That no name is missing, doubled or out of
// order is shown while compiling.
#include "rapport/base/reason.hh"

#include <array>
#include <cstddef>
#include <string_view>

namespace rapport {
namespace {

template <class Enum>
struct Named {
  Enum value;
  std::string_view name;
};

template <class Enum, size_t kSize>
consteval bool complete(const std::array<Named<Enum>, kSize>& table) {
  if (kSize != static_cast<size_t>(Enum::kCount)) return false;
  for (size_t i = 0; i < kSize; ++i) {
    if (static_cast<size_t>(table[i].value) != i || table[i].name.empty()) return false;
    for (size_t j = 0; j < i; ++j) {
      if (table[i].name == table[j].name) return false;
    }
  }
  return true;
}

template <class Enum, size_t kSize>
constexpr std::string_view look_up(const std::array<Named<Enum>, kSize>& table, Enum value) {
  const auto i = static_cast<size_t>(value);
  return i < kSize ? table[i].name : "?";
}

constexpr auto kErrors = std::to_array<Named<Error>>({
    {Error::DoesNotExist, "connection does not exist"},
    {Error::AlreadyExists, "connection already exists"},
    {Error::RemoteUnspecified, "remote socket unspecified"},
    {Error::RemoteInvalid, "remote address is not a peer"},
    {Error::LocalInvalid, "local address is not ours"},
    {Error::NoFreePort, "no free port"},
    {Error::InsufficientResources, "insufficient resources"},
    {Error::WouldBlock, "would block"},
    {Error::Closing, "connection closing"},
    {Error::Reset, "connection reset"},
    {Error::TimedOut, "connection timed out"},
    {Error::Refused, "connection refused"},
    {Error::Aborted, "connection aborted"},
    {Error::NotAllowed, "value not allowed"},
    {Error::InvalidArgument, "invalid argument"},
    {Error::Unreachable, "no route to the remote"},
    {Error::MessageTooLong, "message too long"},
});
static_assert(complete(kErrors));

constexpr auto kCloseReasons = std::to_array<Named<CloseReason>>({
    {CloseReason::None, "none"},
    {CloseReason::ClosedByUs, "closed-by-us"},
    {CloseReason::ClosedByPeer, "closed-by-peer"},
    {CloseReason::ClosedTogether, "closed-together"},
    {CloseReason::ResetByPeer, "reset-by-peer"},
    {CloseReason::Refused, "refused"},
    {CloseReason::AbortedByUs, "aborted-by-us"},
    {CloseReason::UnreadData, "unread-data"},
    {CloseReason::DataAfterClose, "data-after-close"},
    {CloseReason::TimedOut, "timed-out"},
    {CloseReason::HandshakeTimedOut, "handshake-timed-out"},
    {CloseReason::UserTimedOut, "user-timed-out"},
    {CloseReason::KeepAliveTimedOut, "keep-alive-timed-out"},
    {CloseReason::OrphanTimedOut, "orphan-timed-out"},
    {CloseReason::LingerTimedOut, "linger-timed-out"},
    {CloseReason::ClosedBeforeOpen, "closed-before-open"},
    {CloseReason::ListenerClosed, "listener-closed"},
    {CloseReason::AcceptOverflow, "accept-overflow"},
    {CloseReason::Drained, "drained"},
    {CloseReason::Evicted, "evicted"},
    {CloseReason::ReusedTuple, "reused-tuple"},
    {CloseReason::Unreachable, "unreachable"},
});
static_assert(complete(kCloseReasons));

constexpr auto kDropReasons = std::to_array<Named<DropReason>>({
    {DropReason::None, "none"},
    {DropReason::FrameTooShort, "frame-too-short"},
    {DropReason::FrameNotIp, "frame-not-ip"},
    {DropReason::EthernetTooShort, "ethernet-too-short"},
    {DropReason::EthernetNotTypeTwo, "ethernet-not-type-two"},
    {DropReason::EthernetNotOurs, "ethernet-not-ours"},
    {DropReason::EthernetUnknownType, "ethernet-unknown-type"},
    {DropReason::ArpTooShort, "arp-too-short"},
    {DropReason::ArpHardware, "arp-hardware"},
    {DropReason::ArpProtocol, "arp-protocol"},
    {DropReason::ArpOperation, "arp-operation"},
    {DropReason::ArpSender, "arp-sender"},
    {DropReason::NeighbourIgnored, "neighbour-ignored"},
    {DropReason::NeighbourThrottled, "neighbour-throttled"},
    {DropReason::NeighbourReplaced, "neighbour-replaced"},
    {DropReason::NeighbourEvicted, "neighbour-evicted"},
    {DropReason::NeighbourUnreachable, "neighbour-unreachable"},
    {DropReason::NeighbourCacheFull, "neighbour-cache-full"},
    {DropReason::AddressConflict, "address-conflict"},
    {DropReason::Ipv4Version, "ipv4-version"},
    {DropReason::Ipv4HeaderLength, "ipv4-header-length"},
    {DropReason::Ipv4TotalLength, "ipv4-total-length"},
    {DropReason::Ipv4Checksum, "ipv4-checksum"},
    {DropReason::Ipv4NotOurs, "ipv4-not-ours"},
    {DropReason::MartianSource, "martian-source"},
    {DropReason::MulticastDestination, "multicast-destination"},
    {DropReason::UnknownProtocol, "unknown-protocol"},
    {DropReason::Ipv4OptionsMalformed, "ipv4-options-malformed"},
    {DropReason::Ipv6NotOurs, "ipv6-not-ours"},
    {DropReason::Ipv6TooShort, "ipv6-too-short"},
    {DropReason::Ipv6Version, "ipv6-version"},
    {DropReason::Ipv6PayloadLength, "ipv6-payload-length"},
    {DropReason::Ipv6Mapped, "ipv6-mapped"},
    {DropReason::Ipv6Jumbogram, "ipv6-jumbogram"},
    {DropReason::Ipv6HeaderTruncated, "ipv6-header-truncated"},
    {DropReason::Ipv6HeaderOrder, "ipv6-header-order"},
    {DropReason::Ipv6HeaderCap, "ipv6-header-cap"},
    {DropReason::Ipv6OptionLength, "ipv6-option-length"},
    {DropReason::Ipv6OptionCap, "ipv6-option-cap"},
    {DropReason::Ipv6OptionUnrecognized, "ipv6-option-unrecognized"},
    {DropReason::Ipv6Routing, "ipv6-routing"},
    {DropReason::Ipv6FirstFragment, "ipv6-first-fragment"},
    {DropReason::Ipv6NoNextHeader, "ipv6-no-next-header"},
    {DropReason::FragmentLength, "fragment-length"},
    {DropReason::FragmentEmpty, "fragment-empty"},
    {DropReason::FragmentBeyond, "fragment-beyond"},
    {DropReason::FragmentTiny, "fragment-tiny"},
    {DropReason::FragmentCongestion, "fragment-congestion"},
    {DropReason::FragmentInconsistent, "fragment-inconsistent"},
    {DropReason::FragmentOverlap, "fragment-overlap"},
    {DropReason::FragmentOfDropped, "fragment-of-dropped"},
    {DropReason::FragmentDuplicate, "fragment-duplicate"},
    {DropReason::FragmentCap, "fragment-cap"},
    {DropReason::FragmentEvicted, "fragment-evicted"},
    {DropReason::FragmentTimedOut, "fragment-timed-out"},
    {DropReason::IcmpTooShort, "icmp-too-short"},
    {DropReason::IcmpChecksum, "icmp-checksum"},
    {DropReason::IcmpIgnored, "icmp-ignored"},
    {DropReason::IcmpNobody, "icmp-nobody"},
    {DropReason::IcmpNotInFlight, "icmp-not-in-flight"},
    {DropReason::IcmpQuoteTooShort, "icmp-quote-too-short"},
    {DropReason::IcmpQuoteMalformed, "icmp-quote-malformed"},
    {DropReason::Icmpv6TooShort, "icmpv6-too-short"},
    {DropReason::Icmpv6Checksum, "icmpv6-checksum"},
    {DropReason::NdpTooShort, "ndp-too-short"},
    {DropReason::NdpCode, "ndp-code"},
    {DropReason::NdpTarget, "ndp-target"},
    {DropReason::NdpSource, "ndp-source"},
    {DropReason::NdpDestination, "ndp-destination"},
    {DropReason::NdpOptionLength, "ndp-option-length"},
    {DropReason::NdpOptionCap, "ndp-option-cap"},
    {DropReason::UdpTooShort, "udp-too-short"},
    {DropReason::UdpLength, "udp-length"},
    {DropReason::UdpChecksum, "udp-checksum"},
    {DropReason::UdpChecksumMissing, "udp-checksum-missing"},
    {DropReason::UdpPortZero, "udp-port-zero"},
    {DropReason::TcpTooShort, "tcp-too-short"},
    {DropReason::TcpDataOffset, "tcp-data-offset"},
    {DropReason::TcpChecksum, "tcp-checksum"},
    {DropReason::TcpPortZero, "tcp-port-zero"},
    {DropReason::TcpOptionLength, "tcp-option-length"},
    {DropReason::ListenNotSyn, "listen-not-syn"},
    {DropReason::ListenRst, "listen-rst"},
    {DropReason::ListenSynFin, "listen-syn-fin"},
    {DropReason::ListenLand, "listen-land"},
    {DropReason::SynQueueFull, "syn-queue-full"},
    {DropReason::AcceptQueueFull, "accept-queue-full"},
    {DropReason::TableFull, "table-full"},
    {DropReason::ClosedRst, "closed-rst"},
    {DropReason::RemoteNotListenedFor, "remote-not-listened-for"},
    {DropReason::SynSentBadAck, "syn-sent-bad-ack"},
    {DropReason::SynSentRstWithoutAck, "syn-sent-rst-without-ack"},
    {DropReason::SynSentNoSyn, "syn-sent-no-syn"},
    {DropReason::NotAcceptable, "not-acceptable"},
    {DropReason::PawsRejected, "paws-rejected"},
    {DropReason::TimestampMissing, "timestamp-missing"},
    {DropReason::RstOutsideWindow, "rst-outside-window"},
    {DropReason::RstChallenged, "rst-challenged"},
    {DropReason::SynChallenged, "syn-challenged"},
    {DropReason::AckMissing, "ack-missing"},
    {DropReason::AckTooOld, "ack-too-old"},
    {DropReason::AckTooNew, "ack-too-new"},
    {DropReason::AckUnacceptable, "ack-unacceptable"},
    {DropReason::TextAfterFin, "text-after-fin"},
    {DropReason::TextBeyondWindow, "text-beyond-window"},
    {DropReason::FinAfterFin, "fin-after-fin"},
    {DropReason::ReassemblyFull, "reassembly-full"},
    {DropReason::BufferFull, "buffer-full"},
    {DropReason::ChallengeThrottled, "challenge-throttled"},
    {DropReason::HalfOpenReset, "half-open-reset"},
    {DropReason::HalfOpenSyn, "half-open-syn"},
    {DropReason::TimeWaitRst, "time-wait-rst"},
    {DropReason::TimeWaitStaleSyn, "time-wait-stale-syn"},
    {DropReason::TimeWaitQuiet, "time-wait-quiet"},
    {DropReason::TimeWaitText, "time-wait-text"},
    {DropReason::DataAfterClose, "data-after-close"},
    {DropReason::UdpNoSocket, "udp-no-socket"},
    {DropReason::UdpQueueFull, "udp-queue-full"},
    {DropReason::OutboxFull, "outbox-full"},
    {DropReason::DebtOverflow, "debt-overflow"},
    {DropReason::PoolExhausted, "pool-exhausted"},
    {DropReason::NoRoute, "no-route"},
});
static_assert(complete(kDropReasons));

}  // namespace

std::string_view name(Error e) {
  return look_up(kErrors, e);
}

std::string_view name(CloseReason r) {
  return look_up(kCloseReasons, r);
}

std::string_view name(DropReason r) {
  return look_up(kDropReasons, r);
}

}  // namespace rapport
