// Segments as a test says them: fin().seq(t.irs + 1_B).ack(t.iss + 2_B). The same words describe
// what the peer sends (hears) and what it expects (says). Building bytes and comparing live here;
// what is left out is filled in by Peer, which knows the connection.
//   syn() rst()          no ACK bit unless .ack(n)
//   fin() data(n) ack()  with ACK bit; .no_ack() takes it away
//   none()               no control bit at all
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rapport::scenario {

// What an IPv4 address of a story stands for in this run of it: itself, or in the dressing Ipv6 one
// of the same part: a host, a group, loopback, nobody. (There is no broadcast: a group.)
[[nodiscard]] IpAddress here(const IpAddress& a);

[[nodiscard]] inline Endpoint here(const Endpoint& e) {
  return {here(e.address), e.port};
}

// The MSS where none was said (MUST-15).
[[nodiscard]] uint16_t unsaid_mss();

// An option that is expected with a value, with any value, or to be absent; or not mentioned.
template <class T>
struct Wish {
  bool mentioned = false;
  std::optional<T> value;  // what it must be
  bool absent = false;
};

class Seg {
 public:
  Seg& seq(Seq s) { return set(seq_, s); }

  // Sets the ACK bit too. As an expectation, ack() without a number leaves the number open.
  Seg& ack(Seq a);
  Seg& no_ack();

  Seg& fin() { return with(wire::kFin); }

  Seg& syn() { return with(wire::kSyn); }

  Seg& rst() { return with(wire::kRst); }

  // PSH is compared only when it was mentioned.
  Seg& psh();
  Seg& no_psh();
  // The pointer as on the wire: from SEG.SEQ to the octet after the urgent ones (RFC 6093).
  Seg& urg(uint16_t pointer);
  Seg& flags(wire::Flags exactly);

  Seg& text(ByteCount n) { return set(length_, n.v); }

  // The field as on the wire, unscaled.
  Seg& win(uint16_t field) { return set(window_, field); }

  Seg& mss(uint16_t v) { return wish(mss_, v); }

  Seg& no_mss() { return wish_not(mss_); }

  Seg& ws(uint8_t shift) { return wish(scale_, shift); }

  Seg& ws() { return wish_any(scale_); }

  Seg& no_ws() { return wish_not(scale_); }

  Seg& sackp() { return wish(sackp_, true); }

  Seg& no_sackp() { return wish_not(sackp_); }

  Seg& ts(uint32_t tsval, uint32_t tsecr) { return wish(ts_, std::pair{tsval, tsecr}); }

  Seg& ts() { return wish_any(ts_); }

  Seg& no_ts() { return wish_not(ts_); }

  // The blocks, in this order and no others.
  Seg& sack(std::vector<wire::SackBlock> blocks) { return wish(sack_, std::move(blocks)); }

  Seg& no_sack() { return wish_not(sack_); }

  // For the peer's segments only.
  Seg& from(const Endpoint& e) { return set(from_, here(e)); }

  Seg& to(const Endpoint& e) { return set(to_, here(e)); }  // also as an expectation

  Seg& wrong_checksum();

  Seg& option_octets(std::vector<uint8_t> raw) { return set(raw_options_, std::move(raw)); }

  Seg& cut_to(size_t tcp_octets) { return set(cut_to_, tcp_octets); }  // total length follows

  Seg& data_offset(uint8_t words) { return set(data_offset_, words); }

  Seg& filled_with(uint8_t octet) { return set(fill_, octet); }

  Seg& reserved(uint8_t bits) { return set(reserved_, bits); }  // beside the data offset

 private:
  friend class Peer;
  friend std::vector<uint8_t> build(const Seg& s, const std::vector<uint8_t>& text);
  friend std::vector<std::string> differences(const Seg& wanted, const wire::Segment& got);

  template <class T, class V>
  Seg& set(std::optional<T>& field, V&& v) {
    field = std::forward<V>(v);
    return *this;
  }

  Seg& with(wire::Flags f) {
    flags_ = flags_ | f;
    return *this;
  }

  template <class T, class V>
  Seg& wish(Wish<T>& w, V&& v) {
    w.mentioned = true;
    w.absent = false;
    w.value = std::forward<V>(v);
    return *this;
  }

  template <class T>
  Seg& wish_any(Wish<T>& w) {
    w = {true, std::nullopt, false};
    return *this;
  }

  template <class T>
  Seg& wish_not(Wish<T>& w) {
    w = {true, std::nullopt, true};
    return *this;
  }

  wire::Flags flags_;
  bool psh_mentioned_ = false;
  bool wrong_checksum_ = false;
  std::optional<Seq> seq_, ack_;
  std::optional<uint16_t> window_, urgent_;
  std::optional<uint32_t> length_;
  Wish<uint16_t> mss_;
  Wish<uint8_t> scale_;
  Wish<bool> sackp_;
  Wish<std::pair<uint32_t, uint32_t>> ts_;
  Wish<std::vector<wire::SackBlock>> sack_;
  std::optional<Endpoint> from_, to_;
  std::optional<std::vector<uint8_t>> raw_options_;
  std::optional<size_t> cut_to_;
  std::optional<uint8_t> data_offset_, fill_, reserved_;
};

Seg syn();
Seg fin();
Seg rst();
Seg ack();
Seg ack(Seq number);
Seg data(ByteCount length);
Seg none();

// A whole IPv4 packet; seq, ack, window, ports and addresses must be filled in.
std::vector<uint8_t> build(const Seg& s, const std::vector<uint8_t>& text);
// Where `got` is not as wanted, in words; empty when it fits.
std::vector<std::string> differences(const Seg& wanted, const wire::Segment& got);

// A segment in words, its numbers relative to `seq_base` and `ack_base`.
std::string in_words(const wire::Segment& s, Seq seq_base, Seq ack_base);
std::string in_words(wire::Flags f);

}  // namespace rapport::scenario
