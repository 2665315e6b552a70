// The cursor of the parser: the token at hand, and the first error, after which nothing but the end
// of the script is seen, so that readers need no error paths. Within play/ only.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/play/lexer.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/place.hh"
#include "rapport/play/script.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rapport::play {

inline constexpr std::string_view kBlanks = " \t\r\n\f\v";

class Reader {
 public:
  Reader(std::string_view text, const ParseOptions& options);

  [[nodiscard]] const Token& now() const { return token_; }

  [[nodiscard]] bool at(Token::Kind k) const { return token_.is(k); }

  [[nodiscard]] bool at(char c) const { return token_.is(c); }

  [[nodiscard]] bool at_word(std::string_view w) const { return token_.is_word(w); }

  // The characters of the token at hand.
  [[nodiscard]] std::string_view source() const {
    return lexer_.source().substr(token_.begin, token_.end - token_.begin);
  }

  // Goes to the next token.
  void next();
  // Goes on if the token at hand is that; says whether it was.
  bool take(char c);
  bool take(Token::Kind k);
  bool take_word(std::string_view w);
  // The same, and an error when it is not: "'('" or `expected`.
  void need(char c, std::string_view expected = {});
  void need_word(std::string_view w);
  // A word of any text. `expected`: "the name of a system call".
  [[nodiscard]] std::string word(std::string_view expected);
  // Decimal digits or 0x..., at most `max`. `what`: "a port".
  [[nodiscard]] uint32_t number(std::string_view what, uint32_t max);
  [[nodiscard]] int64_t integer();  // with a sign; the token at hand is Integer or Hex
  [[nodiscard]] Duration time();    // seconds, at least 0
  // From the token at hand on, to the next blank or character of `stops`.
  [[nodiscard]] std::string_view raw(std::string_view stops = kBlanks);
  // The value at hand as it stands (with its quotes, or up to the next blank), the next token
  // unread.
  [[nodiscard]] std::string value();
  // What stands between "(", which is at hand, and its ")".
  [[nodiscard]] std::string_view parenthesised();

  // The first error counts. `found` is the token at hand.
  void fail(std::string_view expected);
  void fail_at(Place place, std::string_view expected, std::string_view found);

  [[nodiscard]] bool failed() const { return error_.has_value(); }

  [[nodiscard]] const std::optional<SyntaxError>& error() const { return error_; }

  // `what`, at `place`, is in one of the dialects only: an error if the other one was asked for.
  void only(Dialect dialect, Place place, std::string_view what);
  // Something that is used with one of the systems; tells the dialect where the grammar does not.
  void hint(Dialect dialect);
  [[nodiscard]] Dialect dialect() const;

  // A new --define of the script itself.
  void define(std::string_view name, std::string_view value) { lexer_.define(name, value); }

 private:
  [[nodiscard]] std::string describe(const Token& t) const;

  Lexer lexer_;
  Token token_;
  ParseOptions options_;
  std::optional<SyntaxError> error_;
  bool conditions_ = false;        // an #ifdef was seen
  std::optional<Dialect> told_;    // by the grammar: the first feature counts
  std::optional<Dialect> hinted_;  // by words
};

// parse_packet.cc: from the direction on.
[[nodiscard]] Packet read_packet(Reader& r);
// parse_options.cc: from behind the "<" to behind the ">".
void read_tcp_options(Reader& r, TcpSegment& segment, Direction direction);
// parse_call.cc: from the name on, or from the "..." of a blocking call.
[[nodiscard]] Syscall read_call(Reader& r);

}  // namespace rapport::play
