// Text of scripts, events, system calls.
#include "rapport/play/print.hh"

#include "rapport/base/time.hh"
#include "rapport/play/script.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rapport::play {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string hexadecimal(int64_t value) {
  std::string digits;
  for (auto rest = static_cast<uint64_t>(value); rest != 0; rest /= 16) {
    digits.insert(digits.begin(), kHexDigits[rest % 16]);
  }
  return "0x" + (digits.empty() ? "0" : digits);
}

void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c >= ' ' && c <= '~') {
    out += c;
  } else {
    const auto octet = static_cast<uint8_t>(c);
    out += "\\x";
    out += kHexDigits[octet / 16];
    out += kHexDigits[octet % 16];
  }
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) append_escaped(out, c);
  return out + "\"";
}

std::string list(std::span<const Expr> items, std::string_view separator) {
  std::string out;
  for (const Expr& e : items) {
    if (!out.empty()) out += separator;
    out += print(e);
  }
  return out;
}

std::string field(const Expr& e) {
  std::string out = e.text;
  if (e.items.size() > 1) out += "(" + list(std::span(e.items).subspan(1), ", ") + ")";
  return out + "=" + print(e.items.front());
}

std::string print(const Option& option) {
  std::string out = "--" + option.name;
  if (!option.value) return out;
  const std::string& value = *option.value;
  const bool verbatim = option.name == "define" || value.starts_with('`');
  const bool quotes = !verbatim
                      && (value.empty() || value.find_first_of(" \t\r\n\f\v") != std::string::npos
                          || value.contains("//") || value.contains("/*"));
  return out + "=" + (quotes ? "\"" + value + "\"" : value);
}

std::string print(const ShellLine& shell) {
  return "`" + shell.text + "`";
}

std::string print(const CodeBlock& code) {
  return "%{ " + code.text + " }%";
}

}  // namespace

std::string print(Duration time) {
  constexpr int64_t kMicro = 1'000'000;
  constexpr size_t kDigits = 6;
  const int64_t us = time.to_us();
  std::string out = std::to_string(us / kMicro);
  if (us % kMicro == 0) return out;
  std::string fraction = std::to_string(us % kMicro);
  fraction.insert(0, kDigits - fraction.size(), '0');
  while (fraction.ends_with('0')) fraction.pop_back();
  return out + "." + fraction;
}

std::string print(const When& when) {
  switch (when.kind) {
    case When::Kind::Absolute: return print(when.from);
    case When::Kind::Relative: return "+" + print(when.from);
    case When::Kind::Any: return "*";
    case When::Kind::AbsoluteRange: return print(when.from) + "~" + print(when.to);
    case When::Kind::RelativeRange: return "+" + print(when.from) + "~+" + print(when.to);
  }
  return {};
}

std::string print(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::Ellipsis: return "...";
    case Expr::Kind::Integer:
      return e.hexadecimal ? hexadecimal(e.number) : std::to_string(e.number);
    case Expr::Kind::Word: return e.text;
    case Expr::Kind::String: return quoted(e.text) + (e.open_ended ? "..." : "");
    case Expr::Kind::Null: return "NULL";
    case Expr::Kind::Field: return field(e);
    case Expr::Kind::Or: return list(e.items, "|");
    case Expr::Kind::Array: return "[" + list(e.items, ", ") + "]";
    case Expr::Kind::Struct: return "{" + list(e.items, ", ") + "}";
    case Expr::Kind::Call: return e.text + "(" + list(e.items, ", ") + ")";
  }
  return {};
}

std::string print(const Syscall& call) {
  std::string out = call.until ? "..." + print(*call.until) + " " : "";
  out += call.name + "(" + list(call.arguments, ", ") + ") = " + print(call.result);
  if (!call.error.empty()) out += " " + call.error;
  if (!call.note.empty()) out += " (" + call.note + ")";
  return out;
}

std::string print(const Event& event) {
  const Syscall* call = event.syscall();
  const std::string_view blank = call != nullptr && call->until ? "" : " ";
  const auto action = std::visit([](const auto& a) { return print(a); }, event.action);
  return print(event.when) + std::string{blank} + action;
}

std::string print(const Script& script) {
  std::string out;
  for (const Option& option : script.options) out += print(option) + "\n";
  for (const ShellLine& shell : script.init) out += print(shell) + "\n";
  for (const Event& event : script.events) out += print(event) + "\n";
  for (const ShellLine& shell : script.cleanup) out += print(shell) + "\n";
  return out;
}

}  // namespace rapport::play
