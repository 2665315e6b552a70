// The document's parts: connections, counts by state, drops, ends, HTTP.
#include "rapport/app/status_report.hh"

#include "rapport/app/serve_http.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/device/device.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/standing.hh"
#include "rapport/observe/watch.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <malloc.h>
#include <nlohmann/json.hpp>

namespace rapport::app {
namespace {

using Json = nlohmann::ordered_json;
using observe::Pair;
using observe::View;
using observe::Watched;

// A listener has no remote side; that of an IPv4 one is 0.0.0.0.
Endpoint remote_of(const Pair& pair) {
  if (pair.remote.port != 0 || !pair.local.address.is_v4()) return pair.remote;
  return {IpAddress::v4(0, 0, 0, 0), 0};
}

void add_cause(Json& row, const View& view) {
  if (view.watched == nullptr) return;
  const Watched& w = *view.watched;
  row["age_ms"] = observe::age_of(view).to_ms();
  row["life_ms"] = (view.now - w.born).to_ms();
  row["from"] = tcp::name(w.from);
  row["event"] = tcp::name(w.event);
  row["clause"] = w.clause;
  if (w.segment) row["segment"] = observe::flag_words(w.segment->flags);
  if (w.call) row["call"] = observe::name(*w.call);
  if (w.heard) row["heard_ms"] = (view.now - *w.heard).to_ms();
  if (w.said) row["said_ms"] = (view.now - *w.said).to_ms();
  row["resent"] = w.resent;
}

void add_numbers(Json& row, const tcp::Status& s) {
  row["receive_queue"] = s.receive_queue.v;
  row["send_queue"] = s.send_queue.v;
  row["out_of_order"] = s.out_of_order.v;
  row["unacknowledged"] = (s.snd_nxt - s.snd_una).v;
  row["retransmissions"] = s.retransmissions;
  row["srtt_us"] = s.srtt.to_us();
  row["rttvar_us"] = s.rttvar.to_us();
  row["rto_us"] = s.rto.to_us();
  row["cwnd"] = s.cwnd;
  row["ssthresh"] = s.ssthresh;
  row["mss"] = s.mss;
  row["snd_wnd"] = s.snd_wnd.v;
  row["rcv_wnd"] = s.rcv_wnd.v;
  if (s.window_scaling) {
    row["snd_shift"] = s.snd_shift;
    row["rcv_shift"] = s.rcv_shift;
  }
  row["sack"] = s.sack;
  row["timestamps"] = s.timestamps;
  row["passive"] = s.passive;
  row["orphan"] = s.orphan;
  const bool told = s.soft_error != wire::IcmpKind::Unknown;
  row["soft_error"] = told ? observe::name(s.soft_error) : "none";
}

void add_timer(Json& row, const View& view) {
  if (view.status != nullptr && view.status->timer) {
    row["timer"] = observe::name(*view.status->timer);
    row["timer_ms"] = std::max(view.status->timer_at - view.now, Duration{}).to_ms();
  } else if (view.state == tcp::State::TimeWait && view.watched != nullptr) {
    row["timer"] = observe::name(TimerKind::TimeWait);
    row["timer_ms"] = std::max(view.two_msl - observe::age_of(view), Duration{}).to_ms();
  }
}

Json row_of(const Pair& pair, const View& view) {
  Json row;
  row["state"] = tcp::name(view.state);
  row["local"] = to_string(pair.local);
  row["remote"] = to_string(remote_of(pair));
  row["move"] = observe::name(observe::mover_of(view));
  row["why"] = observe::sentence(view);
  add_cause(row, view);
  add_timer(row, view);
  if (view.status == nullptr) return row;
  if (view.state == tcp::State::Listen) {
    row["backlog_waiting"] = view.status->backlog_waiting;
    row["half_open"] = view.status->half_open;
  } else {
    add_numbers(row, *view.status);
  }
  return row;
}

// All rows, those that are watched first; the trace may have missed some.
class Rows {
 public:
  Rows(const StatusSource& source, Instant now) : source_(source), now_(now) {
    for (const auto& [pair, watched] : source.watch.all()) add(pair, &watched, watched.connection);
    std::vector<Handle> handles;
    source.stack.connections(handles);
    for (const Handle h : handles) {
      const auto status = source.stack.command(tcp::GetStatus{h}, now);
      if (!status) continue;
      const Pair pair{status->local, status->remote};
      if (source.watch.find(pair) == nullptr) add(pair, nullptr, h);
    }
  }

  Json connections = Json::array();
  Json states = Json::object();
  uint64_t omitted = 0;

 private:
  void add(const Pair& pair, const Watched* watched, Handle handle) {
    std::optional<tcp::Status> status;
    if (handle.v != 0) {
      if (auto known = source_.stack.command(tcp::GetStatus{handle}, now_)) status = *known;
    }
    View view;
    view.state = watched != nullptr ? watched->state : tcp::State::Closed;
    view.status = status ? &*status : nullptr;
    if (status) view.state = status->state;
    // Where the stack and the trace disagree, records were lost, and the cause with them.
    view.watched = watched != nullptr && watched->state == view.state ? watched : nullptr;
    view.now = now_;
    view.two_msl = source_.two_msl;
    const std::string state(tcp::name(view.state));
    states[state] = states.value(state, 0) + 1;
    if (connections.size() >= kMostReported) {
      ++omitted;
    } else {
      connections.push_back(row_of(pair, view));
    }
  }

  const StatusSource& source_;
  Instant now_;
};

Json counters_of(const tcp::Counters& c) {
  Json out;
  out["frames_received"] = c.frames_received;
  out["frames_sent"] = c.frames_sent;
  out["segments_received"] = c.segments_received;
  out["segments_sent"] = c.segments_sent;
  out["octets_received"] = c.octets_received;
  out["octets_sent"] = c.octets_sent;
  out["retransmissions"] = c.retransmissions;
  out["timeouts"] = c.timeouts;
  out["resets_sent"] = c.resets_sent;
  out["remotes_refused"] = c.remotes_refused;
  return out;
}

template <class Reason, class Counts>
Json nonzero(const Counts& counts) {
  Json out = Json::object();
  for (size_t i = 1; i < counts.size(); ++i) {
    if (counts[i] != 0) out[std::string(name(static_cast<Reason>(i)))] = counts[i];
  }
  return out;
}

Json population_of(const stack::Stack::Population& alive) {
  Json out;
  out["connections"] = alive.connections;
  out["half_open"] = alive.half_open;
  out["time_wait"] = alive.time_wait;
  out["listeners"] = alive.listeners;
  out["transfers"] = alive.transfers;
  out["extras"] = alive.extras;
  out["blocks"] = alive.blocks;
  out["pieces"] = alive.pieces;
  out["datagram_sockets"] = alive.datagram_sockets;
  out["datagrams"] = alive.datagrams;
  out["fragmented"] = alive.fragmented;
  return out;
}

Json http_of(const HttpCounters& http) {
  Json out;
  out["connections"] = http.connections;
  out["requests"] = http.requests;
  out["turned_away"] = http.turned_away;
  out["tls_failed"] = http.tls_failed;
  Json answers = Json::object();
  for (size_t status = 0; status < http.answers.size(); ++status) {
    if (http.answers[status] != 0) answers[std::to_string(status)] = http.answers[status];
  }
  out["answers"] = std::move(answers);
  return out;
}

}  // namespace

Json device_report(const device::Counters& c) {
  Json out;
  out["frames_in"] = c.frames_in;
  out["octets_in"] = c.octets_in;
  out["frames_out"] = c.frames_out;
  out["octets_out"] = c.octets_out;
  out["read_errors"] = c.read_errors;
  out["write_errors"] = c.write_errors;
  out["starved"] = c.starved;
  out["waits_for_room"] = c.waits_for_room;
  out["lost_by_faults"] = c.lost_by_faults;
  return out;
}

Json status_report(const StatusSource& source, Instant now) {
  Rows rows(source, now);
  Json out;
  out["interface"] = source.interface;
  out["uptime_ms"] = Duration{now.ns}.to_ms();
  out["connections"] = std::move(rows.connections);
  out["omitted"] = rows.omitted;
  out["states"] = std::move(rows.states);
  out["population"] = population_of(source.stack.population());
  const struct mallinfo2 heap = ::mallinfo2();
  out["heap_octets"] = heap.uordblks + heap.hblkhd;
  out["drops"] = nonzero<DropReason>(source.stack.counters().drops);
  out["ended"] = nonzero<CloseReason>(source.stack.counters().ended);
  out["counters"] = counters_of(source.stack.counters());
  out["device"] = device_report(source.device);
  out["http"] = http_of(source.http);
  out["trace_lost"] = source.stack.trace().lost();
  return out;
}

}  // namespace rapport::app
