// A packet script as a syntax tree: options, set-up, events in order, tear-down. Values only: made
// by parse.hh, printed by print.hh, run by the runner. Nothing here touches a stack or a file.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/place.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rapport::play {

// Which tool a script was written for. They differ in what an expected packet may be made of, in
// tolerances and in the MTU of IPv6; docs/scripts.md.
enum class Dialect : uint8_t {
  Auto,  // only as a wish; a Script has one of the others
  G,
  F,
};

// `--name=value` before the first event. The value is as written; that of a string is without
// quotes.
struct Option {
  std::string name;  // without "--"
  std::optional<std::string> value;
  Place place;

  friend bool operator==(const Option&, const Option&) = default;
};

// When an event happens. Times are at least 0.
struct When {
  enum class Kind : uint8_t {
    Absolute,       // "1.5": from the start of the script
    Relative,       // "+.1": from the event before
    Any,            // "*": outbound packets only
    AbsoluteRange,  // "1~2": outbound packets only
    RelativeRange,  // "+0~+.5": outbound packets only
  };
  Kind kind = Kind::Relative;
  Duration from;
  Duration to;  // the same as `from` except in ranges
  Place place;

  [[nodiscard]] bool relative() const {
    return kind == Kind::Relative || kind == Kind::RelativeRange;
  }

  friend bool operator==(const When&, const When&) = default;
};

// An argument or a result of a system call.
struct Expr {
  enum class Kind : uint8_t {
    Ellipsis,  // ...
    Integer,   // number; `hexadecimal` says how it was written
    Word,      // text: a constant or a name
    String,    // text, without quotes, escapes resolved; `open_ended`: "..." follows
    Null,
    Field,   // text = items[0]; what stands in parentheses after the name follows in items[1...]
    Or,      // items[0] | items[1] | ...
    Array,   // [items...]
    Struct,  // {items...}
    Call,    // text(items...)
  };
  Kind kind = Kind::Ellipsis;
  bool hexadecimal = false;
  bool open_ended = false;
  int64_t number = 0;
  std::string text;
  std::vector<Expr> items;
  Place place;

  // The value of field `name` of a Struct; nullptr when there is none.
  [[nodiscard]] const Expr* field(std::string_view name) const;

  friend bool operator==(const Expr& a, const Expr& b);
};

struct Syscall {
  // `T...U call()`: the call blocks from T until U. U is of the kind of the event's T: absolute, or
  // counted from the same event before. None: the call must not block.
  std::optional<Duration> until;
  std::string name;
  std::vector<Expr> arguments;
  Expr result;
  std::string error;  // "EAGAIN" in `= -1 EAGAIN (...)`; empty: not written
  Place error_place;
  std::string note;  // human text, without the parentheses around it
  Place place;       // of the name

  friend bool operator==(const Syscall&, const Syscall&) = default;
};

// `text`: never executed. shell.hh tells what it would have meant.
struct ShellLine {
  std::string text;
  Place place;

  friend bool operator==(const ShellLine&, const ShellLine&) = default;
};

// %{ text }%: assertions. code.hh evaluates them.
struct CodeBlock {
  std::string text;
  Place place;  // of the first character of the text

  friend bool operator==(const CodeBlock&, const CodeBlock&) = default;
};

struct Event {
  When when;
  std::variant<Packet, Syscall, ShellLine, CodeBlock> action;

  // The outbound or inbound packet of this event; nullptr when it is something else.
  [[nodiscard]] const Packet* packet() const { return std::get_if<Packet>(&action); }

  [[nodiscard]] const Syscall* syscall() const { return std::get_if<Syscall>(&action); }

  friend bool operator==(const Event&, const Event&) = default;
};

struct Script {
  std::string file;  // as given to the parser, for messages
  Dialect dialect = Dialect::G;
  std::vector<Option> options;     // in order; a name may stand twice, the last one counts
  std::vector<ShellLine> init;     // before the first event
  std::vector<Event> events;       // at least one
  std::vector<ShellLine> cleanup;  // after the last event
  std::vector<std::string> lines;  // the source

  // The last option of that name; nullptr when there is none.
  [[nodiscard]] const Option* option(std::string_view name) const;
  // The source line of a place, without its end; empty for a place that is not from the text.
  [[nodiscard]] std::string_view line(Place place) const;

  // By what they say: files and lines do not count.
  friend bool operator==(const Script& a, const Script& b) {
    return a.dialect == b.dialect && a.options == b.options && a.init == b.init
           && a.events == b.events && a.cleanup == b.cleanup;
  }
};

}  // namespace rapport::play
