// Characters of a %{ code }% block -> tokens: words, numbers, texts, operators, ends of statements.
// Remarks, continued lines and line ends within brackets are dropped. Within play/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rapport::play {

struct CodeToken {
  enum class Kind : uint8_t {
    End,
    Break,  // of a statement: a line end or ";"
    Word,
    Number,
    Text,  // with its quotes
    Operator,
    Bad,  // a character that is none of these, or a text without an end
  };
  Kind kind = Kind::End;
  std::string_view text;
  size_t begin = 0;

  [[nodiscard]] bool is(std::string_view s) const {
    return (kind == Kind::Operator || kind == Kind::Word) && text == s;
  }

  [[nodiscard]] bool ends_statement() const { return kind == Kind::End || kind == Kind::Break; }
};

class CodeLexer {
 public:
  explicit CodeLexer(std::string_view text) : text_(text) {}

  [[nodiscard]] CodeToken next();

 private:
  void skip_blanks();
  [[nodiscard]] size_t text_length() const;
  [[nodiscard]] size_t number_length() const;
  [[nodiscard]] size_t operator_length() const;
  [[nodiscard]] CodeToken text();
  [[nodiscard]] CodeToken word();
  [[nodiscard]] CodeToken operation();
  [[nodiscard]] CodeToken make(CodeToken::Kind kind, size_t length);

  [[nodiscard]] char look(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t brackets_ = 0;  // open ones
};

}  // namespace rapport::play
