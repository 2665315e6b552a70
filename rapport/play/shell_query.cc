// Listings of sockets and their filters.
#include "rapport/play/shell_query.hh"

#include "rapport/play/shell.hh"
#include "rapport/play/shell_words.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rapport::play {

namespace {

// What the systems call the states, in upper case with "_", and RFC 9293's name.
constexpr auto kStates = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"LISTEN", "LISTEN"},         {"LISTENING", "LISTEN"},        {"SYN_SENT", "SYN_SENT"},
    {"SYN_RCVD", "SYN_RECEIVED"}, {"SYN_RECV", "SYN_RECEIVED"},   {"SYN_RECEIVED", "SYN_RECEIVED"},
    {"ESTAB", "ESTABLISHED"},     {"ESTABLISHED", "ESTABLISHED"}, {"FIN_WAIT_1", "FIN_WAIT_1"},
    {"FIN_WAIT1", "FIN_WAIT_1"},  {"FIN_WAIT_2", "FIN_WAIT_2"},   {"FIN_WAIT2", "FIN_WAIT_2"},
    {"CLOSE_WAIT", "CLOSE_WAIT"}, {"CLOSING", "CLOSING"},         {"LAST_ACK", "LAST_ACK"},
    {"TIME_WAIT", "TIME_WAIT"},   {"CLOSED", "CLOSED"},           {"CLOSE", "CLOSED"},
    {"UNCONN", "CLOSED"},
});

// What stands in the line of every socket of a script: the name of the tool, which the systems cut
// short, the protocol, the port.
bool is_of_all(std::string_view pattern) {
  constexpr size_t kCutShort = 6;
  constexpr auto kWords = std::to_array<std::string_view>({"tcp", "tcp4", "tcp6", "8080", ":8080"});
  const bool tool =
      pattern.size() >= kCutShort && std::string_view{"packetdrill"}.starts_with(pattern);
  return tool || std::ranges::find(kWords, pattern) != kWords.end();
}

std::optional<std::string_view> state_named(std::string_view word) {
  std::string upper{word};
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  const auto at =
      std::ranges::find(kStates, std::string_view{upper}, [](const auto& s) { return s.first; });
  if (at == kStates.end()) return std::nullopt;
  return at->second;
}

struct Reading {
  Query query;
  bool counted = false;  // what flows is a number of lines
  bool compared = false;
};

bool set_state(Query& query, std::string_view word) {
  const auto state = state_named(word);
  if (!state || (!query.state.empty() && query.state != *state)) return false;
  query.state = *state;
  return true;
}

// `sockstat OPTIONS`, `ss OPTIONS [state NAME]`, `netstat OPTIONS`. Options that leave sockets out
// are all right where a state is asked for.
bool read_listing(const ShellCommand& listing, Reading& reading) {
  const std::span<const std::string> words = listing.words;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] != "state") continue;
    if (i + 1 == words.size() || !set_state(reading.query, words[i + 1])) return false;
  }
  return true;
}

bool read_count(std::string_view pattern, Reading& reading) {
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  if (pattern.ends_with('$')) pattern.remove_suffix(1);
  int64_t n = 0;
  const auto [end, error] = std::from_chars(pattern.data(), pattern.data() + pattern.size(), n);
  if (error != std::errc{} || end != pattern.data() + pattern.size() || reading.compared)
    return false;
  reading.query.count = n;
  reading.compared = true;
  return true;
}

bool read_grep(const ShellCommand& grep, Reading& reading) {
  std::string_view pattern;
  bool counts = false;
  for (size_t i = 1; i < grep.words.size(); ++i) {
    const std::string_view word = grep.words[i];
    if (!word.starts_with('-') || word.size() < 2) {
      if (!pattern.empty()) return false;  // a file
      pattern = word;
    } else if (word.find_first_not_of("cqwxiEFe", 1) != std::string_view::npos) {
      return false;  // -v and others
    } else {
      counts = counts || word.contains('c');
    }
  }
  if (pattern.empty()) return false;
  if (reading.counted) return read_count(pattern, reading);
  reading.counted = counts;
  return is_of_all(pattern) || set_state(reading.query, pattern);
}

bool read_filter(const ShellCommand& filter, Reading& reading) {
  const std::string& name = filter.words[0];
  if (!filter.targets.empty()) return false;
  if (name == "grep" || name == "egrep" || name == "fgrep") return read_grep(filter, reading);
  const bool counts = name == "wc" && filter.words.size() == 2 && filter.words[1] == "-l";
  if (!counts || reading.counted) return false;
  reading.counted = true;
  return true;
}

}  // namespace

bool is_query(std::string_view command) {
  return command == "sockstat" || command == "ss" || command == "netstat";
}

std::optional<Query> translate_query(const ShellPipeline& pipeline) {
  Reading reading;
  reading.query.source = pipeline.source;
  if (!read_listing(pipeline.commands[0], reading)) return std::nullopt;
  for (const ShellCommand& filter : std::span(pipeline.commands).subspan(1)) {
    if (reading.compared || !read_filter(filter, reading)) return std::nullopt;
  }
  if (reading.query.state.empty()) return std::nullopt;
  reading.query.at_least = !reading.compared;
  if (reading.query.at_least) reading.query.count = 1;
  return reading.query;
}

}  // namespace rapport::play
