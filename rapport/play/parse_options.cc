// TCP options in a script: `<mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>` or `<...>`.
#include "rapport/play/lexer.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/reader.hh"
#include "rapport/play/script.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rapport::play {

namespace {

using Kind = TcpOption::Kind;

constexpr uint32_t kMax8 = std::numeric_limits<uint8_t>::max();
constexpr uint32_t kMax16 = std::numeric_limits<uint16_t>::max();
constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();

struct Named {
  std::string_view name;
  Kind kind;
  Dialect dialect = Dialect::Auto;  // that alone has it
};

constexpr auto kOptions = std::to_array<Named>({
    {"nop", Kind::Nop},
    {"eol", Kind::End},
    {"mss", Kind::MaximumSegmentSize},
    {"wscale", Kind::WindowScale},
    {"sackOK", Kind::SackPermitted},
    {"sack", Kind::Sack},
    {"TS", Kind::Timestamps},
    {"FO", Kind::FastOpen},
    {"FOEXP", Kind::FastOpenExp, Dialect::G},
    {"md5", Kind::Md5},
    {"ECN", Kind::AccurateEcn, Dialect::G},
    {"AccECN0", Kind::AccurateEcn, Dialect::F},
    {"AccECN1", Kind::AccurateEcn, Dialect::F},
});

// Those with a "-" in their names, which is no character of a word.
constexpr auto kExperimental = std::to_array<Named>({
    {"exp-FO", Kind::FastOpenExp},
    {"exp-AccECN0", Kind::AccurateEcn},
    {"exp-AccECN1", Kind::AccurateEcn},
    {"exp-tarr", Kind::Experimental},
});

constexpr std::string_view kExpected =
    "a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, FO, FOEXP, exp-FO, md5, ...)";

// What follows the name of an option that is not understood further: words up to "," or ">".
std::string read_words(Reader& r) {
  std::string words;
  while (!r.at(',') && !r.at('>') && !r.at(Token::Kind::End)) {
    if (!words.empty()) words += ' ';
    if (r.now().replaced) {
      words += r.now().text;
      r.next();
    } else {
      words += r.raw(" \t\r\n\f\v,>");
    }
  }
  return words;
}

bool take_exclamation(Reader& r) {
  if (!r.at('!')) return false;
  r.only(Dialect::F, r.now().place, "'!'");
  r.next();
  return true;
}

void read_timestamps(Reader& r, TcpOption& option) {
  r.need_word("val");
  option.value = r.number("a timestamp", kMax32);
  option.value_unchecked = take_exclamation(r);
  r.need_word("ecr");
  option.echo = r.number("a timestamp", kMax32);
  option.echo_unchecked = take_exclamation(r);
}

void read_blocks(Reader& r, TcpOption& option) {
  do {
    TcpOption::Block block;
    block.left = r.number("a SACK block like 1:1001", kMax32);
    r.need(':', "':' in a SACK block like 1:1001");
    block.right = r.number("the end of a SACK block like 1:1001", kMax32);
    option.blocks.push_back(block);
  } while (r.at(Token::Kind::Integer));
}

void read_value(Reader& r, TcpOption& option) {
  switch (option.kind) {
    case Kind::Nop:
    case Kind::End:
    case Kind::SackPermitted: return;
    case Kind::MaximumSegmentSize: option.value = r.number("an MSS", kMax16); return;
    case Kind::WindowScale: option.value = r.number("a shift", kMax8); return;
    case Kind::Sack: read_blocks(r, option); return;
    case Kind::Timestamps: read_timestamps(r, option); return;
    case Kind::FastOpen:
    case Kind::FastOpenExp:
    case Kind::Md5:
    case Kind::AccurateEcn:
    case Kind::Experimental: option.words = read_words(r); return;
  }
}

// "exp-FO" is three tokens: the words of the name are taken as they stand.
const Named* read_experimental_name(Reader& r) {
  const Token before = r.now();
  const std::string_view name = r.raw(" \t\r\n\f\v,>");
  const auto* const at = std::ranges::find(kExperimental, name, &Named::name);
  if (at == kExperimental.end()) {
    r.fail_at(before.place, kExpected, "'" + std::string{name} + "'");
    return nullptr;
  }
  r.only(Dialect::F, before.place, "'" + std::string{name} + "'");
  return at;
}

const Named* read_name(Reader& r) {
  const Token t = r.now();
  if (t.is_word("exp")) return read_experimental_name(r);
  const auto* const at =
      std::ranges::find_if(kOptions, [&t](const Named& n) { return t.is_word(n.name); });
  if (at == kOptions.end()) {
    r.fail(kExpected);
    return nullptr;
  }
  if (at->dialect != Dialect::Auto) r.only(at->dialect, t.place, "'" + std::string{t.text} + "'");
  r.next();
  return at;
}

TcpOption read_option(Reader& r) {
  TcpOption option;
  option.place = r.now().place;
  const Named* named = read_name(r);
  if (named == nullptr) return option;
  option.kind = named->kind;
  option.name = named->name;
  read_value(r, option);
  return option;
}

}  // namespace

void read_tcp_options(Reader& r, TcpSegment& segment, Direction direction) {
  const Token first = r.now();
  segment.options_unchecked = r.take(Token::Kind::Ellipsis);
  if (segment.options_unchecked && direction == Direction::Inbound) {
    r.fail_at(first.place, "TCP options in an inbound packet", "'...'");
  }
  while (!segment.options_unchecked && !r.failed()) {
    segment.options.push_back(read_option(r));
    if (!r.take(',')) break;
  }
  r.need('>', segment.options_unchecked ? "'>'" : "',' or '>' after a TCP option");
}

}  // namespace rapport::play
