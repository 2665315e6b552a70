// What stands in a TCP header (RFC 9293 3.1, 3.2): the checksum, the data offset, reserved bits,
// and options of any kind, length and alignment, read and written.
#include "answers.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>

namespace rapport::scenario {

namespace {

using Octets = std::vector<uint8_t>;

// The peer speaks no option but those that a story writes by hand.
const With kBare{.window_scale = false, .sack = false, .timestamps = false};

constexpr uint8_t kDataOffset = 12;

// The last segment that was heard, from its TCP header on.
std::span<const uint8_t> tcp_octets(const Peer& t) {
  return t.heard_packet().subspan(t.local.address.is_v4() ? 20 : 40);
}

std::span<const uint8_t> option_octets(const Peer& t) {
  const auto tcp = tcp_octets(t);
  return tcp.first(size_t{tcp[kDataOffset]} >> 4 << 2).subspan(20);
}

uint64_t sum_of_words(std::span<const uint8_t> octets) {
  uint64_t sum = 0;
  for (size_t i = 0; i < octets.size(); ++i) {
    sum += i % 2 == 0 ? uint64_t{octets[i]} << 8 : uint64_t{octets[i]};
  }
  return sum;
}

// RFC 9293 3.1 by the book: the pseudo-header's addresses, protocol and length, then the segment.
void has_right_checksum(Peer& t, At at = At::current()) {
  const auto packet = t.heard_packet();
  const auto tcp = tcp_octets(t);
  const auto addresses = t.local.address.is_v4() ? packet.subspan(12, 8) : packet.subspan(8, 32);
  uint64_t sum = sum_of_words(addresses) + 6 + tcp.size() + sum_of_words(tcp);
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  t.holds(sum == 0xffff, "the checksum is right", at);
}

// What is wrong with the options of a segment that we made; empty when they are sound.
std::string fault_in(std::span<const uint8_t> options) {
  for (size_t i = 0; i < options.size();) {
    if (options[i] == 0) {
      const auto rest = options.subspan(i);
      return std::ranges::all_of(rest, [](uint8_t o) { return o == 0; }) ? ""
                                                                         : "no zeros behind EOL";
    }
    if (options[i] == 1) {
      ++i;
      continue;
    }
    if (i + 1 == options.size() || options[i + 1] < 2) return "an option without a length";
    i += options[i + 1];
    if (i > options.size()) return "an option beyond the header";
  }
  return "";
}

void has_sound_header(Peer& t, At at = At::current()) {
  const std::string fault = fault_in(option_octets(t));
  t.holds(fault.empty(), "the options are sound: " + fault, at);
  t.holds((tcp_octets(t)[kDataOffset] & 0x0f) == 0, "the reserved bits are zero", at);
  t.holds((tcp_octets(t)[kDataOffset + 1] & 0xc0) == 0, "CWR and ECE are zero", at);
}

bool has_option(const Peer& t, uint8_t kind) {
  const auto o = option_octets(t);
  for (size_t i = 0; i < o.size() && o[i] != 0; i += o[i] == 1 ? size_t{1} : size_t{o[i + 1]}) {
    if (o[i] == kind) return true;
  }
  return false;
}

// A connection's segments of every kind, each looked at by `look`.
void meets_every_kind(const With& with, const std::function<void(Peer&)>& look) {
  auto t = peer::in_syn_received_passive(with);
  look(t);
  t.hears(ack()).says_nothing().calls_accept().calls_send(1_B).says(data(1_B));
  look(t);
  t.after_next_timer().says(data(1_B));
  look(t);
  t.hears(data(10_B).seq(t.rcv_nxt() + 20_B)).says(ack());
  look(t);
  t.hears(data(10_B).seq(t.rcv_nxt() + 50_B)).says(ack());
  look(t);
  t.calls_shutdown_write().says(fin());
  look(t);
  t.calls_abort().says(rst().ack(t.rcv_nxt()));
  look(t);
  auto u = peer::in_syn_sent(with);
  look(u);
  u.hears(u.syn_of_peer().ack(u.iss + 1_B)).says(ack());
  look(u);
}

// Every choice of what the peer offers.
With offering(int n) {
  return {.window_scale = (n & 1) != 0, .sack = (n & 2) != 0, .timestamps = (n & 4) != 0};
}

Octets octets_of(uint32_t v) {
  return {static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16),
          static_cast<uint8_t>(v >> 8), static_cast<uint8_t>(v)};
}

// Timestamps as an option of its own, without padding.
Octets timestamps(uint32_t tsval, uint32_t tsecr) {
  Octets o{8, 10};
  for (const uint32_t v : {tsval, tsecr}) std::ranges::copy(octets_of(v), std::back_inserter(o));
  return o;
}

Octets joined(std::initializer_list<Octets> parts) {
  Octets all;
  for (const auto& p : parts) std::ranges::copy(p, std::back_inserter(all));
  while (all.size() % 4 != 0) all.push_back(0);
  return all;
}

const Octets kMss700{2, 4, 0x02, 0xbc};
const Octets kUnknown{253, 6, 1, 2, 3, 4};

// After a SYN with these options, and no others, our segments hold so much text.
void sends_after_syn_with(const Octets& options, uint32_t mss, At at = At::current()) {
  auto t = peer::in_listen(kBare);
  t.hears(syn().seq(t.irs).option_octets(options), at).says(syn().ack(t.irs + 1_B), at);
  t.hears(ack(), at).says_nothing(at).calls_accept(at).calls_send(4000_B, at);
  t.says(data(ByteCount{mss}), at).may_have_said_anything();
}

}  // namespace

// --- the checksum -------------------------------------------------------------------------------

SCENARIO_TEST("every segment's checksum is right, of odd length too [MUST-2]") {
  for (int n = 0; n < 8; ++n) meets_every_kind(offering(n), [](Peer& t) { has_right_checksum(t); });
  auto t = peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.no_delay = true; }});
  for (const uint32_t octets : {1U, 2U, 3U, 255U, 256U, 257U, 1447U, 1448U}) {
    t.calls_send(ByteCount{octets}).says(data(ByteCount{octets}));
    has_right_checksum(t);
    t.hears(ack()).says_nothing();
  }
  auto u = peer::in_closed();
  u.hears(ack(Seq{5})).says(rst().seq(Seq{5}));
  has_right_checksum(u);
  u.hears(syn().seq(Seq{7})).says(rst().seq(Seq{0}).ack(Seq{8}));
  has_right_checksum(u);
}

// --- options read -------------------------------------------------------------------------------

SCENARIO_TEST("LISTEN: end of list, no-operation and MSS are understood [MUST-4]") {
  auto t = peer::in_listen(kBare);
  const Octets options{1, 1, 2, 4, 0x02, 0xbc, 0, 0xff};  // what lies behind EOL is nothing
  t.hears(syn().seq(t.irs).option_octets(options)).says(syn().ack(t.irs + 1_B));
  t.holds(t.stack().counters().malformed_options == 0, "nothing is wrong with it");
  t.hears(ack()).says_nothing().calls_accept();
  t.calls_send(1000_B).says(data(700_B)).may_have_said_anything();
}

SCENARIO_TEST("SYN-SENT: an MSS behind the end of the list is none [MUST-4]") {
  auto t = peer::in_syn_sent(kBare);
  t.hears(syn().seq(t.irs).ack(t.iss + 1_B).option_octets({1, 0, 2, 4, 0x02, 0xbc, 0, 0}));
  t.says(ack()).holds(t.calls_status().mss == unsaid_mss(), "the default stays");
}

SCENARIO_TEST("ESTABLISHED: options may stand in any segment [MUST-5]") {
  const Octets options{1, 1, 253, 6, 1, 2, 3, 4};
  auto t = peer::in_established(kBare);
  t.hears(data(10_B).option_octets(options)).says(ack(t.irs + 11_B)).calls_receive(10_B);
  t.calls_send(10_B).says(data(10_B));
  t.hears(ack().option_octets(options)).says_nothing();
  t.holds(t.calls_status().snd_una == t.snd_nxt(), "the ACK counts");
  t.hears(fin().option_octets(options)).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.hears(rst().option_octets(options)).says_nothing();
  t.is_told_ended(CloseReason::ResetByPeer).is_gone();
}

SCENARIO_TEST("ESTABLISHED: a clock counts in any segment, behind other options [MUST-5]") {
  auto t = peer::in_established({.timestamps = true});
  for (const Octets& before : {Octets{1}, Octets{5, 10, 0, 0, 0, 1, 0, 0, 0, 2}}) {
    const uint32_t clock = t.tsval_now() + 77;
    const Seq next = t.rcv_nxt() + 10_B;
    t.hears(data(10_B).option_octets(joined({before, timestamps(clock, t.tsval_of_stack())})));
    t.says(ack(next)).calls_receive(10_B);
    t.holds(t.heard().options.tsecr == clock, "it is echoed");
  }
}

SCENARIO_TEST("LISTEN: what is not known is passed over by its length [MUST-6]") {
  sends_after_syn_with(joined({kUnknown, kMss700, {254, 2}}), 700);
}

SCENARIO_TEST("ESTABLISHED: what is not known does not hide what follows [MUST-6, R7323-9]") {
  auto t = peer::in_established({.timestamps = true});
  const uint32_t clock = t.tsval_now() + 77;
  const auto options = joined({{253, 5, 1, 2, 3}, timestamps(clock, t.tsval_of_stack())});
  t.hears(data(10_B).option_octets(options)).says(ack(t.irs + 11_B));
  t.holds(t.heard().options.tsecr == clock, "the timestamp behind it is echoed");
}

SCENARIO_TEST("ESTABLISHED: a length that cannot be ends the options, not the segment [MUST-7]") {
  const Octets bad[] = {{253, 0, 1, 1}, {253, 1, 1, 1}, {253, 5, 1, 1}, {253, 255, 1, 1},
                        {1, 1, 1, 253}, {1, 1, 1, 2},   {2, 0, 2, 0},   {8, 2, 0, 0}};
  auto t = peer::in_established(kBare);
  uint64_t counted = 0;
  for (const auto& options : bad) {
    const Seq next = t.rcv_nxt() + 10_B;
    t.hears(data(10_B).option_octets(options)).says(ack(next)).calls_receive(10_B);
    t.holds(t.stack().counters().malformed_options == ++counted, "it is counted");
  }
}

SCENARIO_TEST("LISTEN: what stood before an impossible length counts [MUST-7]") {
  sends_after_syn_with(joined({kMss700, {253, 0, 1, 1}}), 700);
  sends_after_syn_with(joined({{253, 0}, kMss700}), unsaid_mss());  // it stands behind
}

SCENARIO_TEST("SYN-SENT: options are read at any alignment [MUST-64]") {
  for (size_t pad = 0; pad < 4; ++pad) {
    auto t = peer::in_syn_sent({.window_scale = true, .sack = true, .timestamps = true});
    const uint32_t clock = t.tsval_now();
    const auto options =
        joined({Octets(pad, 1), kMss700, {3, 3, 9}, timestamps(clock, t.tsval_of_stack()), {4, 2}});
    t.hears(syn().seq(t.irs).ack(t.iss + 1_B).win(1000).option_octets(options)).says(ack().ts());
    t.holds(t.heard().options.tsecr == clock, "the timestamp");
    const auto s = t.calls_status();
    t.holds(s.sack && s.timestamps && s.window_scaling && s.snd_shift == 9, "what was offered");
    t.holds(s.mss == 700, "the MSS");
    t.hears(ack().win(1000).ts(clock, t.tsval_of_stack())).says_nothing();
    t.holds(t.calls_status().snd_wnd == 512'000_B, "1000 units of 512 octets");
  }
}

// --- options written ----------------------------------------------------------------------------

SCENARIO_TEST("MSS and SACK-permitted stand in SYN segments, and nowhere else [MUST-65, R2018-1]") {
  for (int n = 0; n < 8; ++n) {
    meets_every_kind(offering(n), [n](Peer& t) {
      const bool is_syn = t.heard().flags.has(wire::kSyn);
      const bool answers = t.heard().flags.has(wire::kAck);
      t.holds(has_option(t, 2) == is_syn, "MSS in SYN alone");
      t.holds(has_option(t, 4) == (is_syn && (!answers || (n & 2) != 0)), "SACK-permitted too");
      t.holds(has_option(t, 3) == (is_syn && (!answers || (n & 1) != 0)), "and window scale");
    });
  }
}

SCENARIO_TEST("ESTABLISHED: MSS and SACK-permitted come too late there [MUST-65, R2018-1]") {
  auto t = peer::in_established(kBare);
  t.hears(data(10_B).mss(200).sackp()).says(ack(t.irs + 11_B));
  t.hears(data(10_B).seq(t.irs + 21_B)).says(ack(t.irs + 11_B).no_sack());
  t.calls_send(3000_B).says(data(1460_B)).may_have_said_anything();
}

SCENARIO_TEST("every option of ours tells its length, zeros pad the list [MUST-68, MUST-69, U-1]") {
  for (int n = 0; n < 8; ++n) meets_every_kind(offering(n), [](Peer& t) { has_sound_header(t); });
}

// --- reserved bits and the data offset ----------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: reserved bits and features that we lack are not looked at [U-1]") {
  auto t = peer::in_established();
  t.hears(data(10_B).reserved(0x0f)).says(ack(t.irs + 11_B));
  has_sound_header(t);
  t.hears(data(10_B).flags(wire::kAck | wire::kEce | wire::kCwr)).says(ack(t.irs + 21_B));
  has_sound_header(t);
  t.hears(fin().reserved(0x05)).says(ack(t.irs + 22_B)).is(State::CloseWait);
  auto u = peer::in_listen(kBare);
  u.hears(syn().seq(u.irs).reserved(0x0f).flags(wire::kSyn | wire::kEce | wire::kCwr));
  u.says(syn().ack(u.irs + 1_B));
  has_sound_header(u);
}

SCENARIO_ROWS("a data offset below five or beyond the segment is no segment",
              rows_of("U-2",
                      {Start::Closed, Start::Listen, Start::SynSent, Start::Established,
                       Start::TimeWait},
                      kBare)) {
  auto t = row.begins();
  for (const int words : {0, 1, 4, 6, 15}) {
    const auto offset = static_cast<uint8_t>(words);
    t.hears(ack().data_offset(offset)).says_nothing().dropped_as(DropReason::TcpDataOffset);
    t.hears(syn().data_offset(offset)).says_nothing().dropped_as(DropReason::TcpDataOffset);
    t.hears(rst().ack(t.snd_nxt()).data_offset(offset)).says_nothing();
    t.dropped_as(DropReason::TcpDataOffset);
  }
  t.is(row.state()).is_told_nothing();
  // Five words and as many as there are octets are right: text becomes options, which are skipped.
  if (row.state() == State::Established) {
    t.hears(data(4_B).data_offset(5)).says(ack(t.irs + 5_B));
    t.hears(data(8_B).data_offset(7).filled_with(1)).says_nothing().is(State::Established);
  }
}

}  // namespace rapport::scenario
