// Scripts: options, set-up, events, tear-down. Which texts a script holds.
#include "rapport/play/parse.hh"

#include "rapport/base/time.hh"
#include "rapport/play/lexer.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/place.hh"
#include "rapport/play/reader.hh"
#include "rapport/play/script.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

constexpr std::string_view kEvent =
    "a packet ('<' or '>'), a system call, a `shell line` or %{ code }%";

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The text behind the mark that editors of some systems put before UTF-8.
std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

// Options that one of the tools has alone.
void tell_dialect_by_option(Reader& r, const Option& option) {
  constexpr auto kOfG = std::to_array<std::string_view>(
      {"mss", "tcp_ts_ecr_scaled", "strict_segments", "psp_udp_port"});
  constexpr auto kOfF = std::to_array<std::string_view>({"tcp_md5_secret", "udp_encapsulation"});
  if (std::ranges::find(kOfG, option.name) != kOfG.end()) r.hint(Dialect::G);
  if (std::ranges::find(kOfF, option.name) != kOfF.end()) r.hint(Dialect::F);
}

void tell_dialect_by_words(Reader& r, std::string_view text) {
  constexpr auto kOfF = std::to_array<std::string_view>(
      {"net.inet", "kern.", "kldload", "sockstat", "TCPI_ESTABLISHED", "TCPI_CLOS", "TCPI_SYN_",
       "TCPI_FIN_", "TCPI_LAST_ACK", "TCPI_TIME_WAIT", "TCPI_LISTEN"});
  constexpr auto kOfG =
      std::to_array<std::string_view>({"net.ipv4", "net.core", "net.ipv6", "/proc/", "ip route",
                                       "ip ro", "tc qdisc", "ethtool", "defaults.sh", "TCP_CA_"});
  const auto within = [text](std::string_view word) { return text.contains(word); };
  if (std::ranges::any_of(kOfF, within)) r.hint(Dialect::F);
  if (std::ranges::any_of(kOfG, within)) r.hint(Dialect::G);
}

// A value as it stands, a string without its quotes. The token behind it is not read yet.
std::string read_value(Reader& r) {
  if (r.at(Token::Kind::End)) r.fail("a value after '='");
  if (r.failed()) return {};
  const std::string text = r.value();
  const bool quoted = text.size() > 1 && text.starts_with('"') && text.ends_with('"');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// NAME=VALUE of --define; the quotes are kept, for they say what the value is.
std::string read_define(Reader& r) {
  const std::string name{r.source()};
  if (r.at(Token::Kind::Word) || r.now().replaced) {
    r.next();
  } else {
    r.fail("NAME=VALUE to define");
  }
  r.need('=', "'=' and the value of the name to define");
  if (r.at(Token::Kind::End)) r.fail("a value after '='");
  if (r.failed()) return {};
  const std::string value = r.value();
  r.define(name, value);
  return name + "=" + value;
}

void read_options(Reader& r, Script& script) {
  while (r.at(Token::Kind::Dashes)) {
    Option option;
    option.place = r.now().place;
    r.next();
    option.name = r.word("the name of an option after '--'");
    if (r.take('=')) {
      option.value = option.name == "define" ? read_define(r) : read_value(r);
      r.next();
    }
    tell_dialect_by_option(r, option);
    script.options.push_back(std::move(option));
  }
}

ShellLine read_shell(Reader& r) {
  ShellLine shell{.text = std::string{r.now().text}, .place = r.now().place};
  tell_dialect_by_words(r, shell.text);
  r.next();
  return shell;
}

CodeBlock read_code(Reader& r) {
  CodeBlock code{.text = std::string{r.now().text}, .place = r.now().place};
  tell_dialect_by_words(r, code.text);
  r.next();
  return code;
}

When read_when(Reader& r) {
  When when;
  when.place = r.now().place;
  if (r.take('*')) {
    when.kind = When::Kind::Any;
    return when;
  }
  const bool relative = r.take('+');
  if (!relative && !r.at(Token::Kind::Integer) && !r.at(Token::Kind::Float)) {
    r.fail("an event: a time ('1.5', '+.1' or '*') and what happens then");
  }
  when.kind = relative ? When::Kind::Relative : When::Kind::Absolute;
  when.from = when.to = r.time();
  if (!r.take('~')) return when;
  when.kind = relative ? When::Kind::RelativeRange : When::Kind::AbsoluteRange;
  if (relative) r.need('+', "'+' and a time after '~'");
  const Place end = r.now().place;
  when.to = r.time();
  if (when.to < when.from) r.fail_at(end, "an end that is not before the beginning", "less");
  return when;
}

void check_when(Reader& r, const Event& event) {
  const bool open = event.when.kind == When::Kind::Any
                    || event.when.kind == When::Kind::AbsoluteRange
                    || event.when.kind == When::Kind::RelativeRange;
  const Packet* packet = event.packet();
  if (!open || (packet != nullptr && packet->outbound())) return;
  r.fail_at(event.when.place, "one time: '*' and ranges are for outbound packets", "more than one");
}

Event read_event(Reader& r) {
  Event event;
  event.when = read_when(r);
  if (r.at('<') || r.at('>')) {
    event.action = read_packet(r);
  } else if (r.at(Token::Kind::Shell)) {
    event.action = read_shell(r);
  } else if (r.at(Token::Kind::Code)) {
    event.action = read_code(r);
  } else if (r.at(Token::Kind::Word) || r.at(Token::Kind::Ellipsis)) {
    event.action = read_call(r);
  } else {
    r.fail(kEvent);
  }
  check_when(r, event);
  return event;
}

void read_events(Reader& r, Script& script) {
  do {
    if (script.events.size() == kMaxEvents) {
      r.fail("at most " + std::to_string(kMaxEvents) + " events");
      return;
    }
    script.events.push_back(read_event(r));
  } while (!r.failed() && !r.at(Token::Kind::Shell) && !r.at(Token::Kind::End));
}

Script read_script(Reader& r) {
  Script script;
  read_options(r, script);
  while (r.at(Token::Kind::Shell)) script.init.push_back(read_shell(r));
  read_events(r, script);
  while (r.at(Token::Kind::Shell)) script.cleanup.push_back(read_shell(r));
  if (!r.at(Token::Kind::End)) r.fail("the end of the script after its last shell line");
  return script;
}

SyntaxError too_large(const ParseOptions& options) {
  return {.file = std::string{options.file},
          .place = {.line = 1, .column = 1},
          .expected = "a script of at most " + std::to_string(kMaxScriptBytes) + " octets",
          .found = "more",
          .line_text = {}};
}

}  // namespace

std::expected<Script, SyntaxError> parse(std::string_view text, const ParseOptions& options) {
  text = without_mark(text);
  if (text.size() > kMaxScriptBytes) return std::unexpected(too_large(options));
  Reader r(text, options);
  Script script = read_script(r);
  script.lines = split_lines(text);
  if (const auto& first = r.error()) {
    SyntaxError error = *first;
    error.line_text = script.line(error.place);
    return std::unexpected(std::move(error));
  }
  script.file = options.file;
  script.dialect = r.dialect();
  return script;
}

std::vector<std::string_view> variants(std::string_view text) {
  constexpr std::string_view kIfdef = "#ifdef";
  text = without_mark(text);
  for (size_t at = text.find(kIfdef); at != std::string_view::npos;
       at = text.find(kIfdef, at + kIfdef.size())) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view name = text.substr(at + kIfdef.size());
    name = name.substr(0, name.find('\n'));
    name.remove_prefix(std::min(name.find_first_not_of(kBlanks), name.size()));
    name = name.substr(0, name.find_first_of(kBlanks));
    if (name == "STANDARD" || name == "FreeBSD") return {"STANDARD", "FreeBSD"};
  }
  return {""};
}

}  // namespace rapport::play
