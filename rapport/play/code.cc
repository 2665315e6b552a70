// The evaluator of assertions. Every part of an expression is evaluated, also where `and` and `or`
// need not; so nothing unsupported goes unseen, and errors in a part that does not count do not
// count.
#include "rapport/play/code.hh"

#include "rapport/play/code_lexer.hh"
#include "rapport/play/code_value.hh"
#include "rapport/play/place.hh"

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
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

constexpr unsigned kMaxCodeDepth = 64;

// From loosest to tightest; all of them from left to right.
constexpr auto kBitOr = std::to_array<std::string_view>({"|"});
constexpr auto kBitXor = std::to_array<std::string_view>({"^"});
constexpr auto kBitAnd = std::to_array<std::string_view>({"&"});
constexpr auto kShift = std::to_array<std::string_view>({"<<", ">>"});
constexpr auto kSum = std::to_array<std::string_view>({"+", "-"});
constexpr auto kProduct = std::to_array<std::string_view>({"*", "/", "//", "%"});
constexpr auto kBinary = std::to_array<std::span<const std::string_view>>(
    {kBitOr, kBitXor, kBitAnd, kShift, kSum, kProduct});
constexpr auto kComparisons =
    std::to_array<std::string_view>({"==", "!=", "<>", "<", "<=", ">", ">=", "in"});
constexpr auto kReserved = std::to_array<std::string_view>(
    {"and", "or", "not", "in", "is", "if", "else", "lambda", "for", "assert"});

std::optional<CodeValue> number(std::string_view text) {
  int64_t n = 0;
  int base = 10;
  std::string_view digits = text;
  if (text.starts_with("0x") || text.starts_with("0X")) base = 16;
  if (text.starts_with("0o")) base = 8;
  if (text.starts_with("0b")) base = 2;
  if (base != 10) digits.remove_prefix(2);
  const auto as_integer = std::from_chars(digits.data(), digits.data() + digits.size(), n, base);
  const bool whole = as_integer.ptr == digits.data() + digits.size();
  if (as_integer.ec == std::errc{} && whole) return CodeValue::of(n);
  if (base != 10 || as_integer.ec == std::errc::result_out_of_range) return std::nullopt;
  double d = 0;
  const auto as_real = std::from_chars(digits.data(), digits.data() + digits.size(), d);
  if (as_real.ec == std::errc{} && as_real.ptr == digits.data() + digits.size())
    return CodeValue{d};
  return std::nullopt;
}

class Evaluator {
 public:
  Evaluator(std::string_view text, const NameLookup& lookup, Place start)
      : text_(text), lookup_(&lookup), start_(start), lexer_(text) {
    next();
  }

  CodeResult run();

 private:
  struct Used {
    std::string_view name;
    int64_t value;
  };

  void next() { token_ = lexer_.next(); }

  bool take(std::string_view s) {
    if (!token_.is(s)) return false;
    next();
    return true;
  }

  void unsupported(std::string what);
  void fail(size_t begin, size_t end, const CodeValue& value);
  [[nodiscard]] Place place(size_t at) const;
  [[nodiscard]] std::string describe() const;
  void statement();
  void assertion();
  void skip_message();

  CodeValue disjunction(unsigned depth);
  CodeValue conjunction(unsigned depth);
  CodeValue negation(unsigned depth);
  CodeValue comparison(unsigned depth);
  std::optional<std::string_view> comparison_operator();
  CodeValue binary(size_t level, unsigned depth);
  CodeValue unary(unsigned depth);
  CodeValue power(unsigned depth);
  CodeValue primary(unsigned depth);
  CodeValue bracketed(unsigned depth);
  CodeValue word(unsigned depth);
  CodeValue::List list(std::string_view close, unsigned depth);

  std::string_view text_;
  const NameLookup* lookup_;
  Place start_;
  CodeLexer lexer_;
  CodeToken token_;
  size_t statement_begin_ = 0;
  std::vector<Used> used_;  // names in this statement
  bool unsupported_ = false;
  bool asserted_ = false;
  CodeResult result_;
};

Place Evaluator::place(size_t at) const {
  const std::string_view before = text_.substr(0, at);
  const auto lines = static_cast<uint32_t>(std::ranges::count(before, '\n'));
  if (lines == 0) return {start_.line, start_.column + static_cast<uint32_t>(at)};
  return {start_.line + lines, static_cast<uint32_t>(at - before.rfind('\n'))};
}

std::string Evaluator::describe() const {
  if (token_.kind == CodeToken::Kind::End) return "the end of the code";
  if (token_.kind == CodeToken::Kind::Break) return "the end of a statement";
  return "'" + std::string{token_.text} + "'";
}

void Evaluator::unsupported(std::string what) {
  if (unsupported_) return;
  unsupported_ = true;
  result_ = {CodeResult::Verdict::Unsupported, std::move(what), place(statement_begin_)};
}

void Evaluator::fail(size_t begin, size_t end, const CodeValue& value) {
  if (unsupported_ || result_.verdict == CodeResult::Verdict::Fails) return;
  std::string_view source = text_.substr(begin, end - begin);
  source = source.substr(0, source.find_last_not_of(" \t\r\n\\") + 1);
  std::string text{source};
  std::string_view separator = " (";
  for (const Used& u : used_) {
    text += separator;
    text += u.name;
    text += " = " + std::to_string(u.value);
    separator = ", ";
  }
  if (!used_.empty()) text += ")";
  if (const auto* error = value.error()) text += ": " + error->why;
  result_ = {CodeResult::Verdict::Fails, std::move(text), place(statement_begin_)};
}

// What follows the comma is told to people only.
void Evaluator::skip_message() {
  while (!token_.ends_statement() && token_.kind != CodeToken::Kind::Bad) next();
}

void Evaluator::assertion() {
  asserted_ = true;
  const size_t begin = token_.begin;
  const CodeValue value = disjunction(0);
  const size_t end = token_.begin;
  if (take(",")) skip_message();
  if (!token_.ends_statement()) unsupported(describe() + " in an assertion");
  if (std::holds_alternative<CodeValue::List>(value.v)) unsupported("a list as an assertion");
  if (value.error() != nullptr || !value.truth()) fail(begin, end, value);
}

void Evaluator::statement() {
  statement_begin_ = token_.begin;
  used_.clear();
  if (token_.ends_statement()) return;
  if (take("assert")) {
    assertion();
  } else if (take("print")) {
    skip_message();
  } else if (token_.kind == CodeToken::Kind::Text) {  // a remark as a text
    next();
    if (!token_.ends_statement()) unsupported(describe() + " after a text");
  } else {
    unsupported("the statement " + describe());
  }
}

CodeResult Evaluator::run() {
  while (!unsupported_) {
    statement();
    if (token_.kind == CodeToken::Kind::End) break;
    next();
  }
  if (!asserted_) unsupported("nothing is asserted");
  return result_;
}

CodeValue Evaluator::disjunction(unsigned depth) {
  CodeValue left = conjunction(depth);
  while (take("or")) {
    CodeValue right = conjunction(depth);
    if (left.error() == nullptr && !left.truth()) left = std::move(right);
  }
  return left;
}

CodeValue Evaluator::conjunction(unsigned depth) {
  CodeValue left = negation(depth);
  while (take("and")) {
    CodeValue right = negation(depth);
    if (left.error() == nullptr && left.truth()) left = std::move(right);
  }
  return left;
}

CodeValue Evaluator::negation(unsigned depth) {
  bool any = false;
  bool odd = false;
  for (; take("not"); any = true) odd = !odd;
  CodeValue value = comparison(depth);
  if (!any || value.error() != nullptr) return value;
  return CodeValue::of_truth(value.truth() != odd);
}

std::optional<std::string_view> Evaluator::comparison_operator() {
  if (take("not")) {
    if (!take("in")) unsupported(describe() + " after 'not'");
    return "not in";
  }
  const bool is_one =
      std::ranges::any_of(kComparisons, [this](std::string_view c) { return token_.is(c); });
  if (!is_one) return std::nullopt;
  const std::string_view op = token_.text;
  next();
  return op;
}

// a < b < c is (a < b) and (b < c).
CodeValue Evaluator::comparison(unsigned depth) {
  CodeValue left = binary(0, depth);
  std::optional<CodeValue> all;
  while (const auto op = comparison_operator()) {
    CodeValue right = binary(0, depth);
    if (!all || (all->error() == nullptr && all->truth())) all = compare(*op, left, right);
    left = std::move(right);
  }
  return all.value_or(left);
}

CodeValue Evaluator::binary(size_t level, unsigned depth) {
  if (level == kBinary.size()) return unary(depth);
  CodeValue left = binary(level + 1, depth);
  const auto at_one = [this, level] {
    return token_.kind == CodeToken::Kind::Operator
           && std::ranges::find(kBinary[level], token_.text) != kBinary[level].end();
  };
  while (at_one()) {
    const std::string_view op = token_.text;
    next();
    left = operate(op, left, binary(level + 1, depth));
  }
  return left;
}

CodeValue Evaluator::unary(unsigned depth) {
  if (depth > kMaxCodeDepth) {
    unsupported("an expression nested more than " + std::to_string(kMaxCodeDepth) + " deep");
    return {};
  }
  const CodeToken op = token_;
  if (take("-") || take("+") || take("~")) return operate(op.text, unary(depth + 1));
  return power(depth);
}

// Binds tighter than a sign on its left, and from right to left.
CodeValue Evaluator::power(unsigned depth) {
  CodeValue base = primary(depth);
  if (!take("**")) return base;
  return operate("**", base, unary(depth + 1));
}

CodeValue::List Evaluator::list(std::string_view close, unsigned depth) {
  CodeValue::List items;
  while (!unsupported_ && !take(close)) {
    items.push_back(disjunction(depth + 1));
    if (take(",") || token_.is(close)) continue;
    unsupported(describe() + " in a list");
  }
  return items;
}

CodeValue Evaluator::bracketed(unsigned depth) {
  if (take("[")) return {list("]", depth)};
  next();
  if (take(")")) return {CodeValue::List{}};
  CodeValue first = disjunction(depth + 1);
  if (take(")")) return first;
  if (!take(",")) {
    unsupported(describe() + " instead of ')'");
    return {};
  }
  CodeValue::List items = list(")", depth);
  items.insert(items.begin(), std::move(first));
  return {std::move(items)};
}

CodeValue Evaluator::word(unsigned depth) {
  const std::string_view name = token_.text;
  next();
  if (name == "True" || name == "False") return CodeValue::of_truth(name == "True");
  if (take("(")) {
    CodeValue value = call(name, list(")", depth));
    if (value.error() != nullptr && value.error()->why.empty()) {
      unsupported("the call '" + std::string{name} + "'");
    }
    return value;
  }
  const auto value = (*lookup_)(name);
  if (!value) {
    unsupported("the name '" + std::string{name} + "'");
    return {};
  }
  if (std::ranges::find(used_, name, &Used::name) == used_.end()) used_.push_back({name, *value});
  return CodeValue::of(*value);
}

CodeValue Evaluator::primary(unsigned depth) {
  const CodeToken t = token_;
  if (t.is("(") || t.is("[")) return bracketed(depth);
  const bool reserved = std::ranges::find(kReserved, t.text) != kReserved.end();
  if (t.kind == CodeToken::Kind::Word && !reserved) return word(depth);
  if (t.kind == CodeToken::Kind::Text) {
    next();
    return {std::string{t.text.substr(1, t.text.size() - 2)}};
  }
  const auto n = t.kind == CodeToken::Kind::Number ? number(t.text) : std::nullopt;
  if (!n) {
    unsupported(describe() + " as a value");
    return {};
  }
  next();
  return *n;
}

}  // namespace

CodeResult evaluate_code(std::string_view text, const NameLookup& lookup, Place start) {
  return Evaluator(text, lookup, start).run();
}

}  // namespace rapport::play
