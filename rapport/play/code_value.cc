// Arithmetic of assertions.
#include "rapport/play/code_value.hh"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace rapport::play {

namespace {

std::optional<double> real(const CodeValue& x) {
  if (const auto* n = std::get_if<int64_t>(&x.v)) return static_cast<double>(*n);
  if (const auto* d = std::get_if<double>(&x.v)) return *d;
  return std::nullopt;
}

CodeValue overflow() {
  return CodeValue::error("a number of more than 64 bits");
}

CodeValue no_zero() {
  return CodeValue::error("a division by zero");
}

CodeValue no_such(std::string_view op) {
  return CodeValue::error("'" + std::string{op} + "' between such values");
}

constexpr double kWholeReals = 9.2e18;  // below it the whole part fits into 64 bits
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

CodeValue divide_down(int64_t a, int64_t b) {
  if (b == 0) return no_zero();
  if (a == kLeast && b == -1) return overflow();
  const bool down = a % b != 0 && (a < 0) != (b < 0);
  return CodeValue::of(a / b - (down ? 1 : 0));
}

CodeValue remainder_down(int64_t a, int64_t b) {
  if (b == 0) return no_zero();
  if (b == -1) return CodeValue::of(0);
  const int64_t r = a % b;
  return CodeValue::of(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

CodeValue power(int64_t a, int64_t b) {
  if (b < 0) return CodeValue::error("a negative exponent");
  const bool constant = a == 0 || a == 1 || a == -1;
  if (constant) return CodeValue::of(b == 0 || (a == -1 && b % 2 == 0) ? 1 : a);
  int64_t out = 1;
  for (; b > 0; --b) {
    if (__builtin_mul_overflow(out, a, &out)) return overflow();
  }
  return CodeValue::of(out);
}

CodeValue shift(std::string_view op, int64_t a, int64_t b) {
  constexpr int64_t kBits = 63;
  if (b < 0) return CodeValue::error("a negative shift");
  if (op == ">>") return CodeValue::of(a >> std::min(b, kBits));
  if (a == 0) return CodeValue::of(0);
  if (b >= kBits) return overflow();
  const auto out = static_cast<int64_t>(static_cast<uint64_t>(a) << static_cast<uint64_t>(b));
  return out >> b == a ? CodeValue::of(out) : overflow();
}

std::optional<CodeValue> bits(std::string_view op, int64_t a, int64_t b) {
  if (op == "&") return CodeValue::of(a & b);
  if (op == "|") return CodeValue::of(a | b);
  if (op == "^") return CodeValue::of(a ^ b);
  if (op == "<<" || op == ">>") return shift(op, a, b);
  return std::nullopt;
}

CodeValue whole(std::string_view op, int64_t a, int64_t b) {
  if (const auto out = bits(op, a, b)) return *out;
  if (op == "//") return divide_down(a, b);
  if (op == "%") return remainder_down(a, b);
  if (op == "**") return power(a, b);
  if (op == "/") {
    if (b == 0) return no_zero();
    return {static_cast<double>(a) / static_cast<double>(b)};
  }
  int64_t out = 0;
  const bool over = op == "+"   ? __builtin_add_overflow(a, b, &out)
                    : op == "-" ? __builtin_sub_overflow(a, b, &out)
                                : __builtin_mul_overflow(a, b, &out);
  return over ? overflow() : CodeValue::of(out);
}

CodeValue with_reals(std::string_view op, double a, double b) {
  if (op == "+") return {a + b};
  if (op == "-") return {a - b};
  if (op == "*") return {a * b};
  if (op != "/" && op != "//" && op != "%") return no_such(op);
  if (b == 0) return no_zero();
  if (op == "/") return {a / b};
  const double quotient = a / b;
  if (!(std::abs(quotient) < kWholeReals)) return overflow();
  const auto toward_zero = static_cast<double>(static_cast<int64_t>(quotient));
  const double down = toward_zero > quotient ? toward_zero - 1 : toward_zero;
  return {op == "//" ? down : a - b * down};
}

// Errors compare as unordered, and so do values of different kinds.
std::partial_ordering order(const CodeValue& a, const CodeValue& b) {
  const auto* m = std::get_if<int64_t>(&a.v);
  const auto* n = std::get_if<int64_t>(&b.v);
  if (m != nullptr && n != nullptr) return *m <=> *n;
  const auto x = real(a);
  const auto y = real(b);
  if (x && y) return *x <=> *y;
  const auto* s = std::get_if<std::string>(&a.v);
  const auto* t = std::get_if<std::string>(&b.v);
  if (s != nullptr && t != nullptr) return *s <=> *t;
  const auto* p = std::get_if<CodeValue::List>(&a.v);
  const auto* q = std::get_if<CodeValue::List>(&b.v);
  if (p == nullptr || q == nullptr) return std::partial_ordering::unordered;
  for (size_t i = 0; i < std::min(p->size(), q->size()); ++i) {
    const auto o = order((*p)[i], (*q)[i]);
    if (o != std::partial_ordering::equivalent) return o;
  }
  return p->size() <=> q->size();
}

bool equal(const CodeValue& a, const CodeValue& b) {
  return order(a, b) == std::partial_ordering::equivalent;
}

CodeValue contained(std::string_view op, const CodeValue& a, const CodeValue& b) {
  const auto* list = std::get_if<CodeValue::List>(&b.v);
  if (list == nullptr) return no_such(op);
  const bool found = std::ranges::any_of(*list, [&a](const CodeValue& x) { return equal(a, x); });
  return CodeValue::of_truth(found == (op == "in"));
}

CodeValue to_integer(const CodeValue& x) {
  if (std::holds_alternative<int64_t>(x.v)) return x;
  const auto d = real(x);
  if (!d) return CodeValue::error("int() of no number");
  if (!(std::abs(*d) < kWholeReals)) return overflow();
  return CodeValue::of(static_cast<int64_t>(*d));
}

CodeValue extreme(bool least, const CodeValue::List& all) {
  const CodeValue* best = nullptr;
  for (const CodeValue& x : all) {
    if (!real(x)) return CodeValue::error("min() or max() of no number");
    if (best == nullptr || (least ? order(x, *best) < 0 : order(x, *best) > 0)) best = &x;
  }
  return best == nullptr ? CodeValue::error("min() or max() of nothing") : *best;
}

}  // namespace

bool CodeValue::truth() const {
  if (const auto* n = std::get_if<int64_t>(&v)) return *n != 0;
  if (const auto* d = std::get_if<double>(&v)) return *d != 0;
  if (const auto* s = std::get_if<std::string>(&v)) return !s->empty();
  const auto* list = std::get_if<List>(&v);
  return list != nullptr && !list->empty();
}

CodeValue operate(std::string_view op, const CodeValue& a, const CodeValue& b) {
  if (a.error() != nullptr) return a;
  if (b.error() != nullptr) return b;
  const auto* m = std::get_if<int64_t>(&a.v);
  const auto* n = std::get_if<int64_t>(&b.v);
  if (m != nullptr && n != nullptr) return whole(op, *m, *n);
  const auto x = real(a);
  const auto y = real(b);
  return x && y ? with_reals(op, *x, *y) : no_such(op);
}

CodeValue operate(std::string_view op, const CodeValue& a) {
  if (a.error() != nullptr) return a;
  const auto* n = std::get_if<int64_t>(&a.v);
  if (op == "~") return n == nullptr ? CodeValue::error("'~' of no integer") : CodeValue::of(~*n);
  const auto x = real(a);
  if (!x) return CodeValue::error("'" + std::string{op} + "' of no number");
  if (op == "+") return a;
  return n != nullptr ? operate("-", CodeValue::of(0), a) : CodeValue{-*x};
}

CodeValue compare(std::string_view op, const CodeValue& a, const CodeValue& b) {
  if (a.error() != nullptr) return a;
  if (b.error() != nullptr) return b;
  if (op == "in" || op == "not in") return contained(op, a, b);
  const auto o = order(a, b);
  if (op == "==") return CodeValue::of_truth(o == 0);
  if (op == "!=" || op == "<>") return CodeValue::of_truth(o != 0);
  if (o == std::partial_ordering::unordered) return no_such(op);
  if (op == "<") return CodeValue::of_truth(o < 0);
  if (op == "<=") return CodeValue::of_truth(o <= 0);
  return CodeValue::of_truth(op == ">" ? o > 0 : o >= 0);
}

CodeValue call(std::string_view name, const CodeValue::List& arguments) {
  const bool one = arguments.size() == 1;
  for (const CodeValue& x : arguments) {
    if (x.error() != nullptr) return x;
  }
  if (name == "min" || name == "max") return extreme(name == "min", arguments);
  if (name == "int" && one) return to_integer(arguments.front());
  if (name == "abs" && one) {
    const CodeValue& x = arguments.front();
    const auto d = real(x);
    return d && *d < 0 ? operate("-", x) : x;
  }
  return CodeValue::error("");
}

}  // namespace rapport::play
