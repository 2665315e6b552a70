// Reading fields strictly: what does not follow the grammar is treated as if it were not there.
#include "rapport/app/http_fields.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rapport::app {
namespace {

constexpr size_t kMostRanges = 16;

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool all_digits(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

// One range-spec. Nothing: wrong grammar. Length 0: cannot be satisfied.
std::optional<ByteRange> range_of(std::string_view spec, uint64_t size) {
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = spec.substr(0, dash), to = spec.substr(dash + 1);
  if (!all_digits(from) || !all_digits(to)) return std::nullopt;
  if (from.empty()) {  // the last octets
    const auto last = number(to);
    if (!last) return std::nullopt;
    const uint64_t length = std::min(*last, size);
    return ByteRange{size - length, length};
  }
  const auto first = number(from);
  const auto last = to.empty() ? std::optional(UINT64_MAX) : number(to);
  if (!first || !last || *last < *first) return std::nullopt;
  if (*first >= size) return ByteRange{};
  return ByteRange{*first, std::min(*last, size - 1) - *first + 1};
}

struct Tag {
  std::string_view opaque;  // with its quotes
  bool weak = false;
};

// Takes the next entity-tag of a list; nothing at its end or where it is none.
std::optional<Tag> take_tag(std::string_view& list) {
  while (!list.empty() && (list.front() == ',' || list.front() == ' ' || list.front() == '\t')) {
    list.remove_prefix(1);
  }
  Tag tag;
  tag.weak = list.starts_with("W/");
  if (tag.weak) list.remove_prefix(2);
  if (!list.starts_with('"')) return std::nullopt;
  const size_t end = list.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return tag;
}

enum class Comparison : uint8_t { Strong, Weak };  // RFC 9110 8.8.3.2

bool names(std::string_view list, const Validators* current, Comparison how) {
  if (current == nullptr) return false;
  if (trimmed(list) == "*") return true;
  while (const auto tag = take_tag(list)) {
    if (tag->opaque == current->etag && (how == Comparison::Weak || !tag->weak)) return true;
  }
  return false;
}

}  // namespace

std::string http_date(std::time_t t) {
  std::tm utc{};
  (void)::gmtime_r(&t, &utc);
  std::array<char, 40> text{};
  const size_t n = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), n};
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  const std::string copy(trimmed(text));
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm utc{};
    const char* end = ::strptime(copy.c_str(), form, &utc);
    if (end != nullptr && *end == '\0') return ::timegm(&utc);
  }
  return std::nullopt;
}

WantedRanges ranges_of(std::string_view field, uint64_t size) {
  using enum WantedRanges::Kind;
  const size_t equals = field.find('=');
  if (equals == std::string_view::npos) return {};
  std::string unit(trimmed(field.substr(0, equals)));
  std::ranges::transform(unit, unit.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (unit != "bytes") return {};
  std::string_view rest = field.substr(equals + 1);
  WantedRanges out;
  uint64_t together = 0;
  bool any = false, empty_suffix = false;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view spec = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (spec.empty()) continue;  // RFC 9110 5.6.1.2: empty elements are ignored
    const auto range = range_of(spec, size);
    if (!range) return {};
    any = true;
    empty_suffix |= size == 0 && spec.starts_with('-') && spec != "-0";
    if (range->length == 0) continue;
    if (out.parts.size() == kMostRanges || range->length > size - together) return {};
    together += range->length;
    out.parts.push_back(*range);
  }
  if (!any || empty_suffix) return {};
  out.kind = out.parts.empty() ? Unsatisfiable : Parts;
  return out;
}

Verdict verdict_of(const Conditions& c, const Validators* current, bool reading) {
  if (c.if_match) {
    if (!names(*c.if_match, current, Comparison::Strong)) return Verdict::Failed;
  } else if (c.if_unmodified_since && current != nullptr) {
    const auto since = parse_http_date(*c.if_unmodified_since);
    if (since && current->modified > *since) return Verdict::Failed;
  }
  if (c.if_none_match) {
    if (!names(*c.if_none_match, current, Comparison::Weak)) return Verdict::Proceed;
    return reading ? Verdict::NotModified : Verdict::Failed;
  }
  if (c.if_modified_since && current != nullptr && reading) {
    const auto since = parse_http_date(*c.if_modified_since);
    if (since && current->modified <= *since) return Verdict::NotModified;
  }
  return Verdict::Proceed;
}

bool if_range_holds(const Conditions& c, const Validators& current, std::time_t now) {
  if (!c.if_range) return true;
  const std::string_view value = trimmed(*c.if_range);
  if (value.starts_with('"') || value.starts_with("W/")) {
    return value != "*" && names(value, &current, Comparison::Strong);
  }
  const auto date = parse_http_date(value);
  return date && *date == current.modified && now > current.modified + 1;
}

}  // namespace rapport::app
