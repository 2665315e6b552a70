// Tokens of scripts. Conditional text is dropped as whole lines; a defined word becomes the token
// that its value is.
#include "rapport/play/lexer.hh"

#include "rapport/play/characters.hh"
#include "rapport/play/place.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rapport::play {

namespace {

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool all_digits(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, is_digit);
}

// What a run of word characters, or a value with a sign, is.
Token::Kind kind_of(std::string_view s) {
  if (all_digits(s) || (s.starts_with('-') && all_digits(s.substr(1)))) return Token::Kind::Integer;
  if (s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
      && std::ranges::all_of(s.substr(2), is_hex_digit)) {
    return Token::Kind::Hex;
  }
  return Token::Kind::Word;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

std::string_view word_at(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && is_word(s[n])) ++n;
  return s.substr(0, n);
}

// The place of position `to`, when position `from` stands at `place`.
Place moved(std::string_view text, size_t from, size_t to, Place place) {
  for (; from < to; ++from) {
    if (text[from] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

}  // namespace

void Lexer::define(std::string_view name, std::string_view value) {
  const auto at = std::ranges::find(defines_, name, &Named::name);
  if (at == defines_.end()) {
    defines_.push_back({std::string{name}, std::string{value}});
  } else if (at->value != value) {
    at->name.clear();  // tokens may still point into the old value
    defines_.push_back({std::string{name}, std::string{value}});
  }
}

bool Lexer::is_defined(std::string_view name) const {
  return std::ranges::find(defines_, name, &Named::name) != defines_.end();
}

void Lexer::go_to(size_t position) {
  for (; at_ < position && at_ < text_.size(); ++at_) {
    if (text_[at_] != '\n') continue;
    ++line_;
    line_begin_ = at_ + 1;
  }
}

Token Lexer::bad(std::string_view expected, std::string_view found) const {
  Token t;
  t.kind = Token::Kind::Bad;
  t.text = expected;
  t.found = found;
  t.begin = t.end = at_;
  t.place = {line_, static_cast<uint32_t>(at_ - line_begin_ + 1)};
  return t;
}

Token Lexer::make(Token::Kind kind, size_t length) {
  Token t;
  t.kind = kind;
  t.text = text_.substr(at_, length);
  t.begin = at_;
  t.end = at_ + length;
  t.place = {line_, static_cast<uint32_t>(at_ - line_begin_ + 1)};
  if (kind == Token::Kind::Mark) t.mark = text_[at_];
  go_to(t.end);
  return t;
}

bool Lexer::skip_comment(Token& bad_token) {
  if (starts("//")) {
    go_to(std::min(text_.find('\n', at_), text_.size()));
    return true;
  }
  const size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) {
    bad_token = bad("'*/' after this comment", "the end of the script");
    return false;
  }
  go_to(end + 2);
  return true;
}

bool Lexer::skip_to_endif(size_t from, Token& bad_token) {
  while (from < text_.size()) {
    const std::string_view line = text_.substr(from, text_.find('\n', from) - from);
    if (line.starts_with("#endif")) {
      go_to(std::min(from + line.size(), text_.size()));
      return true;
    }
    if (line.starts_with("#ifdef")) {
      go_to(from);
      bad_token = bad("'#endif' before another '#ifdef'", "'#ifdef'");
      return false;
    }
    from += line.size() + 1;
  }
  bad_token = bad("'#endif' after this '#ifdef'", "the end of the script");
  return false;
}

bool Lexer::skip_condition(Token& bad_token) {
  const size_t end_of_line = std::min(text_.find('\n', at_), text_.size());
  const std::string_view directive = word_at(text_.substr(at_ + 1));
  if (directive == "endif" && within_) {
    within_ = false;
    go_to(end_of_line);
    return true;
  }
  if (directive == "endif") {
    bad_token = bad("'#ifdef' before '#endif'", "'#endif' alone");
    return false;
  }
  if (directive != "ifdef" || at_ != line_begin_) {
    bad_token = bad("'#ifdef NAME' or '#endif' at the beginning of a line", "'#'");
    return false;
  }
  if (within_) {
    bad_token = bad("'#endif' before another '#ifdef'", "'#ifdef'");
    return false;
  }
  const std::string_view name = word_at(trimmed(text_.substr(at_ + 6, end_of_line - at_ - 6)));
  if (name.empty()) {
    bad_token = bad("'#ifdef NAME'", "no name");
    return false;
  }
  if (first_condition_.line == 0) first_condition_ = {line_, 1};
  if (!is_defined(name)) return skip_to_endif(std::min(end_of_line + 1, text_.size()), bad_token);
  within_ = true;
  open_ = {line_, 1};
  go_to(end_of_line);
  return true;
}

bool Lexer::skip_blanks(Token& bad_token) {
  while (at_ < text_.size()) {
    if (is_blank(look())) {
      go_to(at_ + 1);
    } else if (starts("//") || starts("/*")) {
      if (!skip_comment(bad_token)) return false;
    } else if (look() == '#') {
      if (!skip_condition(bad_token)) return false;
    } else {
      return true;
    }
  }
  if (!within_) return true;
  bad_token = bad("'#endif' after '#ifdef'", "the end of the script");
  bad_token.place = open_;
  return false;
}

Token Lexer::number_or_word() {
  const size_t sign = look() == '-' ? 1 : 0;
  size_t n = sign;
  while (is_word(look(n))) ++n;
  const std::string_view run = text_.substr(at_, n);
  if ((n == 0 || all_digits(run)) && look(n) == '.' && is_digit(look(n + 1))) {
    ++n;
    while (is_digit(look(n))) ++n;
    return make(Token::Kind::Float, n);
  }
  Token t = make(kind_of(run), n);
  if (t.is(Token::Kind::Word)) replace(t);
  return t;
}

void Lexer::replace(Token& word) const {
  const auto at = std::ranges::find(defines_, word.text, &Named::name);
  if (at == defines_.end() || at->value.empty()) return;
  const std::string_view value = at->value;
  word.replaced = true;
  word.text = value;
  word.kind = kind_of(value);
  const bool closed = value.size() > 1 && value.front() == value.back();
  if (closed && (value.front() == '"' || value.front() == '`')) {
    word.kind = value.front() == '"' ? Token::Kind::String : Token::Kind::Shell;
    word.text = value.substr(1, value.size() - 2);
  }
}

Token Lexer::quoted(Token::Kind kind, std::string_view open, std::string_view close) {
  const size_t inner = at_ + open.size();
  const size_t end = text_.find(close, inner);
  if (end == std::string_view::npos) {
    return bad(kind == Token::Kind::Shell ? "a closing back-quote" : "'}%' after '%{'",
               "the end of the script");
  }
  const std::string_view whole = text_.substr(inner, end - inner);
  const std::string_view text = kind == Token::Kind::Code ? trimmed(whole) : whole;
  const auto blanks = static_cast<size_t>(text.data() - whole.data());
  Token t = make(kind, end + close.size() - at_);
  if (kind == Token::Kind::Code) t.place = moved(text_, t.begin, inner + blanks, t.place);
  t.text = text;
  return t;
}

Token Lexer::string() {
  size_t n = 1;
  while (look(n) != '"') {
    if (at_ + n >= text_.size() || look(n) == '\n') {
      return bad("a closing '\"'", "the end of the line");
    }
    n += look(n) == '\\' && look(n + 1) != '\n' ? 2 : 1;
  }
  Token t = make(Token::Kind::String, n + 1);
  t.text = t.text.substr(1, n - 1);
  return t;
}

Token Lexer::next() {
  Token t;
  if (!skip_blanks(t)) return t;
  const char c = look();
  if (at_ >= text_.size()) return make(Token::Kind::End, 0);
  if (is_word(c) || (c == '-' && is_digit(look(1))) || (c == '.' && is_digit(look(1)))) {
    return number_or_word();
  }
  if (starts("...")) return make(Token::Kind::Ellipsis, 3);
  if (starts("--")) return make(Token::Kind::Dashes, 2);
  if (starts("%{")) return quoted(Token::Kind::Code, "%{", "}%");
  if (c == '`') return quoted(Token::Kind::Shell, "`", "`");
  if (c == '"') return string();
  return make(Token::Kind::Mark, 1);
}

std::string_view Lexer::raw(size_t begin, std::string_view stops) {
  size_t end = at_;
  while (end < text_.size() && !stops.contains(text_[end]) && !text_.substr(end).starts_with("//")
         && !text_.substr(end).starts_with("/*")) {
    ++end;
  }
  go_to(end);
  return text_.substr(begin, end - begin);
}

bool Lexer::parenthesised(size_t begin, std::string_view& inner) {
  size_t depth = 0;
  for (size_t i = begin; i < text_.size(); ++i) {
    if (text_[i] == '(') ++depth;
    if (text_[i] != ')' || --depth != 0) continue;
    inner = text_.substr(begin + 1, i - begin - 1);
    go_to(i + 1);
    return true;
  }
  return false;
}

}  // namespace rapport::play
