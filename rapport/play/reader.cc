// The cursor of the parser: numbers, times, and the wording of what was found.
#include "rapport/play/reader.hh"

#include "rapport/base/time.hh"
#include "rapport/play/lexer.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/place.hh"
#include "rapport/play/script.hh"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace rapport::play {

namespace {

constexpr int64_t kMaxSeconds = 1'000'000'000;
constexpr size_t kMaxFound = 40;  // characters of a message

// The characters of a message; what cannot be printed is shown as "?".
std::string quoted(std::string_view s) {
  std::string out = "'";
  for (const char c : s.substr(0, kMaxFound)) out += c < ' ' || c > '~' ? '?' : c;
  return out + (s.size() > kMaxFound ? "...'" : "'");
}

}  // namespace

Reader::Reader(std::string_view text, const ParseOptions& options)
    : lexer_(text), options_(options) {
  for (const Define& d : options.defines) lexer_.define(d.name, d.value);
  next();
}

std::string Reader::describe(const Token& t) const {
  if (t.is(Token::Kind::End)) return "the end of the script";
  const std::string_view source = lexer_.source().substr(t.begin, t.end - t.begin);
  if (!t.replaced) return quoted(source);
  return quoted(t.text) + ", the value of " + quoted(source);
}

void Reader::next() {
  if (failed()) return;
  token_ = lexer_.next();
  const Place condition = lexer_.first_condition();
  if (condition.line != 0 && !conditions_) only(Dialect::F, condition, "'#ifdef'");
  conditions_ = condition.line != 0;
  if (token_.is(Token::Kind::Bad)) fail_at(token_.place, token_.text, token_.found);
}

void Reader::fail_at(Place place, std::string_view expected, std::string_view found) {
  if (failed()) return;
  error_.emplace();
  error_->file = options_.file;
  error_->place = place;
  error_->expected = expected;
  error_->found = found;
  token_.kind = Token::Kind::End;
}

void Reader::fail(std::string_view expected) {
  fail_at(token_.place, expected, describe(token_));
}

bool Reader::take(char c) {
  if (!at(c)) return false;
  next();
  return true;
}

bool Reader::take(Token::Kind k) {
  if (!at(k)) return false;
  next();
  return true;
}

bool Reader::take_word(std::string_view w) {
  if (!at_word(w)) return false;
  next();
  return true;
}

void Reader::need(char c, std::string_view expected) {
  if (take(c)) return;
  fail(expected.empty() ? quoted({&c, 1}) : std::string{expected});
}

void Reader::need_word(std::string_view w) {
  if (!take_word(w)) fail(quoted(w));
}

std::string Reader::word(std::string_view expected) {
  if (!at(Token::Kind::Word)) {
    fail(expected);
    return {};
  }
  std::string text{token_.text};
  next();
  return text;
}

int64_t Reader::integer() {
  std::string_view digits = token_.text;
  const bool hex = token_.is(Token::Kind::Hex);
  if (hex) digits.remove_prefix(2);
  int64_t value = 0;
  const auto [_, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (error != std::errc{}) {
    fail("an integer of 64 bits");
    return 0;
  }
  next();
  return value;
}

uint32_t Reader::number(std::string_view what, uint32_t max) {
  if (!at(Token::Kind::Integer) && !at(Token::Kind::Hex)) {
    fail(what);
    return 0;
  }
  const Token before = token_;
  const int64_t value = integer();
  if (failed()) return 0;
  if (value >= 0 && value <= int64_t{max}) return static_cast<uint32_t>(value);
  fail_at(before.place, std::string{what} + " from 0 to " + std::to_string(max), describe(before));
  return 0;
}

Duration Reader::time() {
  constexpr std::string_view kExpected = "a time in seconds";
  const std::string_view text = token_.text;
  if ((!at(Token::Kind::Integer) && !at(Token::Kind::Float)) || text.starts_with('-')) {
    fail(kExpected);
    return {};
  }
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  int64_t seconds = 0;
  const auto [_, error] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  if ((point != 0 && error != std::errc{}) || seconds > kMaxSeconds) {
    fail("a time of at most 1000000000 seconds");
    return {};
  }
  int64_t unit = Duration{1'000'000'000}.ns;
  Duration d{seconds * unit};
  for (const char c : text.substr(std::min(point + 1, text.size()))) {
    unit /= 10;
    if (unit < 1'000) break;  // the resolution is a microsecond
    d.ns += (c - '0') * unit;
  }
  next();
  return d;
}

std::string_view Reader::raw(std::string_view stops) {
  if (failed()) return {};
  const std::string_view text = lexer_.raw(token_.begin, stops);
  next();
  return text;
}

std::string Reader::value() {
  if (token_.replaced) return std::string{token_.text};
  if (at(Token::Kind::String) || at(Token::Kind::Shell)) {
    return std::string{source()};
  }
  return std::string{lexer_.raw(token_.begin, kBlanks)};
}

std::string_view Reader::parenthesised() {
  std::string_view inner;
  if (failed()) return inner;
  if (!lexer_.parenthesised(token_.begin, inner)) {
    fail("')' after this");
    return {};
  }
  next();
  return inner;
}

void Reader::only(Dialect dialect, Place place, std::string_view what) {
  if (options_.dialect != Dialect::Auto && options_.dialect != dialect) {
    const bool asked_g = options_.dialect == Dialect::G;
    fail_at(place, asked_g ? "dialect g" : "dialect f",
            std::string{what} + (asked_g ? " of dialect f" : " of dialect g"));
  }
  if (!told_) told_ = dialect;
}

void Reader::hint(Dialect dialect) {
  if (!hinted_) hinted_ = dialect;
}

Dialect Reader::dialect() const {
  if (options_.dialect != Dialect::Auto) return options_.dialect;
  return told_.value_or(hinted_.value_or(Dialect::G));
}

}  // namespace rapport::play
