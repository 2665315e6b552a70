// Writing JSON. Every string is one of ours (names, clauses, addresses) or a host's name; quotes,
// backslashes and controls are escaped all the same.
#include "rapport/observe/json.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

class Object {
 public:
  Object& text(std::string_view key, std::string_view value) {
    name(key);
    quote(value);
    return *this;
  }

  Object& number(std::string_view key, int64_t value) {
    name(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return *this;
  }

  Object& truth(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }

  Object& raw(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
    return *this;
  }

  std::string done() { return out_ + '}'; }

 private:
  void name(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    quote(key);
    out_ += ':';
  }

  void quote(std::string_view s) {
    out_ += '"';
    for (const char c : s) {
      if (c == '"' || c == '\\') out_ += '\\';
      if (static_cast<uint8_t>(c) < 0x20) {
        fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<uint8_t>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string out_ = "{";
};

std::string_view state_name(uint8_t s) {
  return tcp::name(static_cast<tcp::State>(s));
}

std::string options_json(const TraceSegment& s) {
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  Object out;
  if (o.has_mss) out.number("mss", o.mss);
  if (o.has_window_scale) out.number("window_scale", o.window_scale);
  if (o.sack_permitted) out.truth("sack_permitted", true);
  if (o.has_timestamps) out.number("tsval", o.tsval).number("tsecr", o.tsecr);
  if (o.sack_count > 0) {
    std::string blocks = "[";
    for (size_t i = 0; i < o.sack_count; ++i) {
      fmt::format_to(std::back_inserter(blocks), "{}[{},{}]", i > 0 ? "," : "", o.sack[i].left.v,
                     o.sack[i].right.v);
    }
    out.raw("sack", blocks + "]");
  }
  if (o.malformed) out.truth("malformed", true);
  return out.done();
}

void segment(Object& out, const TraceSegment& s) {
  const bool sent = s.direction == static_cast<uint8_t>(Direction::Sent);
  out.text("direction", name(static_cast<Direction>(s.direction)))
      .text("flags", flag_words(s.flags))
      .number("seq", s.seq)
      .number("ack", s.ack)
      .number("length", s.text_length)
      .number("window", s.window)
      .number("urgent", s.urgent);
  if (s.relative_known != 0)
    out.number("relative_seq", s.relative_seq).number("relative_ack", s.relative_ack);
  out.text("state", state_name(s.state));
  if (sent) {
    out.text("cause", name(static_cast<SendCause>(s.cause)))
        .truth("retransmission", s.retransmission != 0);
  }
  out.number("serial", s.serial).raw("options", options_json(s));
  if (s.snap_length > 0) {
    std::string hex;
    for (size_t i = 0; i < std::min<size_t>(s.snap_length, sizeof(s.snap)); ++i)
      fmt::format_to(std::back_inserter(hex), "{:02x}", s.snap[i]);
    out.text("text", hex);
  }
}

void transition(Object& out, const TraceTransition& t) {
  out.text("from", state_name(t.from))
      .text("to", state_name(t.to))
      .text("event", tcp::name(static_cast<tcp::Event>(t.event)))
      .text("clause", clause_of(t));
}

void options(Object& out, const TraceOptions& o) {
  out.number("mss_sent", o.mss_sent).number("mss_received", o.mss_received);
  out.number("effective_mss", o.effective_mss);
  constexpr uint8_t kAbsentShift = 0xff;
  if (o.window_scale_sent != kAbsentShift) out.number("window_scale_sent", o.window_scale_sent);
  if (o.window_scale_received != kAbsentShift)
    out.number("window_scale_received", o.window_scale_received);
  out.truth("sack_sent", o.sack_sent != 0)
      .truth("sack_received", o.sack_received != 0)
      .truth("timestamps_sent", o.timestamps_sent != 0)
      .truth("timestamps_received", o.timestamps_received != 0)
      .truth("scaling", o.scaling_on != 0)
      .truth("sack", o.sack_on != 0)
      .truth("timestamps", o.timestamps_on != 0);
}

void call(Object& out, const TraceCall& c) {
  out.text("call", name(static_cast<CallKind>(c.call))).truth("failed", c.failed != 0);
  if (c.failed != 0) out.text("error", name(static_cast<Error>(c.error)));
  out.number("octets", c.octets);
}

void sample(Object& out, const TraceSample& s) {
  out.number("cwnd", s.cwnd)
      .number("ssthresh", s.ssthresh)
      .number("flight", s.flight)
      .number("srtt_us", s.srtt_us)
      .number("rttvar_us", s.rttvar_us)
      .number("rto_us", s.rto_us)
      .number("snd_wnd", s.snd_wnd)
      .number("rcv_wnd", s.rcv_wnd)
      .number("send_queue", s.send_queue)
      .number("receive_queue", s.receive_queue);
  std::string blocks = "[";
  for (size_t i = 0; i + 1 < 2 * std::min<size_t>(s.sack_count, 4); i += 2) {
    fmt::format_to(std::back_inserter(blocks), "{}[{},{}]", i > 0 ? "," : "", s.sack[i],
                   s.sack[i + 1]);
  }
  out.raw("sack", blocks + "]");
}

void tail(Object& out, const TraceRecord& r) {
  switch (r.header.kind) {
    case TraceKind::Segment: return segment(out, r.as<TraceSegment>());
    case TraceKind::Transition: return transition(out, r.as<TraceTransition>());
    case TraceKind::Options: return options(out, r.as<TraceOptions>());
    case TraceKind::Call: return call(out, r.as<TraceCall>());
    case TraceKind::Sample: return sample(out, r.as<TraceSample>());
    case TraceKind::Timer: {
      const auto t = r.as<TraceTimer>();
      out.text("timer", name(static_cast<TimerKind>(t.timer)))
          .number("attempt", t.attempt)
          .number("interval_ms", t.interval_ms);
      return;
    }
    case TraceKind::Drop: {
      const auto d = r.as<TraceDrop>();
      out.text("reason", name(static_cast<DropReason>(d.reason))).number("serial", d.serial);
      return;
    }
    case TraceKind::Icmp: {
      const auto i = r.as<TraceIcmp>();
      out.text("trouble", name(static_cast<wire::IcmpKind>(i.trouble)))
          .number("type", i.type)
          .number("code", i.code)
          .text("state", state_name(i.state))
          .number("sequence", i.sequence)
          .number("mtu", i.mtu);
      return;
    }
    case TraceKind::Ended: {
      const auto e = r.as<TraceEnded>();
      out.text("reason", name(static_cast<CloseReason>(e.reason)))
          .text("state", state_name(e.state));
      return;
    }
  }
}

// A listener has no remote side; that of an IPv4 one is 0.0.0.0.
IpAddress remote_of(const TraceHeader& h) {
  return h.local.is_v4() && h.key.remote == IpAddress{} ? IpAddress::v4(0, 0, 0, 0) : h.key.remote;
}

std::string host_name(const Story& story, uint32_t host) {
  return host < story.hosts.size() ? story.hosts[host] : "nobody";
}

std::string wire_line(const Story& story, const WireRecord& w) {
  Object out;
  out.number("t_ns", w.sent.ns)
      .text("host", host_name(story, w.from_host))
      .text("kind", "wire")
      .text("fate", name(w.fate))
      .text("to", host_name(story, w.to_host))
      .number("serial", w.serial)
      .number("length", w.length);
  if (w.has_arrived()) out.number("arrived_ns", w.arrived.ns);
  return out.done();
}

std::string remark_line(const Story& story, const Remark& r) {
  Object out;
  out.number("t_ns", r.at.ns)
      .text("host", host_name(story, r.host))
      .text("kind", "remark")
      .text("text", r.text)
      .truth("forgets", r.forgets)
      .truth("closes", r.closes);
  return out.done();
}

}  // namespace

std::string json_line(const HostRecord& r, std::string_view host) {
  const TraceHeader& h = r.record.header;
  Object out;
  out.number("t_ns", h.at.ns)
      .text("host", host)
      .text("kind", name(h.kind))
      .number("number", h.number)
      .text("local", to_string(Endpoint{h.local, h.key.local_port}))
      .text("remote", to_string(Endpoint{remote_of(h), h.key.remote_port}));
  tail(out, r.record);
  return out.done();
}

std::string json(const Story& story) {
  std::string out;
  size_t w = 0, m = 0;
  const auto remarks_before = [&](size_t order) {
    for (; m < story.remarks.size() && story.remarks[m].before <= order; ++m)
      out += remark_line(story, story.remarks[m]) + '\n';
  };
  const auto wires_before = [&](Instant at) {
    for (; w < story.wires.size() && story.wires[w].sent < at; ++w) {
      if (story.wires[w].fate != Fate::Delivered) out += wire_line(story, story.wires[w]) + '\n';
    }
  };
  for (const HostRecord& r : story.records) {
    remarks_before(r.order);
    wires_before(r.record.header.at);
    out += json_line(r, host_name(story, r.host)) + '\n';
  }
  remarks_before(SIZE_MAX);
  wires_before(kNever);
  return out;
}

}  // namespace rapport::observe
