// The language of sequences.txt, line by line. A line that it does not know is an error.
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/tcp.hh"
#include "sequence.hh"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rapport::differential {

namespace {

using Words = std::vector<std::string>;

Words split(std::string_view line) {
  std::istringstream in{std::string(line)};
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<int64_t> number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<Place> place(std::string_view word) {
  Place p;
  if (word.starts_with("edge")) {
    p.from_edge = true;
    word.remove_prefix(4);
    if (word.empty()) return p;
  }
  const auto n = number(word);
  if (!n) return std::nullopt;
  p.offset = *n;
  return p;
}

std::optional<wire::Flags> flags(std::string_view word) {
  static constexpr std::array<std::pair<char, wire::Flags>, 8> kLetters{{{'S', wire::kSyn},
                                                                         {'F', wire::kFin},
                                                                         {'R', wire::kRst},
                                                                         {'P', wire::kPsh},
                                                                         {'A', wire::kAck},
                                                                         {'U', wire::kUrg},
                                                                         {'E', wire::kEce},
                                                                         {'W', wire::kCwr}}};
  wire::Flags f;
  if (word == "none") return f;
  for (const char c : word) {
    bool known = false;
    for (const auto& [letter, flag] : kLetters) {
      if (letter != c) continue;
      f = f | flag;
      known = true;
    }
    if (!known) return std::nullopt;
  }
  return f;
}

std::optional<std::vector<uint8_t>> octets(std::string_view word) {
  std::vector<uint8_t> all;
  for (size_t i = 0; i + 1 < word.size(); i += 2) {
    uint8_t octet = 0;
    const auto* const end = word.data() + i + 2;
    if (std::from_chars(word.data() + i, end, octet, 16).ptr != end) return std::nullopt;
    all.push_back(octet);
  }
  if (word.size() % 8 != 0) return std::nullopt;
  return all;
}

// Words of a segment that stand alone.
bool takes_word(SegmentWords& s, const std::string& word) {
  if (word == "sackok") {
    s.sack_permitted = true;
  } else if (word == "ts") {
    s.timestamps = true;
  } else if (word == "nots") {
    s.no_timestamps = true;
  } else if (word == "zero-echo") {
    s.zero_echo = true;
  } else if (word == "wrong-sum") {
    s.wrong_sum = true;
  } else {
    return false;
  }
  return true;
}

bool takes_option(SegmentWords& s, const std::string& word, int64_t value) {
  if (word == "mss") {
    s.mss = static_cast<uint16_t>(value);
  } else if (word == "ws") {
    s.scale = static_cast<uint8_t>(value);
  } else if (word == "tsval") {
    s.tsval = value;
  } else if (word == "tsecr") {
    s.tsecr = value;
  } else {
    return false;
  }
  return true;
}

bool takes_number(SegmentWords& s, const std::string& word, int64_t value) {
  if (word == "ack") {
    s.ack = value;
  } else if (word == "len") {
    s.length = static_cast<uint32_t>(value);
  } else if (word == "win") {
    s.window = static_cast<uint16_t>(value);
  } else if (word == "urg") {
    s.urgent = static_cast<uint16_t>(value);
  } else if (word == "port") {
    s.port = static_cast<uint16_t>(value);
  } else {
    return takes_option(s, word, value);
  }
  return true;
}

// A word with an argument; false when there is none such.
bool takes_pair(SegmentWords& s, const std::string& word, const std::string& value) {
  if (word == "seq") {
    s.seq = place(value);
    return s.seq.has_value();
  }
  if (word == "raw") {
    s.raw_options = octets(value);
    return s.raw_options.has_value();
  }
  if (word == "sack") {
    const auto dash = value.find("..");
    if (dash == std::string::npos) return false;
    const auto left = number(value.substr(0, dash));
    const auto right = number(value.substr(dash + 2));
    if (!left || !right) return false;
    s.sack.emplace_back(*left, *right);
    return true;
  }
  const auto n = number(value);
  return n && takes_number(s, word, *n);
}

bool segment(const Words& words, Step& step) {
  if (words.size() < 2) return false;
  const auto f = flags(words[1]);
  if (!f) return false;
  step.verb = Verb::Hears;
  step.segment.flags = *f;
  for (size_t i = 2; i < words.size(); ++i) {
    if (takes_word(step.segment, words[i])) continue;
    if (i + 1 == words.size() || !takes_pair(step.segment, words[i], words[i + 1])) return false;
    ++i;
  }
  return true;
}

bool icmp(const Words& words, Step& step) {
  static constexpr std::array<std::pair<std::string_view, wire::IcmpKind>, 9> kKinds{
      {{"net-unreachable", wire::IcmpKind::NetUnreachable},
       {"host-unreachable", wire::IcmpKind::HostUnreachable},
       {"protocol-unreachable", wire::IcmpKind::ProtocolUnreachable},
       {"port-unreachable", wire::IcmpKind::PortUnreachable},
       {"too-big", wire::IcmpKind::PacketTooBig},
       {"admin-prohibited", wire::IcmpKind::AdminProhibited},
       {"time-exceeded", wire::IcmpKind::TimeExceededTransit},
       {"parameter-problem", wire::IcmpKind::ParameterProblem},
       {"source-quench", wire::IcmpKind::SourceQuench}}};
  if (words.size() < 4 || words[2] != "seq") return false;
  step.verb = Verb::HearsIcmp;
  for (const auto& [word, kind] : kKinds) {
    if (word == words[1]) step.icmp.kind = kind;
  }
  const auto seq = number(words[3]);
  if (step.icmp.kind == wire::IcmpKind::Unknown || !seq) return false;
  step.icmp.seq = *seq;
  if (words.size() == 4) return true;
  const auto mtu = words.size() == 6 && words[4] == "mtu" ? number(words[5]) : std::nullopt;
  step.icmp.mtu = static_cast<uint32_t>(mtu.value_or(0));
  return mtu.has_value();
}

bool call(const Words& words, Step& step) {
  static constexpr std::array<std::string_view, 13> kCalls{
      "listen", "connect", "accept",         "send",  "urgent",  "read",     "shutdown",
      "close",  "abort",   "close-listener", "error", "nodelay", "keepalive"};
  for (const auto known : kCalls) {
    if (words[0] != known || words.size() > 2) continue;
    step.verb = Verb::Calls;
    step.call = words[0];
    const auto n = words.size() == 2 ? number(words[1]) : std::optional<int64_t>(0);
    step.number = static_cast<uint32_t>(n.value_or(0));
    return n.has_value();
  }
  return false;
}

std::optional<Step> parse_step(std::string_view line) {
  Step step;
  step.text = line;
  const Words words = split(line);
  bool good = false;
  if (words[0] == ">") {
    good = segment(words, step);
  } else if (words[0] == "icmp") {
    good = icmp(words, step);
  } else if (words[0] == "fill") {
    step.verb = Verb::Fills;
    good = words.size() == 1;
  } else if (words[0] == "wait") {
    const auto n = words.size() == 2 ? number(words[1]) : std::nullopt;
    step.number = static_cast<uint32_t>(n.value_or(0));
    good = n.has_value();
  } else {
    good = call(words, step);
  }
  return good ? std::optional(step) : std::nullopt;
}

// "start …": what leads there is not compared, only the state it ends in.
bool start(std::string_view what, Sequence& s) {
  const auto lines = lines_into(what);
  if (lines.empty()) return false;
  for (const auto& line : lines) {
    auto step = parse_step(line);
    if (!step) return false;
    step->judged = Judged::Nothing;
    s.steps.push_back(std::move(*step));
  }
  s.steps.back().judged = Judged::State;
  s.steps.back().text = "start " + std::string(what);
  return true;
}

bool add_line(std::string_view line, Sequence& s) {
  if (line.starts_with("start ")) return start(line.substr(6), s);
  auto step = parse_step(line);
  if (!step) return false;
  s.steps.push_back(std::move(*step));
  return true;
}

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

// "sequence NAME RULE..."
Sequence heading(std::string_view line) {
  Words words = split(line);
  Sequence s;
  s.name = words.size() > 1 ? words[1] : "";
  for (size_t i = 2; i < words.size(); ++i) s.rules += (i > 2 ? " " : "") + words[i];
  return s;
}

}  // namespace

std::expected<std::vector<Sequence>, std::string> parse(std::string_view text) {
  std::vector<Sequence> once;
  std::istringstream in{std::string(text)};
  size_t count = 0;
  for (std::string whole; std::getline(in, whole);) {
    ++count;
    const std::string_view line = trimmed(whole);
    if (line.empty()) continue;
    if (line.starts_with("sequence ")) {
      once.push_back(heading(line));
      continue;
    }
    if (once.empty() || !add_line(line, once.back())) {
      return std::unexpected("line " + std::to_string(count) + ": cannot read '" + std::string(line)
                             + "'");
    }
  }
  std::vector<Sequence> both;
  for (const uint8_t family : {uint8_t{4}, uint8_t{6}}) {
    for (const auto& s : once) {
      both.push_back(s);
      both.back().family = family;
    }
  }
  return both;
}

}  // namespace rapport::differential
