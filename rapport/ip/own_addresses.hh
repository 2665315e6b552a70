// OwnAddresses: the addresses of one Ethernet interface, and whether each may be used: duplicate
// address detection (RFC 4862 5.4) and its like for IPv4 (RFC 5227). Knows no clock; what it has to
// say goes into a ring of messages.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/ring.hh"

#include <cstdint>
#include <vector>

namespace rapport::ip {

enum class AddressState : uint8_t {
  NotOurs,
  Tentative,  // being checked: neither source nor answer
  Usable,
  Duplicate,  // somebody else has it
};

struct AddressCheckConfig {
  Duration delay = 1_s;              // the first message waits at random up to this
  uint32_t solicitations = 1;        // DupAddrDetectTransmits; 0: IPv6 is not checked
  Duration solicitation_wait = 1_s;  // RetransTimer
  uint32_t probes = 3;               // PROBE_NUM of RFC 5227 1.1; 0: IPv4 is not checked
  Duration probe_min = 1_s;          // between them
  Duration probe_max = 2_s;
  Duration announce_wait = 2_s;  // after the last
  uint32_t announcements = 2;    // ANNOUNCE_NUM, once it is usable
  Duration announce_interval = 2_s;
  Duration defend_interval = 10_s;  // at most one answer to a conflict in that time
};

class OwnAddresses {
 public:
  static constexpr uint32_t kMost = 64;

  OwnAddresses(const AddressCheckConfig& config, Random& random);

  // Tentative from now on, unless its family is not checked: then usable. False: there are kMost.
  [[nodiscard]] bool begin_check(const IpAddress& address, Instant now);
  // Usable at once: for who knows better, and for point-to-point links.
  [[nodiscard]] bool assume(const IpAddress& address);
  void remove(const IpAddress& address);

  [[nodiscard]] AddressState state_of(const IpAddress& address) const;
  // Somebody else speaks as `address`. Tentative: it is a duplicate. Usable: an IPv4 address is
  // defended (RFC 5227 2.4 (c)), an IPv6 address is kept (RFC 4862 5.4.4).
  void conflict(const IpAddress& address, Instant now, Ring<NeighbourMessage>& out);

  // `wish` if it is usable, else a usable address of the family of `wish`; else unspecified.
  [[nodiscard]] IpAddress source(const IpAddress& wish, bool v4) const;

  // The next address whose check has ended, usable or duplicate; false when there is none.
  [[nodiscard]] bool next_settled(IpAddress& address, AddressState& state);

  // At most one message for each address.
  void expire(Instant now, Ring<NeighbourMessage>& out);
  [[nodiscard]] Instant next_deadline() const;
  // Calls add(to, field) for every field that the future depends on (Stack::fingerprint).
  void fingerprint(void (*add)(void* to, uint64_t field), void* to) const;

 private:
  struct Own {
    IpAddress address;
    AddressState state = AddressState::Tentative;
    bool told = true;
    bool defended = false;
    uint32_t sent = 0;  // probes or solicitations; once usable, announcements
    Instant deadline = kNever;
    Instant defended_at;
  };

  [[nodiscard]] Own* find(const IpAddress& address);
  void settle(Own& own, AddressState state);
  void step(Own& own, Instant now, Ring<NeighbourMessage>& out);
  void step_v4(Own& own, Instant now, Ring<NeighbourMessage>& out);
  void step_v6(Own& own, Instant now, Ring<NeighbourMessage>& out);
  [[nodiscard]] Duration between(Duration least, Duration most);

  AddressCheckConfig config_;
  Random& random_;
  std::vector<Own> all_;  // room for kMost from the beginning
};

}  // namespace rapport::ip
