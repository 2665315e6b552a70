// Names back into values, fields back into records.
#include "rapport/app/ladder_records.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(std::string_view what, std::string_view value) {
  throw std::runtime_error(fmt::format("{} \"{}\" is not known", what, value));
}

// The value among the first `n` of Enum that `name_of` calls `text`.
template <class Enum, class NameOf>
uint8_t value_of(std::string_view what, const std::string& text, int n, NameOf name_of) {
  for (int i = 0; i < n; ++i) {
    if (name_of(static_cast<Enum>(i)) == text) return static_cast<uint8_t>(i);
  }
  refuse(what, text);
}

uint8_t state_of(const json& j, const char* key) {
  return value_of<tcp::State>(key, j.at(key), tcp::kStates, [](auto v) { return tcp::name(v); });
}

// JSON's numbers may be fractions, negative or 1e300: none of them is cast.
template <class Number>
Number number_of(const json& value, const char* key) {
  if (!value.is_number_unsigned())
    throw std::runtime_error(fmt::format("{} is no whole number", key));
  const auto n = value.get<uint64_t>();
  if (n > static_cast<uint64_t>(std::numeric_limits<Number>::max()))
    throw std::runtime_error(fmt::format("{} {} is out of bounds", key, n));
  return static_cast<Number>(n);
}

template <class Number>
Number number(const json& j, const char* key) {
  return number_of<Number>(j.at(key), key);
}

uint8_t truth(const json& j, const char* key) {
  return j.at(key).get<bool>() ? 1 : 0;
}

Endpoint endpoint_of(const json& j, const char* key) {
  const auto text = j.at(key).get<std::string>();
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) refuse(key, text);
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  const auto parsed = parse_address(address);
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  if (!parsed || std::from_chars(text.data() + colon + 1, end, port).ptr != end) refuse(key, text);
  return {*parsed, port};
}

uint8_t flags_of(const std::string& text) {
  for (unsigned f = 0; f < 256; ++f) {
    if (observe::flag_words(static_cast<uint8_t>(f)) == text) return static_cast<uint8_t>(f);
  }
  refuse("flags", text);
}

// The options as they would stand on the wire.
void put_options(const json& j, TraceSegment& s) {
  wire::Options o;
  o.has_mss = j.contains("mss");
  if (o.has_mss) o.mss = number<uint16_t>(j, "mss");
  o.has_window_scale = j.contains("window_scale");
  if (o.has_window_scale) o.window_scale = number<uint8_t>(j, "window_scale");
  o.sack_permitted = j.contains("sack_permitted");
  o.has_timestamps = j.contains("tsval");
  if (o.has_timestamps) {
    o.tsval = number<uint32_t>(j, "tsval");
    o.tsecr = number<uint32_t>(j, "tsecr");
  }
  for (const json& block : j.value("sack", json::array())) {
    if (o.sack_count == o.sack.size()) break;
    o.sack.at(o.sack_count++) = {Seq{number_of<uint32_t>(block.at(0), "sack")},
                                 Seq{number_of<uint32_t>(block.at(1), "sack")}};
  }
  s.option_length = static_cast<uint8_t>(wire::write_options(s.options, o));
}

void put_text(const json& j, TraceSegment& s) {
  const auto hex = j.value("text", std::string());
  for (size_t i = 0; i + 1 < hex.size() && s.snap_length < sizeof(s.snap); i += 2) {
    uint8_t octet = 0;
    const char* const end = hex.data() + i + 2;
    if (std::from_chars(hex.data() + i, end, octet, 16).ptr != end) refuse("text", hex);
    s.snap[s.snap_length++] = octet;
  }
}

TraceSegment segment_of(const json& j) {
  TraceSegment s{};
  s.direction = j.at("direction") == "sent" ? 0 : 1;
  s.flags = flags_of(j.at("flags"));
  s.seq = number<uint32_t>(j, "seq");
  s.ack = number<uint32_t>(j, "ack");
  s.text_length = number<uint32_t>(j, "length");
  s.window = number<uint16_t>(j, "window");
  s.urgent = number<uint16_t>(j, "urgent");
  s.relative_known = j.contains("relative_seq") ? 1 : 0;
  if (s.relative_known != 0) {
    s.relative_seq = number<uint32_t>(j, "relative_seq");
    s.relative_ack = number<uint32_t>(j, "relative_ack");
  }
  s.state = state_of(j, "state");
  if (s.direction == 0) {
    s.cause =
        value_of<SendCause>("cause", j.at("cause"), 4, [](auto v) { return observe::name(v); });
    s.retransmission = truth(j, "retransmission");
  }
  s.serial = number<uint32_t>(j, "serial");
  put_options(j.at("options"), s);
  put_text(j, s);
  return s;
}

TraceTransition transition_of(const json& j) {
  TraceTransition t{};
  t.from = state_of(j, "from");
  t.to = state_of(j, "to");
  t.event = value_of<tcp::Event>("event", j.at("event"), tcp::kEvents,
                                 [](auto v) { return tcp::name(v); });
  const auto clause = j.at("clause").get<std::string>();
  std::ranges::copy(clause.substr(0, sizeof(t.clause) - 1), t.clause);
  return t;
}

TraceOptions options_of(const json& j) {
  constexpr uint8_t kAbsent = 0xff;
  const auto shift = [&j](const char* key) {
    return j.contains(key) ? number<uint8_t>(j, key) : kAbsent;
  };
  TraceOptions o{};
  o.mss_sent = number<uint16_t>(j, "mss_sent");
  o.mss_received = number<uint16_t>(j, "mss_received");
  o.effective_mss = number<uint32_t>(j, "effective_mss");
  o.window_scale_sent = shift("window_scale_sent");
  o.window_scale_received = shift("window_scale_received");
  o.sack_sent = truth(j, "sack_sent");
  o.sack_received = truth(j, "sack_received");
  o.timestamps_sent = truth(j, "timestamps_sent");
  o.timestamps_received = truth(j, "timestamps_received");
  o.scaling_on = truth(j, "scaling");
  o.sack_on = truth(j, "sack");
  o.timestamps_on = truth(j, "timestamps");
  return o;
}

TraceTimer timer_of(const json& j) {
  constexpr int kTimers = 11;
  TraceTimer t{};
  t.timer =
      value_of<TimerKind>("timer", j.at("timer"), kTimers, [](auto v) { return observe::name(v); });
  t.attempt = number<uint8_t>(j, "attempt");
  t.interval_ms = number<uint32_t>(j, "interval_ms");
  return t;
}

TraceCall call_of(const json& j) {
  constexpr int kCalls = 11;
  TraceCall c{};
  c.call =
      value_of<CallKind>("call", j.at("call"), kCalls, [](auto v) { return observe::name(v); });
  c.failed = truth(j, "failed");
  if (c.failed != 0) {
    c.error = value_of<Error>("error", j.at("error"), static_cast<int>(Error::kCount),
                              [](auto v) { return name(v); });
  }
  c.octets = number<uint32_t>(j, "octets");
  return c;
}

TraceDrop drop_of(const json& j) {
  TraceDrop d{};
  d.reason = value_of<DropReason>("reason", j.at("reason"), static_cast<int>(DropReason::kCount),
                                  [](auto v) { return name(v); });
  d.serial = number<uint32_t>(j, "serial");
  return d;
}

TraceEnded ended_of(const json& j) {
  TraceEnded e{};
  e.reason = value_of<CloseReason>("reason", j.at("reason"), static_cast<int>(CloseReason::kCount),
                                   [](auto v) { return name(v); });
  e.state = state_of(j, "state");
  return e;
}

TraceIcmp icmp_of(const json& j) {
  constexpr int kKinds = 13;
  TraceIcmp i{};
  i.trouble = value_of<wire::IcmpKind>("trouble", j.at("trouble"), kKinds,
                                       [](auto v) { return observe::name(v); });
  i.type = number<uint8_t>(j, "type");
  i.code = number<uint8_t>(j, "code");
  i.state = state_of(j, "state");
  i.sequence = number<uint32_t>(j, "sequence");
  i.mtu = number<uint32_t>(j, "mtu");
  return i;
}

template <class T>
void put(TraceRecord& r, const T& tail) {
  r.header.tail_length = sizeof(T);
  std::memcpy(r.tail, &tail, sizeof(T));
}

void put_tail(TraceRecord& r, const json& j) {
  switch (r.header.kind) {
    case TraceKind::Segment: return put(r, segment_of(j));
    case TraceKind::Transition: return put(r, transition_of(j));
    case TraceKind::Timer: return put(r, timer_of(j));
    case TraceKind::Options: return put(r, options_of(j));
    case TraceKind::Drop: return put(r, drop_of(j));
    case TraceKind::Call: return put(r, call_of(j));
    case TraceKind::Ended: return put(r, ended_of(j));
    case TraceKind::Icmp: return put(r, icmp_of(j));
    case TraceKind::Sample: return put(r, TraceSample{});  // no ladder shows it
  }
}

Instant time_of(const json& j, const char* key) {
  return Instant{number<int64_t>(j, key)};
}

}  // namespace

uint32_t JsonStory::host(const std::string& name) {
  if (name == "nobody") return kNoHost;
  const auto found = std::ranges::find(hosts_, name);
  if (found != hosts_.end()) return static_cast<uint32_t>(found - hosts_.begin());
  hosts_.push_back(name);
  return static_cast<uint32_t>(hosts_.size() - 1);
}

void JsonStory::take(const std::string& line) {
  try {
    take_record(line);
  } catch (const json::parse_error& e) {
    throw std::runtime_error(fmt::format("no JSON, from column {} on", e.byte));
  } catch (const json::exception& e) {  // "[json.exception.out_of_range.403] key 'kind' not found"
    const std::string what = e.what();
    const size_t end = what.find("] ");
    throw std::runtime_error(end == std::string::npos ? what : what.substr(end + 2));
  }
}

void JsonStory::take_record(const std::string& line) {
  constexpr int kKinds = 9;
  const json j = json::parse(line);
  const auto kind = j.at("kind").get<std::string>();
  const uint32_t who = host(j.at("host"));
  const Instant at = time_of(j, "t_ns");
  if (kind == "wire") {
    constexpr int kFates = 9;
    WireRecord w;
    w.sent = at;
    if (j.contains("arrived_ns")) w.arrived = time_of(j, "arrived_ns");
    w.from_host = who;
    w.to_host = host(j.at("to"));
    w.serial = number<uint32_t>(j, "serial");
    w.length = number<uint32_t>(j, "length");
    w.fate = static_cast<Fate>(
        value_of<Fate>("fate", j.at("fate"), kFates, [](auto v) { return name(v); }));
    wires_.push_back(w);
    return;
  }
  if (kind == "remark") {
    remarks_.push_back({who, static_cast<uint32_t>(records_.size()), at, j.at("text"),
                        truth(j, "forgets") != 0, truth(j, "closes") != 0});
    return;
  }
  HostRecord r{who, static_cast<uint32_t>(records_.size()), {}};
  TraceHeader& h = r.record.header;
  h.at = at;
  h.kind = static_cast<TraceKind>(
      value_of<TraceKind>("kind", kind, kKinds, [](auto v) { return observe::name(v); }));
  h.number = number<uint32_t>(j, "number");
  const Endpoint local = endpoint_of(j, "local"), remote = endpoint_of(j, "remote");
  h.local = local.address;
  h.key.local_port = local.port;
  h.key.remote = remote.address;
  h.key.remote_port = remote.port;
  put_tail(r.record, j);
  records_.push_back(r);
}

observe::Story JsonStory::story() const {
  return {hosts_, records_, wires_, remarks_};
}

}  // namespace rapport::app
