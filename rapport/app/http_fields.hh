// Fields of HTTP that say which part of a representation is wanted and on what condition: dates
// (RFC 9110 5.6.7), byte ranges (14), validators and preconditions (8.8, 13). Values only: no
// files, no sockets, no HTTP library.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::app {

// "Sun, 06 Nov 1994 08:49:37 GMT"
[[nodiscard]] std::string http_date(std::time_t t);
// Any of the three forms that a recipient must take; nothing for anything else.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view text);

struct ByteRange {
  uint64_t first = 0, length = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// What a Range field asks of `size` octets. Whole: the field is to be ignored: another unit, wrong
// grammar, more than 16 ranges, or together more than there is (14.2 permits it).
struct WantedRanges {
  enum class Kind : uint8_t { Whole, Parts, Unsatisfiable } kind = Kind::Whole;
  std::vector<ByteRange> parts;  // in the order asked for; those that cannot be satisfied left out
};

[[nodiscard]] WantedRanges ranges_of(std::string_view field, uint64_t size);

struct Validators {
  std::string etag;  // strong, with its quotes
  std::time_t modified = 0;
};

// The precondition fields that came, as they came.
struct Conditions {
  std::optional<std::string> if_match, if_none_match, if_modified_since, if_unmodified_since;
  std::optional<std::string> if_range;
};

enum class Verdict : uint8_t {
  Proceed,
  NotModified,  // 304
  Failed,       // 412
};

// RFC 9110 13.2.2. `current` is nullptr when there is no representation; `reading`: GET or HEAD.
[[nodiscard]] Verdict verdict_of(const Conditions& c, const Validators* current, bool reading);

// Whether a Range field counts (13.1.5): true without If-Range. A date counts only when it is that
// of the representation and more than a second before `now` (8.8.2.2).
[[nodiscard]] bool if_range_holds(const Conditions& c, const Validators& current, std::time_t now);

}  // namespace rapport::app
