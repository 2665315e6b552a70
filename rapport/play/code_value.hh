// Values of assertions and their arithmetic: integers of 64 bits, reals, texts, lists. What has no
// value (a division by zero, an overflow) is an error that spreads to all that depends on it.
// Integer division and remainder round down. Within play/ only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

struct CodeValue {
  struct Error {
    std::string why;
  };

  using List = std::vector<CodeValue>;
  std::variant<Error, int64_t, double, std::string, List> v;

  static CodeValue of(int64_t n) { return {n}; }

  static CodeValue of_truth(bool b) { return {int64_t{b ? 1 : 0}}; }

  static CodeValue error(std::string why) { return {Error{std::move(why)}}; }

  [[nodiscard]] const Error* error() const { return std::get_if<Error>(&v); }

  // 0, 0.0, "" and an empty list are false.
  [[nodiscard]] bool truth() const;
};

// + - * / // % ** << >> & ^ |
[[nodiscard]] CodeValue operate(std::string_view op, const CodeValue& a, const CodeValue& b);
// + - ~
[[nodiscard]] CodeValue operate(std::string_view op, const CodeValue& a);
// == != <> < <= > >= and "in", "not in" with a list on the right
[[nodiscard]] CodeValue compare(std::string_view op, const CodeValue& a, const CodeValue& b);
// abs, int, min, max; an Error with an empty `why` for a name that is none of them.
[[nodiscard]] CodeValue call(std::string_view name, const CodeValue::List& arguments);

}  // namespace rapport::play
