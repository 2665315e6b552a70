// System calls: `socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`,
// `...0.5 read(3, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)`.
#include "rapport/play/lexer.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/reader.hh"
#include "rapport/play/script.hh"

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

constexpr std::string_view kValue = "a value (a number, a word, a string, [...], {...} or ...)";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char plain_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '0': return '\0';
    default: return c;
  }
}

// \n, \t, \r, \0, \xHH; any other character behind a "\" is itself.
std::string unescaped(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\' || i + 1 == s.size()) {
      out += s[i];
    } else if (s[i + 1] == 'x' && i + 3 < s.size() && hex_value(s[i + 2]) >= 0
               && hex_value(s[i + 3]) >= 0) {
      out += static_cast<char>(hex_value(s[i + 2]) * 16 + hex_value(s[i + 3]));
      i += 3;
    } else {
      out += plain_escape(s[++i]);
    }
  }
  return out;
}

Expr read_expr(Reader& r, unsigned depth);

std::vector<Expr> read_list(Reader& r, char close, unsigned depth) {
  std::vector<Expr> items;
  if (r.take(close)) return items;
  do {
    items.push_back(read_expr(r, depth + 1));
  } while (r.take(','));
  const std::string expected = std::string{"',' or '"} + close + "'";
  r.need(close, expected);
  return items;
}

void read_string(Reader& r, Expr& e) {
  e.kind = Expr::Kind::String;
  while (r.at(Token::Kind::String)) {
    e.text += unescaped(r.now().text);
    r.next();
  }
  e.open_ended = r.take(Token::Kind::Ellipsis);
}

void read_word(Reader& r, Expr& e, unsigned depth) {
  const std::string name = r.word(kValue);
  e.kind = name == "NULL" ? Expr::Kind::Null : Expr::Kind::Word;
  if (e.kind == Expr::Kind::Null) return;
  e.text = name;
  std::vector<Expr> arguments;
  if (r.take('(')) {
    e.kind = Expr::Kind::Call;
    arguments = read_list(r, ')', depth);
  }
  if (r.take('=')) {
    e.kind = Expr::Kind::Field;
    e.items.push_back(read_expr(r, depth + 1));
  }
  e.items.insert(e.items.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
}

Expr read_primary(Reader& r, unsigned depth) {
  Expr e;
  e.place = r.now().place;
  if (r.at(Token::Kind::Integer) || r.at(Token::Kind::Hex)) {
    e.kind = Expr::Kind::Integer;
    e.hexadecimal = r.at(Token::Kind::Hex);
    e.number = r.integer();
  } else if (r.at(Token::Kind::String)) {
    read_string(r, e);
  } else if (r.take('[')) {
    e.kind = Expr::Kind::Array;
    e.items = read_list(r, ']', depth);
  } else if (r.take('{')) {
    e.kind = Expr::Kind::Struct;
    e.items = read_list(r, '}', depth);
  } else if (!r.take(Token::Kind::Ellipsis)) {
    read_word(r, e, depth);
  }
  return e;
}

Expr read_expr(Reader& r, unsigned depth) {
  if (depth > kMaxDepth) {
    r.fail("values nested at most " + std::to_string(kMaxDepth) + " deep");
    return {};
  }
  Expr first = read_primary(r, depth);
  if (!r.at('|')) return first;
  Expr all;
  all.kind = Expr::Kind::Or;
  all.place = first.place;
  all.items.push_back(std::move(first));
  while (r.take('|')) all.items.push_back(read_primary(r, depth));
  return all;
}

// Which of the systems has a call; the others tell nothing.
void tell_dialect(Reader& r, std::string_view name) {
  if (name.starts_with("epoll_") || name == "splice") r.hint(Dialect::G);
  if (name.starts_with("sctp_") || name == "closefrom") r.hint(Dialect::F);
}

}  // namespace

Syscall read_call(Reader& r) {
  Syscall call;
  if (r.take(Token::Kind::Ellipsis)) call.until = r.time();
  call.place = r.now().place;
  call.name = r.word("a packet ('<' or '>'), a system call, a `shell line` or %{ code }%");
  tell_dialect(r, call.name);
  r.need('(', "'(' after the name of a system call");
  call.arguments = read_list(r, ')', 0);
  r.need('=', "'=' and the result of the call");
  call.result = read_expr(r, 0);
  call.error_place = r.now().place;
  if (r.at(Token::Kind::Word)) call.error = r.word("the name of an error");
  while (r.at('(')) {
    const std::string_view note = r.parenthesised();
    if (call.note.empty()) call.note = note;
  }
  return call;
}

}  // namespace rapport::play
