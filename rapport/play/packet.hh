// Packets as a script writes them: what is injected ("<") and what must leave the stack (">").
// Numbers are the script's own; how they become live ones (counted from the ISN or raw) is the
// runner's. RFC 9293 3.1 names the fields of a segment.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/play/place.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rapport::play {

enum class Direction : uint8_t {
  Inbound,   // "<"
  Outbound,  // ">"
};

// RFC 3168 5. Ect01 is "one of the two", outbound only.
enum class Ecn : uint8_t { NotEct, Ect0, Ect1, Ce, Ect01 };

// What stands in the brackets after the direction; what is not written is not compared.
struct IpItems {
  std::optional<Ecn> ecn;              // noecn, ect0, ... and "ecn WORD"
  std::optional<uint8_t> tos;          // all eight bits: "tos", and "class" of IPv6
  std::optional<uint8_t> dscp;         // six bits
  std::optional<uint8_t> ttl;          // "ttl", and "hlim" of IPv6
  std::optional<uint32_t> flow_label;  // 20 bits, IPv6
  Place place;

  friend bool operator==(const IpItems&, const IpItems&) = default;
};

// An outer header. The text is kept as written, without the closing ":" ("1.1.1.1 > 2.2.2.2").
struct Encapsulation {
  enum class Kind : uint8_t { Ipv4, Ipv6, Gre, Mpls };
  Kind kind = Kind::Ipv4;
  std::string text;
  Place place;

  friend bool operator==(const Encapsulation&, const Encapsulation&) = default;
};

struct Ports {
  uint16_t source = 0;
  uint16_t destination = 0;

  friend bool operator==(const Ports&, const Ports&) = default;
};

// first:last(length)
struct SequenceRange {
  uint32_t first = 0;  // last is first + length, modulo 2^32; the parser checks it
  uint16_t length = 0;
  bool unchecked = false;  // "...(length)": the number is not compared; `first` is 0
  bool raw = false;        // "!": the numbers are live ones
  Place place;

  friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};

struct TcpOption {
  enum class Kind : uint8_t {
    Nop,
    End,
    MaximumSegmentSize,  // value
    WindowScale,         // value
    SackPermitted,
    Sack,          // blocks
    Timestamps,    // value, echo
    FastOpen,      // words: the cookie in hexadecimal, may be empty
    FastOpenExp,   // the same in the experimental option; "FOEXP" and "exp-FO"
    Md5,           // words: the digest, or "valid"
    AccurateEcn,   // name, words: "ECN", "AccECN0", "AccECN1", "exp-AccECN0", "exp-AccECN1"
    Experimental,  // name, words: "exp-tarr"
  };

  struct Block {
    uint32_t left = 0, right = 0;
    friend bool operator==(const Block&, const Block&) = default;
  };

  Kind kind = Kind::Nop;
  uint32_t value = 0;            // mss, wscale, TS val
  uint32_t echo = 0;             // TS ecr
  bool value_unchecked = false;  // "val n!"
  bool echo_unchecked = false;   // "ecr n!"
  std::vector<Block> blocks;     // sack, in the order written
  std::string name;              // as written, where one kind has several
  std::string words;             // what follows the name, as written
  Place place;

  friend bool operator==(const TcpOption&, const TcpOption&) = default;
};

struct TcpSegment {
  wire::Flags flags;
  bool accurate_ecn = false;           // "A": the AE bit (the accurate ECN of RFC 9768)
  std::optional<uint8_t> ecn_counter;  // ".5": ACK and a counter in AE, CWR, ECE
  std::optional<Ports> ports;
  std::optional<uint32_t> psp_spi;  // "encap psp spi N"
  SequenceRange sequence;
  std::optional<uint32_t> ack;  // none: not written, with or without "."
  std::optional<uint16_t> window;
  std::optional<uint16_t> urgent;
  bool options_unchecked = false;          // "<...>", outbound only
  std::vector<TcpOption> options;          // in order; empty: no option at all
  std::optional<Ports> udp_encapsulation;  // "/udp(9899 > 9899)"

  friend bool operator==(const TcpSegment&, const TcpSegment&) = default;
};

struct UdpDatagram {
  std::optional<Ports> ports;
  uint16_t length = 0;  // of the payload

  friend bool operator==(const UdpDatagram&, const UdpDatagram&) = default;
};

// The offending packet that an ICMP error quotes: the stack's own, with local numbers.
struct QuotedTcp {
  SequenceRange sequence;
  std::optional<Ports> udp_encapsulation;

  friend bool operator==(const QuotedTcp&, const QuotedTcp&) = default;
};

struct QuotedUdp {
  uint16_t length = 0;

  friend bool operator==(const QuotedUdp&, const QuotedUdp&) = default;
};

struct QuotedRaw {
  uint16_t length = 0;

  friend bool operator==(const QuotedRaw&, const QuotedRaw&) = default;
};

// `icmp TYPE CODE`: words as written ("unreachable", "port_unreachable") or numbers.
struct IcmpMessage {
  std::string type;
  std::string code;  // empty: not written
  std::optional<uint32_t> mtu;
  std::optional<uint16_t> id;
  std::variant<std::monostate, QuotedTcp, QuotedUdp, QuotedRaw> quoted;

  friend bool operator==(const IcmpMessage&, const IcmpMessage&) = default;
};

struct Packet {
  Direction direction = Direction::Inbound;
  IpItems ip;
  std::vector<Encapsulation> encapsulation;
  std::variant<TcpSegment, UdpDatagram, IcmpMessage> body;
  Place place;  // of the direction

  [[nodiscard]] bool outbound() const { return direction == Direction::Outbound; }

  friend bool operator==(const Packet&, const Packet&) = default;
};

}  // namespace rapport::play
