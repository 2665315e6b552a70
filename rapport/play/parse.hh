// Text of a packet script -> syntax tree. The text is given; no file is opened, nothing is
// executed. Everything is bounded: octets, events, depth of nesting.
#pragma once

#include "rapport/play/place.hh"
#include "rapport/play/script.hh"

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::play {

// What a script may be at most; more is a SyntaxError.
inline constexpr size_t kMaxScriptBytes = 1 << 20;
inline constexpr size_t kMaxEvents = 20'000;
inline constexpr unsigned kMaxDepth = 32;  // of [ ], { }, ( ) within the arguments of a call

// A word of the script that stands for a value: an integer, a word, "a string" or `a shell line`.
// Without a value it only makes `#ifdef NAME` true.
struct Define {
  std::string name;
  std::string value;
};

struct ParseOptions {
  std::string_view file = "script";  // for messages
  Dialect dialect = Dialect::Auto;
  std::span<const Define> defines = {};  // before those of the script's own --define options
};

// With Dialect::Auto the dialect is told by what only one of the two has (docs/scripts.md lists
// it), G where nothing tells. With another one, what only the other dialect has is a SyntaxError.
[[nodiscard]] std::expected<Script, SyntaxError> parse(std::string_view text,
                                                       const ParseOptions& options = {});

// The texts that a script holds under `#ifdef STANDARD` and `#ifdef FreeBSD`: both names, STANDARD
// first, when it has one of the two (without FreeBSD's the other stands), else one empty name.
// Parse with a Define of that name to have that text.
[[nodiscard]] std::vector<std::string_view> variants(std::string_view text);

}  // namespace rapport::play
