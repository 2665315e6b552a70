// Commands of shell lines: those that set something, those that ask about sockets, those that mean
// nothing here. The rest is Unknown.
#include "rapport/play/shell.hh"

#include "rapport/play/shell_query.hh"
#include "rapport/play/shell_sysctl.hh"
#include "rapport/play/shell_words.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

using Actions = std::vector<ShellAction>;
using Words = std::span<const std::string>;

void append(Actions& to, Actions more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Actions ignored(std::string_view command, std::string_view why) {
  return {Ignored{std::string{command}, std::string{why}}};
}

Actions one_setting(SettingName name, int64_t value, std::string_view source) {
  return {Setting{.name = name, .value = value, .word = {}, .source = std::string{source}}};
}

std::optional<int64_t> whole_number(std::string_view s) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (error != std::errc{} || end != s.data() + s.size()) return std::nullopt;
  return n;
}

bool is_one_of(std::string_view word, std::span<const std::string_view> of) {
  return std::ranges::find(of, word) != of.end();
}

// sysctl [-q] [-w] NAME=VALUE... and set_sysctls.py PATH=VALUE... A name alone is only read.
std::optional<Actions> assignments(Words words) {
  Actions out;
  for (const std::string& word : words) {
    if (word.starts_with('-')) continue;
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      append(out, ignored("sysctl " + word, "only read"));
    } else {
      append(out, translate_sysctl(word.substr(0, equals), word.substr(equals + 1)));
    }
  }
  return out;
}

// echo VALUE > /proc/sys/...
std::optional<Actions> echo(const ShellCommand& command) {
  if (command.targets.empty()) return ignored("echo", "only told");
  const std::string& target = command.targets.front();
  if (!target.starts_with("/proc/sys/")) return std::nullopt;
  std::string value;
  for (const std::string& word : Words(command.words).subspan(1)) {
    if (word == "-n") continue;
    if (!value.empty()) value += ' ';
    value += word;
  }
  return translate_sysctl(target, value);
}

// "5ms", "1s", "0.2s" is not written: Linux's ip takes whole numbers; without a unit milliseconds.
std::optional<int64_t> duration_us(std::string_view s) {
  int64_t unit = 1'000;
  if (s.ends_with("us")) {
    unit = 1;
    s.remove_suffix(2);
  } else if (s.ends_with("ms")) {
    s.remove_suffix(2);
  } else if (s.ends_with('s')) {
    unit = 1'000'000;
    s.remove_suffix(1);
  }
  const auto n = whole_number(s);
  int64_t us = 0;
  if (!n || __builtin_mul_overflow(*n, unit, &us)) return std::nullopt;
  return us;
}

// One "KEY VALUE" of a route.
std::optional<Actions> route_item(std::string_view key, const std::string& value) {
  constexpr auto kWhere = std::to_array<std::string_view>(
      {"via", "dev", "proto", "src", "metric", "scope", "table", "nexthop"});
  if (is_one_of(key, kWhere)) return Actions{};
  const std::string source = "ip route ... " + std::string{key} + " " + value;
  const auto n = key == "rto_min" ? duration_us(value) : whole_number(value);
  if (key == "congctl") {
    return Actions{Setting{
        .name = SettingName::CongestionControl, .value = 0, .word = value, .source = source}};
  }
  if (key == "features" && value == "ecn") return one_setting(SettingName::Ecn, 1, source);
  if (!n) return std::nullopt;
  if (key == "mtu") return one_setting(SettingName::RouteMtu, *n, source);
  if (key == "initcwnd") return one_setting(SettingName::InitialWindow, *n, source);
  if (key == "rto_min") return one_setting(SettingName::MinimumRto, *n, source);
  if (key == "hoplimit") return one_setting(SettingName::TimeToLive, *n, source);
  return std::nullopt;
}

// `words`: behind "route".
std::optional<Actions> ip_route(Words words) {
  constexpr auto kReading = std::to_array<std::string_view>({"show", "list", "ls", "get"});
  constexpr auto kSetting =
      std::to_array<std::string_view>({"add", "change", "chg", "replace", "append"});
  if (words.empty() || is_one_of(words[0], kReading)) return ignored("ip route", "only read");
  if (words.size() < 2 || !is_one_of(words[0], kSetting)) return std::nullopt;
  Actions out;
  for (size_t i = 2; i < words.size(); i += 2) {
    const std::string& key = words[i];
    if (i + 1 < words.size() && words[i + 1] == "lock") ++i;
    if (i + 1 >= words.size()) return std::nullopt;
    auto item = route_item(key, words[i + 1]);
    if (!item) return std::nullopt;
    append(out, *std::move(item));
  }
  if (out.empty()) return ignored("ip route", "there is one way to the peer");
  return out;
}

// "... mtu N": `ip link set dev tun0 mtu 1280`, `ifconfig tun0 mtu 1280`, `route change ... -mtu
// 1280`.
std::optional<Actions> mtu_of(Words words, std::string_view key, std::string_view source) {
  const auto at = std::ranges::find(words, key);
  if (at == words.end() || std::next(at) == words.end()) return std::nullopt;
  const auto n = whole_number(*std::next(at));
  if (!n) return std::nullopt;
  return one_setting(SettingName::RouteMtu, *n, std::string{source} + " " + *std::next(at));
}

std::optional<Actions> ip(Words words) {
  constexpr auto kRoute = std::to_array<std::string_view>({"route", "ro", "r"});
  words = words.subspan(1);
  while (!words.empty() && words[0].starts_with('-')) words = words.subspan(1);
  if (words.empty()) return std::nullopt;
  if (is_one_of(words[0], kRoute)) return ip_route(words.subspan(1));
  if (words[0] == "tcp_metrics" || words[0] == "tcpmetrics") {
    return ignored("ip tcp_metrics", "nothing is remembered about earlier connections");
  }
  if (words[0] == "link") return mtu_of(words, "mtu", "ip link ... mtu");
  return std::nullopt;
}

// Queues: those that only order or pace have no meaning; those that delay or lose have one.
std::optional<Actions> tc(Words words) {
  constexpr auto kWithMeaning =
      std::to_array<std::string_view>({"netem", "tbf", "police", "action", "filter", "htb"});
  for (const std::string& word : words) {
    if (is_one_of(word, kWithMeaning)) return std::nullopt;
  }
  return ignored("tc", "packets leave when TCP says so; no queue is in the way");
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

constexpr std::string_view kOwnWorld = "every script has its own world";

// Commands without a meaning here, whatever they are called with.
std::optional<Actions> without_meaning(std::string_view name) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"ethtool", "no device joins or splits packets"},
      {"kldload", "no modules"},
      {"kldstat", "no modules"},
      {"kldunload", "no modules"},
      {"modprobe", "no modules"},
      {"nstat", "its counters are not looked at"},
      {"true", "does nothing"},
      {":", "does nothing"},
      {"sync", "no files"},
  });
  if (name.starts_with("sysctl_restore_")) return ignored(name, kOwnWorld);
  const auto at = std::ranges::find(kNames, name, [](const auto& p) { return p.first; });
  if (at == kNames.end()) return std::nullopt;
  return ignored(name, at->second);
}

std::optional<Actions> translate_command(const ShellCommand& command) {
  const Words words = command.words;
  const std::string_view name = base_name(words[0]);
  if (name == "echo") return echo(command);
  if (!command.targets.empty()) return std::nullopt;
  if (name == "sysctl" || name == "set_sysctls.py") return assignments(words.subspan(1));
  if (name == "defaults.sh") return init_script_defaults();
  if (name == "ip") return ip(words);
  if (name == "tc") return tc(words);
  if (name == "ifconfig") return mtu_of(words, "mtu", "ifconfig ... mtu");
  if (name == "route") return mtu_of(words, "-mtu", "route ... -mtu");
  if (name == "exit" && words.size() == 2 && words[1] == "0") return ignored(name, "does nothing");
  return without_meaning(name);
}

// The name of a file that another command wrote: its variable does not matter.
bool restores(const ShellPipeline& pipeline) {
  return pipeline.source.contains("/sysctl_restore_") && pipeline.commands.size() == 1
         && pipeline.commands[0].words.size() == 1;
}

// nullopt: unknown.
std::optional<Actions> translate_known(const ShellPipeline& pipeline) {
  const bool alone = pipeline.commands.size() == 1;
  const std::string_view first = base_name(pipeline.commands[0].words[0]);
  if (pipeline.after_or && first != "true" && first != ":") return std::nullopt;
  if (is_query(first) && !alone) {
    auto query = translate_query(pipeline);
    return query ? std::optional(Actions{*std::move(query)}) : std::nullopt;
  }
  if (is_query(first)) return ignored(first, "only read");
  return alone ? translate_command(pipeline.commands[0]) : std::nullopt;
}

Actions translate_pipeline(ShellPipeline& pipeline) {
  for (ShellCommand& c : pipeline.commands) {
    if (!c.words.empty() && c.words[0] == "sudo") c.words.erase(c.words.begin());
    if (c.words.empty()) pipeline.odd = true;
  }
  if (restores(pipeline)) return ignored(pipeline.source, kOwnWorld);
  auto actions = pipeline.odd ? std::nullopt : translate_known(pipeline);
  return actions ? *std::move(actions) : Actions{Unknown{pipeline.source}};
}

}  // namespace

std::vector<ShellAction> translate_shell(std::string_view text) {
  Actions out;
  for (ShellPipeline& pipeline : split_shell(text)) append(out, translate_pipeline(pipeline));
  return out;
}

}  // namespace rapport::play
