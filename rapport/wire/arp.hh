// ARP for IPv4 over Ethernet: bytes <-> values (RFC 826), with the shapes that RFC 5227 gives to
// probes and announcements. What is learned from a message is decided in ip/neighbours.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr size_t kArpLength = 28;

enum class ArpOperation : uint8_t { Request = 1, Reply = 2 };

struct Arp {
  ArpOperation operation = ArpOperation::Request;
  MacAddress sender_mac, target_mac;
  IpAddress sender, target;  // IPv4

  // RFC 5227 1.1: "is anybody using this address?", without saying anything about the sender.
  [[nodiscard]] bool is_probe() const {
    return operation == ArpOperation::Request && sender.v4_host() == 0;
  }

  // RFC 5227 1.1, and what is called gratuitous ARP: the sender speaks of itself to all.
  [[nodiscard]] bool is_announcement() const { return sender == target; }
};

// RFC 5227 2.1.1: `sender` asks whether `target` is in use.
[[nodiscard]] Arp arp_probe(const MacAddress& sender, const IpAddress& target);
// RFC 5227 2.3: `sender` says that `address` is its own.
[[nodiscard]] Arp arp_announcement(const MacAddress& sender, const IpAddress& address);

// Errors: ArpTooShort, ArpHardware (not Ethernet, or not six octets), ArpProtocol (not IPv4, or not
// four octets), ArpOperation, ArpSender (a group as its hardware or protocol address).
// Octets behind the message (padding to the shortest frame) are ignored.
[[nodiscard]] std::expected<Arp, DropReason> parse_arp(std::span<const uint8_t> bytes);

// Writes 28 octets.
void build_arp(uint8_t* to, const Arp& arp);

}  // namespace rapport::wire
