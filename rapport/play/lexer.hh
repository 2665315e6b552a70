// Characters of a script -> tokens, one at a time: comments and conditional text are dropped,
// defined words replaced. Knows nothing of grammar. Within play/ only.
#pragma once

#include "rapport/play/place.hh"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace rapport::play {

struct Token {
  enum class Kind : uint8_t {
    End,
    Bad,      // no token: `text` was expected, `found` is there
    Integer,  // digits, or "-" and digits
    Hex,      // 0x...
    Float,    // .5, 0.25
    Word,     // [A-Za-z0-9_]+ that is no number
    String,   // text between the quotes, escapes as written
    Shell,    // text between the back-quotes
    Code,     // text between %{ and }%, without blanks around it
    Ellipsis,
    Dashes,  // "--"
    Mark,    // one character: `mark`
  };
  Kind kind = Kind::End;
  char mark = 0;
  bool replaced = false;   // stands for a defined word
  size_t begin = 0;        // of the token in the script
  size_t end = 0;          // one past it
  std::string_view text;   // of a Bad token: what was expected
  std::string_view found;  // of a Bad token
  Place place;

  [[nodiscard]] bool is(Kind k) const { return kind == k; }

  [[nodiscard]] bool is(char c) const { return kind == Kind::Mark && mark == c; }

  [[nodiscard]] bool is_word(std::string_view w) const { return kind == Kind::Word && text == w; }
};

class Lexer {
 public:
  // The text must outlive the lexer and its tokens.
  explicit Lexer(std::string_view text) : text_(text) {}

  // From the next token on, `name` stands for `value`.
  void define(std::string_view name, std::string_view value);
  [[nodiscard]] Token next();
  // Characters as they stand: from `begin`, that of the last token, to the first character of
  // `stops`, comment or end behind that token. The next token follows after them.
  [[nodiscard]] std::string_view raw(size_t begin, std::string_view stops);
  // From `begin`, a "(", to the ")" that closes it; what stands between them. False: nothing does.
  [[nodiscard]] bool parenthesised(size_t begin, std::string_view& inner);

  // Of the first #ifdef so far; 0:0 without one.
  [[nodiscard]] Place first_condition() const { return first_condition_; }

  [[nodiscard]] std::string_view source() const { return text_; }

 private:
  struct Named {
    std::string name, value;
  };

  void go_to(size_t position);
  // False: `bad` says what is wrong.
  [[nodiscard]] bool skip_blanks(Token& bad);
  [[nodiscard]] bool skip_comment(Token& bad);
  [[nodiscard]] bool skip_condition(Token& bad);
  [[nodiscard]] bool skip_to_endif(size_t from, Token& bad);
  [[nodiscard]] Token bad(std::string_view expected, std::string_view found) const;
  [[nodiscard]] Token make(Token::Kind kind, size_t length);
  [[nodiscard]] Token number_or_word();
  [[nodiscard]] Token quoted(Token::Kind kind, std::string_view open, std::string_view close);
  [[nodiscard]] Token string();
  void replace(Token& word) const;
  [[nodiscard]] bool is_defined(std::string_view name) const;

  [[nodiscard]] bool starts(std::string_view s) const { return text_.substr(at_).starts_with(s); }

  [[nodiscard]] char look(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  uint32_t line_ = 1;
  bool within_ = false;  // a kept #ifdef is open
  Place first_condition_;
  Place open_;                 // where
  std::deque<Named> defines_;  // a deque: tokens point into it
};

}  // namespace rapport::play
