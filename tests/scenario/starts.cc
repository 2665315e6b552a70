// The way into each state, and the rows of rules that repeat over states.
#include "starts.hh"

#include "peer.hh"
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/config.hh"
#include "registry.hh"
#include "words.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::scenario {

namespace {

// A window that a story wants closed is a small one, so that few segments fill it.
constexpr uint32_t kSmallBuffer = 8192;

void closes_our_side(Peer& t) {
  if (t.with().full_close) {
    t.calls_close();
  } else {
    t.calls_shutdown_write();
  }
  t.says(fin().seq(t.snd_nxt() - 1_B).ack(t.rcv_nxt()));
}

void hears_fin(Peer& t, const Seg& f) {
  const Seq behind = t.rcv_nxt() + 1_B;
  t.hears(f).says(ack(behind));
  if (t.with().window_closed) t.holds(t.rcv_wnd() == 0_B, "the FIN took the last of the window");
}

With with_buffer(With with, ByteCount octets) {
  with.options = [inner = with.options, octets](tcp::ConnectionOptions& o) {
    o.receive_buffer = octets;
    if (inner) inner(o);
  };
  return with;
}

Peer arrived(Peer t, State s) {
  t.is(s).forgets_what_was_told();
  return t;
}

// A closed window has `leave` octets left, for the FIN that comes.
Peer established(const With& asked, ByteCount leave) {
  With with = asked.window_closed ? with_buffer(asked, ByteCount{kSmallBuffer}) : asked;
  with.window_closed = false;  // not yet
  Peer t = with.passive ? peer::in_syn_received_passive(with) : peer::in_syn_sent(with);
  if (with.passive) {
    t.hears(ack());
    t.says_nothing();
    if (!with.unaccepted) t.calls_accept();
  } else {
    t.hears(t.syn_of_peer().ack(t.iss + 1_B));
    t.says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  }
  if (asked.window_closed) t.fills_our_window(leave);
  t.window_is_closed(asked.window_closed);
  return arrived(std::move(t), State::Established);
}

Peer fin_wait_1(const With& with, ByteCount leave) {
  Peer t = established(with, leave);
  closes_our_side(t);
  return arrived(std::move(t), State::FinWait1);
}

Peer fin_wait_2(const With& with, ByteCount leave) {
  Peer t = fin_wait_1(with, leave);
  t.hears(ack());
  t.says_nothing();
  return arrived(std::move(t), State::FinWait2);
}

struct Known {
  Start start;
  State state;
  std::string_view name, prefix;
};

constexpr Known kKnown[] = {
    {Start::Closed, State::Closed, "CLOSED", "SA-CLOSED-"},
    {Start::Listen, State::Listen, "LISTEN", "SA-LISTEN-"},
    {Start::SynSent, State::SynSent, "SYN-SENT", "SA-SYNSENT-"},
    {Start::SynReceivedActive, State::SynReceived, "SYN-RECEIVED (active)", "SA-SYNRCVD-"},
    {Start::SynReceivedPassive, State::SynReceived, "SYN-RECEIVED (passive)", "SA-SYNRCVD-"},
    {Start::Established, State::Established, "ESTABLISHED (active)", "SA-ESTAB-"},
    {Start::EstablishedPassive, State::Established, "ESTABLISHED (passive)", "SA-ESTAB-"},
    {Start::FinWait1, State::FinWait1, "FIN-WAIT-1", "SA-FW1-"},
    {Start::FinWait2, State::FinWait2, "FIN-WAIT-2", "SA-FW2-"},
    {Start::CloseWait, State::CloseWait, "CLOSE-WAIT", "SA-CW-"},
    {Start::Closing, State::Closing, "CLOSING", "SA-CLOSING-"},
    {Start::LastAck, State::LastAck, "LAST-ACK", "SA-LASTACK-"},
    {Start::TimeWait, State::TimeWait, "TIME-WAIT", "SA-TW-"}};

const Known& known(Start s) {
  return *std::ranges::find_if(kKnown, [s](const Known& k) { return k.start == s; });
}

}  // namespace

namespace peer {

Peer in_closed(const With& with) {
  return Peer(with);
}

Peer in_listen(const With& with) {
  Peer t(with);
  t.calls_listen();
  return t;
}

Peer in_syn_sent(const With& with) {
  Peer t(with);
  t.calls_connect();
  t.says(syn());
  return t;
}

Peer in_syn_received_active(const With& with) {
  Peer t = in_syn_sent(with.window_closed ? with_buffer(with, 0_B) : with);
  t.hears(t.syn_of_peer());
  t.says(syn().seq(t.iss).ack(t.irs + 1_B));
  t.is(State::SynReceived);
  return t;
}

Peer in_syn_received_passive(const With& with) {
  Peer t = in_listen(with.window_closed ? with_buffer(with, 0_B) : with);
  t.hears(t.syn_of_peer());
  t.says(syn().ack(t.irs + 1_B));
  t.is(State::SynReceived);
  return t;
}

Peer in_established(const With& with) {
  return established(with, 0_B);
}

Peer in_fin_wait_1(const With& with) {
  return fin_wait_1(with, 0_B);
}

Peer in_fin_wait_2(const With& with) {
  return fin_wait_2(with, 0_B);
}

Peer in_close_wait(const With& with) {
  Peer t = established(with, 1_B);
  hears_fin(t, fin());
  return arrived(std::move(t), State::CloseWait);
}

Peer in_closing(const With& with) {
  Peer t = fin_wait_1(with, 1_B);
  hears_fin(t, fin().ack(t.snd_nxt() - 1_B));
  return arrived(std::move(t), State::Closing);
}

Peer in_last_ack(const With& with) {
  Peer t = in_close_wait(with);
  closes_our_side(t);
  return arrived(std::move(t), State::LastAck);
}

Peer in_time_wait(const With& with) {
  Peer t = fin_wait_2(with, 1_B);
  hears_fin(t, fin());
  return arrived(std::move(t), State::TimeWait);
}

}  // namespace peer

Seg window_probe(const Peer& t) {
  return ack(t.rcv_nxt()).seq(t.snd_una() - 1_B);
}

Seg completion(const Peer& t, const Endpoint& other) {
  const auto& syn_ack = t.heard();
  Seg s = ack(syn_ack.seq + 1_B).seq(syn_ack.ack).from(other);
  if (syn_ack.options.has_timestamps) s.ts(t.tsval_now(), syn_ack.options.tsval);
  return s;
}

Peer Row::begins(const With& other) const {
  With passive = other;
  passive.passive = true;
  switch (start) {
    case Start::Closed: return peer::in_closed(other);
    case Start::Listen: return peer::in_listen(other);
    case Start::SynSent: return peer::in_syn_sent(other);
    case Start::SynReceivedActive: return peer::in_syn_received_active(other);
    case Start::SynReceivedPassive: return peer::in_syn_received_passive(other);
    case Start::Established: return peer::in_established(other);
    case Start::EstablishedPassive: return peer::in_established(passive);
    case Start::FinWait1: return peer::in_fin_wait_1(other);
    case Start::FinWait2: return peer::in_fin_wait_2(other);
    case Start::CloseWait: return peer::in_close_wait(other);
    case Start::Closing: return peer::in_closing(other);
    case Start::LastAck: return peer::in_last_ack(other);
    case Start::TimeWait: return peer::in_time_wait(other);
  }
  std::unreachable();
}

State Row::state() const {
  return known(start).state;
}

std::string_view name(Start s) {
  return known(s).name;
}

bool add_rows(const char* file, int line, const std::string& title, const std::vector<Row>& rows,
              void (*story)(const Row&)) {
  for (const auto& row : rows) {
    add(file, line, std::string(name(row.start)) + ": " + title + " [" + row.rule + "]",
        [row, story] { story(row); });
  }
  return true;
}

std::vector<Row> rows_of_all_states(std::string_view number, const std::vector<Start>& without,
                                    const With& with) {
  std::vector<Row> rows;
  for (const auto& k : kKnown) {
    if (k.start < Start::SynReceivedActive || std::ranges::count(without, k.start) != 0) continue;
    rows.push_back({k.start, std::string(k.prefix) + std::string(number), with});
  }
  return rows;
}

std::vector<Row> rows_of(std::string_view rule, const std::vector<Start>& starts,
                         const With& with) {
  std::vector<Row> rows;
  rows.reserve(starts.size());
  for (const auto s : starts) rows.push_back({s, std::string(rule), with});
  return rows;
}

std::vector<Row> also(std::string_view ids, std::vector<Row> rows) {
  for (auto& row : rows) row.rule += ", " + std::string(ids);
  return rows;
}

std::vector<Start> synchronized_starts() {
  std::vector<Start> starts;
  for (const auto& k : kKnown) {
    if (k.start >= Start::Established) starts.push_back(k.start);
  }
  return starts;
}

}  // namespace rapport::scenario
