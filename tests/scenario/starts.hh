// Where stories begin: one constructor for each state of RFC 9293 3.3.2, all reached over the wire.
//   auto t = peer::in_fin_wait_1();   auto u = peer::in_established({.passive = true, .sack =
//   true});
// With .window_closed nobody reads and RCV.WND is 0: in SYN-RECEIVED because the receive buffer has
// no octet, later because text filled it; with the peer's FIN as the last thing that it took. In
// each of them everything that was said and told on the way has been claimed. Row and rows() are
// for rules that repeat over the states: see SCENARIO_ROWS in registry.hh.
#pragma once

#include "peer.hh"
#include "registry.hh"
#include "words.hh"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::scenario {

inline constexpr Duration msl = 30_s;

namespace peer {

Peer in_closed(const With& with = {});  // nobody listens, nothing lives
Peer in_listen(const With& with = {});
Peer in_syn_sent(const With& with = {});
Peer in_syn_received_active(const With& with = {});   // by a simultaneous open
Peer in_syn_received_passive(const With& with = {});  // half-open, behind a listener
Peer in_established(const With& with = {});           // active, or .passive
Peer in_fin_wait_1(const With& with = {});  // FIN sent at snd_nxt() - 1_B, not acknowledged
Peer in_fin_wait_2(const With& with = {});
Peer in_close_wait(const With& with = {});  // the peer's FIN taken: rcv_nxt() is behind it
Peer in_closing(const With& with = {});     // both FINs sent, ours not acknowledged
Peer in_last_ack(const With& with = {});
Peer in_time_wait(const With& with = {});  // by FIN-WAIT-2; 2MSL begins now

}  // namespace peer

// How the stack asks for a window (choice 35): the number before SND.UNA and no text, which the
// peer's sequence check answers.
Seg window_probe(const Peer& t);

// The third segment of the handshake of `other`, whose SYN,ACK was the last that t.says() matched.
Seg completion(const Peer& t, const Endpoint& other);

// A starting point of a rule that repeats over the states.
enum class Start : uint8_t {
  Closed,
  Listen,
  SynSent,
  SynReceivedActive,
  SynReceivedPassive,
  Established,
  EstablishedPassive,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait
};

struct Row {
  Start start = Start::Closed;
  std::string rule;
  With with{};

  [[nodiscard]] Peer begins() const { return begins(with); }

  [[nodiscard]] Peer begins(const With& other) const;
  [[nodiscard]] State state() const;
};

std::string_view name(Start s);

// Registers one test for each row: "FIN-WAIT-1: title [SA-FW1-05]".
bool add_rows(const char* file, int line, const std::string& title, const std::vector<Row>& rows,
              void (*story)(const Row&));

// rows({Start::Established, …}, "SA-ESTAB-05") and the like, spelt once for the common rows: the
// same number in every state from SYN-RECEIVED (both origins) to TIME-WAIT.
// Leaves out the states of `without`.
std::vector<Row> rows_of_all_states(std::string_view number, const std::vector<Start>& without = {},
                                    const With& with = {});
// The same rule, of no particular state, for each of `starts`.
std::vector<Row> rows_of(std::string_view rule, const std::vector<Start>& starts,
                         const With& with = {});
// The same rows, each of which shows the rules `ids` ("U-5, U-9") as well.
std::vector<Row> also(std::string_view ids, std::vector<Row> rows);
// The starting points in synchronized states (ESTABLISHED both ways … TIME-WAIT).
std::vector<Start> synchronized_starts();

}  // namespace rapport::scenario
