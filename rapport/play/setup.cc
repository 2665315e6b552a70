// A script's options as a world.
#include "rapport/play/setup.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/play/calls.hh"
#include "rapport/play/host.hh"
#include "rapport/play/place.hh"
#include "rapport/play/script.hh"
#include "rapport/play/shell.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

constexpr uint16_t kPort = 8080;
constexpr uint16_t kPeerPort = 49'500;  // of a peer that opens: "a fresh ephemeral port"
constexpr uint16_t kMtu = 1500;

enum class Version : uint8_t { Ipv4, Ipv6, Mapped };

// What the options say, before it is put together.
struct Wishes {
  Version version = Version::Ipv4;
  std::optional<IpAddress> local, remote, gateway;
  uint16_t mtu = 0;
  uint16_t mss = 0;
  uint16_t bind_port = kPort, connect_port = kPort;
  bool strict = false;
};

template <class T>
bool read_number(std::string_view text, T& out, int64_t least, int64_t most) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return false;
  out = static_cast<T>(value);
  return true;
}

// "12.5" -> 125000 millionths
bool read_percent(std::string_view text, int64_t& ppm) {
  const size_t point = text.find('.');
  int64_t whole = 0;
  if (!read_number(text.substr(0, point), whole, 0, 1000)) return false;
  ppm = whole * 10'000;
  if (point == std::string_view::npos) return true;
  const std::string digits = (std::string(text.substr(point + 1)) + "0000").substr(0, 4);
  int64_t part = 0;
  if (!read_number(digits, part, 0, 9999)) return false;
  ppm += part;
  return true;
}

bool read_address(std::string_view text, std::optional<IpAddress>& out) {
  const auto a = parse_address(text);
  if (!a) return false;
  out = *a;
  return true;
}

bool read_version(std::string_view text, Version& out) {
  constexpr std::array<std::string_view, 3> names{"ipv4", "ipv6", "ipv4-mapped-ipv6"};
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return false;
  out = static_cast<Version>(at - names.begin());
  return true;
}

class Reader {
 public:
  Reader(Setup& setup, Wishes& wishes) : setup_(setup), wishes_(wishes) {}

  // Whether the option is known and its value can be used.
  bool take(const Option& o) {
    const std::string_view v = o.value ? std::string_view(*o.value) : std::string_view{};
    return take_place(o.name, v) || take_time(o.name, v) || take_other(o.name, v);
  }

 private:
  bool take_place(std::string_view name, std::string_view v) {
    if (name == "ip_version") return read_version(v, wishes_.version);
    if (name == "local_ip") return read_address(v, wishes_.local);
    if (name == "remote_ip") return read_address(v, wishes_.remote);
    if (name == "gateway_ip") return read_address(v, wishes_.gateway);
    if (name == "netmask_ip") return true;
    if (name == "bind_port") return read_number(v, wishes_.bind_port, 1, 65535);
    if (name == "connect_port") return read_number(v, wishes_.connect_port, 1, 65535);
    return false;
  }

  bool take_time(std::string_view name, std::string_view v) {
    if (name == "tolerance_usecs") {
      int64_t us = 0;
      if (!read_number(v, us, 0, 1'000'000'000)) return false;
      setup_.tolerance = us * 1_us;
      return true;
    }
    if (name == "tolerance_percent") return read_percent(v, setup_.tolerance_ppm);
    if (name != "tcp_ts_tick_usecs") return false;
    uint32_t us = 0;
    if (!read_number(v, us, 0, 1'000'000)) return false;
    if (us > 0) setup_.timestamp_tick_us = us;
    return true;
  }

  bool take_other(std::string_view name, std::string_view v) {
    if (name == "define") return true;  // the parser's
    if (name == "mtu") return read_number(v, wishes_.mtu, 68, 65535);
    if (name == "mss") return read_number(v, wishes_.mss, 64, 65495);
    if (name == "strict_segments") {
      setup_.super_packets = false;
      return true;
    }
    if (name != "settings" || v != "strict") return false;
    wishes_.strict = true;
    return true;
  }

  Setup& setup_;
  Wishes& wishes_;
};

// The strict profile of docs/rules/choices.md, in the tables of `c`.
void be_strict(tcp::Config& c) {
  tcp::Config strict = tcp::strict_profile();
  strict.seed = c.seed;
  strict.max_connections = c.max_connections;
  strict.max_half_open = c.max_half_open;
  strict.max_time_wait = c.max_time_wait;
  strict.max_listeners = c.max_listeners;
  strict.max_transfers = c.max_transfers;
  strict.max_extras = c.max_extras;
  strict.max_blocks = c.max_blocks;
  strict.max_pieces = c.max_pieces;
  c = strict;
}

// A host at `local`, with everything else behind a router.
void lay_network(Setup& s, const Wishes& w) {
  const bool v6 = w.version == Version::Ipv6;
  const IpAddress local4 = IpAddress::v4(192, 168, 0, 1);
  const IpAddress remote4 = IpAddress::v4(192, 0, 2, 1);
  const IpAddress local6 = *parse_address("fd3d:0a0b:17d6::1");
  const IpAddress remote6 = *parse_address("fd3d:fa7b:d17d::1");
  const IpAddress local = w.local.value_or(v6 ? local6 : local4);
  const IpAddress remote = w.remote.value_or(v6 ? remote6 : remote4);
  const Cidr net{local, static_cast<uint8_t>(local.is_v4() ? 16 : 64)};
  s.config.interfaces[0].addresses = {net};
  IpAddress router = local;  // its neighbour in the network: any will do, there is no Ethernet
  router.octets[15] = static_cast<uint8_t>(router.octets[15] ^ 2);
  s.config.routes = {
      Route{Cidr{local.is_v4() ? IpAddress::v4(0) : IpAddress{}, 0},
            w.gateway && net.contains(*w.gateway) && *w.gateway != local ? *w.gateway : router}};
  s.addresses.family = w.version == Version::Ipv4 ? posix::kAfInet : posix::kAfInet6;
  s.local = {local, w.bind_port};
  s.remote = {remote, kPeerPort};
  s.connect_port = w.connect_port;
  s.addresses.bind = {s.addresses.family, s.local};
  s.addresses.connect = {s.addresses.family, {remote, w.connect_port}};
}

void choose_mtu(Setup& s, const Wishes& w, Dialect dialect) {
  uint16_t mtu = w.mtu;
  if (mtu == 0) {
    mtu = kMtu;
    if (dialect == Dialect::G && w.version == Version::Ipv6) mtu += 20;
  }
  s.config.interfaces[0].mtu = mtu;
  if (w.mss != 0) s.config.tcp.defaults.mss_clamp = w.mss;
}

std::string apply_shell(std::string_view text, Setup& setup) {
  for (const ShellAction& action : translate_shell(text)) {
    if (const auto* unknown = std::get_if<Unknown>(&action))
      return "the shell line `" + unknown->command + "`";
    const auto* setting = std::get_if<Setting>(&action);
    if (setting != nullptr && !apply(*setting, setup)) return "the setting " + setting->source;
  }
  return {};
}

// Shell lines that come before anything that the stack could notice.
std::optional<SkipReason> apply_first_lines(const Script& script, Setup& setup) {
  for (const ShellLine& line : script.init) {
    std::string wrong = apply_shell(line.text, setup);
    if (!wrong.empty()) return SkipReason{std::move(wrong), line.place};
  }
  for (const Event& e : script.events) {
    const auto* line = std::get_if<ShellLine>(&e.action);
    if (line == nullptr) break;
    std::string wrong = apply_shell(line->text, setup);
    if (!wrong.empty()) return SkipReason{std::move(wrong), line->place};
  }
  return std::nullopt;
}

// Of the option that is set last by one of these names.
Place place_of(const Script& script, std::initializer_list<std::string_view> names) {
  Place place;
  for (const Option& o : script.options) {
    if (std::ranges::find(names, o.name) != names.end()) place = o.place;
  }
  return place;
}

std::unexpected<SkipReason> no_setup(std::string text, Place place) {
  return std::unexpected(SkipReason{std::move(text), place});
}

}  // namespace

std::expected<Setup, SkipReason> set_up(const Script& script, bool strict_settings,
                                        std::span<const Option> defaults) {
  Setup s;
  s.config = small_config();
  s.tolerance = 4000_us;
  s.tolerance_ppm = script.dialect == Dialect::F ? 50'000 : 125'000;
  s.super_packets = script.dialect == Dialect::G;
  Wishes w;
  w.strict = strict_settings;
  Reader reader(s, w);
  for (const std::span<const Option> options : {defaults, std::span(script.options)}) {
    for (const Option& o : options) {
      if (!reader.take(o))
        return no_setup("the option --" + o.name + (o.value ? "=" + *o.value : ""), o.place);
    }
  }
  const bool v6 = w.version == Version::Ipv6;
  for (const auto& address : {w.local, w.remote}) {
    if (address && address->is_v4() == v6)
      return no_setup("the address " + to_string(*address) + " of another IP version",
                      place_of(script, {"local_ip", "remote_ip"}));
  }
  if (w.strict) be_strict(s.config.tcp);
  lay_network(s, w);
  choose_mtu(s, w, script.dialect);
  if (auto wrong = apply_first_lines(script, s)) return std::unexpected(*std::move(wrong));
  if (script.dialect == Dialect::F && w.version == Version::Ipv6
      && s.config.interfaces[0].mtu < 1280)
    return no_setup("IPv6 over an MTU below 1280", place_of(script, {"mtu"}));
  return s;
}

}  // namespace rapport::play
