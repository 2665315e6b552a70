// Tokens of assertions.
#include "rapport/play/code_lexer.hh"

#include "rapport/play/characters.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rapport::play {

void CodeLexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = look();
    const bool continued = c == '\\' && (look(1) == '\n' || (look(1) == '\r' && look(2) == '\n'));
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (continued) {
      at_ += look(1) == '\n' ? 2 : 3;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || (c == '\n' && brackets_ > 0)) {
      ++at_;
    } else {
      return;
    }
  }
}

// Of a text between ' or ", or three of them; 0 when it has no end.
size_t CodeLexer::text_length() const {
  const std::string_view rest = text_.substr(at_);
  const std::string three(3, look());
  const std::string_view quote = rest.starts_with(three) ? rest.substr(0, 3) : rest.substr(0, 1);
  for (size_t n = quote.size(); n < rest.size(); n += look(n) == '\\' ? 2 : 1) {
    if (rest.substr(n).starts_with(quote)) return n + quote.size();
    if (look(n) == '\n' && quote.size() == 1) return 0;
  }
  return 0;
}

size_t CodeLexer::number_length() const {
  size_t n = 0;
  bool point = false;
  while (is_word(look(n)) || (look(n) == '.' && !point)) {
    point = point || look(n) == '.';
    const bool exponent = (look(n) == 'e' || look(n) == 'E') && look(1) != 'x' && look(1) != 'X';
    ++n;
    if (exponent && (look(n) == '-' || look(n) == '+')) ++n;
  }
  return n;
}

size_t CodeLexer::operator_length() const {
  constexpr auto kTwo =
      std::to_array<std::string_view>({"==", "!=", "<>", "<=", ">=", "//", "**", "<<", ">>"});
  const std::string_view two = text_.substr(at_, 2);
  if (std::ranges::find(kTwo, two) != kTwo.end()) return 2;
  return std::string_view{"()[],<>+-*/%&|^~=:.{}"}.contains(look()) ? 1 : 0;
}

CodeToken CodeLexer::make(CodeToken::Kind kind, size_t length) {
  const CodeToken t{.kind = kind, .text = text_.substr(at_, length), .begin = at_};
  at_ += length;
  return t;
}

CodeToken CodeLexer::text() {
  const size_t n = text_length();
  return make(n == 0 ? CodeToken::Kind::Bad : CodeToken::Kind::Text, std::max(n, size_t{1}));
}

CodeToken CodeLexer::word() {
  size_t n = 1;
  while (is_word(look(n))) ++n;
  return make(CodeToken::Kind::Word, n);
}

CodeToken CodeLexer::operation() {
  const size_t n = look() == '\0' ? 0 : operator_length();
  if (n == 0) return make(CodeToken::Kind::Bad, 1);
  if (std::string_view{"([{"}.contains(look())) ++brackets_;
  if (std::string_view{")]}"}.contains(look()) && brackets_ > 0) --brackets_;
  return make(CodeToken::Kind::Operator, n);
}

CodeToken CodeLexer::next() {
  skip_blanks();
  if (at_ >= text_.size()) return make(CodeToken::Kind::End, 0);
  const char c = look();
  if (c == '\n' || c == ';') return make(CodeToken::Kind::Break, 1);
  if (is_digit(c) || (c == '.' && is_digit(look(1)))) {
    return make(CodeToken::Kind::Number, number_length());
  }
  if (is_word(c)) return word();
  return c == '\'' || c == '"' ? text() : operation();
}

}  // namespace rapport::play
