// FaultSettings from words. See fault.hh.
#include "rapport/base/faults.hh"
#include "rapport/base/time.hh"
#include "rapport/device/fault.hh"

#include <array>
#include <charconv>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rapport::device {
namespace {

struct Share {
  std::string_view name;
  uint32_t FaultPlan::* to;
};

constexpr std::array kShares{
    Share{"loss", &FaultPlan::loss_ppm}, Share{"duplicate", &FaultPlan::duplicate_ppm},
    Share{"reorder", &FaultPlan::reorder_ppm}, Share{"corrupt", &FaultPlan::corrupt_ppm}};

struct Time {
  std::string_view name;
  Duration FaultPlan::* to;
};

constexpr std::array kTimes{Time{"delay", &FaultPlan::delay}, Time{"jitter", &FaultPlan::jitter},
                            Time{"reorder-delay", &FaultPlan::reorder_delay}};

// A decimal number of at most `most` with a unit behind it, times `factor`.
std::optional<int64_t> number(std::string_view text, std::string_view unit, double factor,
                              double most) {
  if (!text.ends_with(unit) || text.front() == '-') return std::nullopt;
  text.remove_suffix(unit.size());
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(value <= most)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(value * factor + 0.5);
}

std::optional<Duration> time(std::string_view text) {
  constexpr double kMost = 60;  // s
  auto ns = number(text, "us", 1e3, kMost * 1e6);
  if (!ns) ns = number(text, "ms", 1e6, kMost * 1e3);
  if (!ns) ns = number(text, "s", 1e9, kMost);
  return ns ? std::optional(Duration{*ns}) : std::nullopt;
}

std::optional<uint64_t> seed_of(std::string_view text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(seed) : std::nullopt;
}

// What is wrong with this one, empty when nothing is.
std::string set(std::string_view name, std::string_view value, FaultPlan* in, FaultPlan* out) {
  const auto put = [&](auto to, auto what) {
    if (in != nullptr) in->*to = what;
    if (out != nullptr) out->*to = what;
  };
  for (const Share& share : kShares) {
    if (share.name != name) continue;
    const auto ppm = number(value, "%", 1e4, 100);
    if (!ppm) return std::string(name) + " takes a share from 0% to 100%, such as 2% or 0.1%";
    put(share.to, static_cast<uint32_t>(*ppm));
    return {};
  }
  for (const Time& one : kTimes) {
    if (one.name != name) continue;
    const auto length = time(value);
    if (!length) return std::string(name) + " takes a time of up to 60s, such as 20ms or 500us";
    put(one.to, *length);
    return {};
  }
  return "there is no '" + std::string(name)
         + "': loss, duplicate, reorder, corrupt, delay, jitter, reorder-delay (each also with in- "
           "or out- before it), seed";
}

std::string set(std::string_view item, FaultSettings& settings) {
  const size_t at = item.find('=');
  if (at == std::string_view::npos || at + 1 == item.size()) {
    return "'" + std::string(item) + "' is not of the form name=value";
  }
  std::string_view name = item.substr(0, at);
  const std::string_view value = item.substr(at + 1);
  if (name == "seed") {
    const auto seed = seed_of(value);
    if (!seed) return "seed takes a whole number";
    settings.seed = *seed;
    return {};
  }
  const bool only_in = name.starts_with("in-");
  const bool only_out = name.starts_with("out-");
  if (only_in || only_out) name.remove_prefix(name.find('-') + 1);
  return set(name, value, only_out ? nullptr : &settings.in, only_in ? nullptr : &settings.out);
}

}  // namespace

std::expected<FaultSettings, std::string> parse_faults(std::string_view text) {
  FaultSettings settings;
  for (;;) {
    const size_t comma = text.find(',');
    if (std::string wrong = set(text.substr(0, comma), settings); !wrong.empty()) {
      return std::unexpected(std::move(wrong));
    }
    if (comma == std::string_view::npos) return settings;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace rapport::device
