// The words of calls as numbers.
#include "rapport/play/words.hh"

#include "rapport/base/address.hh"
#include "rapport/play/script.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/types.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rapport::play {

namespace {

// The first string, and the argument of the first htons() or the first port field, of an address
// structure, wherever they stand in it.
struct Found {
  std::optional<std::string> address;
  std::optional<int64_t> port, family;
  bool any = false;  // INADDR_ANY
};

void look_into(const Expr& e, Found& found) {  // NOLINT(misc-no-recursion): the parser bounds it
  if (e.kind == Expr::Kind::String && !found.address) found.address = e.text;
  if (e.kind == Expr::Kind::Word && e.text == "INADDR_ANY") found.any = true;
  if (e.kind == Expr::Kind::Call && e.text == "htons" && e.items.size() == 1 && !found.port) {
    found.port = value_of(e.items[0]);
    return;
  }
  if (e.kind == Expr::Kind::Field && e.text.ends_with("family") && !e.items.empty()) {
    found.family = value_of(e.items[0]);
    return;
  }
  for (const Expr& item : e.items) look_into(item, found);
}

}  // namespace

std::string errno_text(int value) {
  const std::string_view known = posix::errno_name(value);
  return known.empty() ? "errno " + std::to_string(value) : std::string(known);
}

int64_t value_of(const Expr& e) {  // NOLINT(misc-no-recursion): the parser bounds the depth
  switch (e.kind) {
    case Expr::Kind::Integer: return e.number;
    case Expr::Kind::Null: return 0;
    case Expr::Kind::Or: {
      int64_t all = 0;
      for (const Expr& item : e.items) all |= value_of(item);
      return all;
    }
    case Expr::Kind::Word:
      if (const auto v = posix::find_constant(e.text)) return *v;
      if (const auto v = posix::find_errno(e.text)) return *v;
      throw Unsupported("the name " + e.text);
    case Expr::Kind::Call:
      if (e.text == "htons" && e.items.size() == 1) return value_of(e.items[0]);
      throw Unsupported(e.text + "()");
    default: throw Unsupported("the argument " + text_of(e));
  }
}

std::optional<int64_t> stated(const Expr* e) {
  if (e == nullptr || e->kind == Expr::Kind::Ellipsis) return std::nullopt;
  return value_of(*e);
}

posix::SocketAddress address_of(const Expr& e, const posix::SocketAddress& usual) {
  if (e.kind == Expr::Kind::Ellipsis) return usual;
  if (e.kind != Expr::Kind::Struct) throw Unsupported("the address " + text_of(e));
  Found found;
  look_into(e, found);
  posix::SocketAddress out = usual;
  if (found.family) out.family = static_cast<int>(*found.family);
  if (found.port) out.at.port = static_cast<uint16_t>(*found.port);
  if (found.any) out.at.address = out.family == posix::kAfInet ? IpAddress::v4(0) : IpAddress{};
  if (!found.address) return out;
  const auto parsed = parse_address(*found.address);
  if (!parsed) throw Unsupported("the address \"" + *found.address + "\"");
  out.at.address = *parsed;
  return out;
}

const Expr& pointed_to(const Expr& e) {
  return e.kind == Expr::Kind::Array && e.items.size() == 1 ? e.items[0] : e;
}

std::string text_of(const Expr& e) {  // NOLINT(misc-no-recursion): the parser bounds the depth
  const auto list = [&e](std::string_view open, std::string_view between, std::string_view close) {
    std::string out(open);
    for (size_t i = 0; i < e.items.size(); ++i) {
      if (i > 0) out += between;
      out += text_of(e.items[i]);
    }
    return out + std::string(close);
  };
  switch (e.kind) {
    case Expr::Kind::Ellipsis: return "...";
    case Expr::Kind::Integer: return std::to_string(e.number);
    case Expr::Kind::Word: return e.text;
    case Expr::Kind::String: return "\"" + e.text + "\"" + (e.open_ended ? "..." : "");
    case Expr::Kind::Null: return "NULL";
    case Expr::Kind::Field: return e.items.empty() ? e.text : e.text + "=" + text_of(e.items[0]);
    case Expr::Kind::Or: return list("", "|", "");
    case Expr::Kind::Array: return list("[", ", ", "]");
    case Expr::Kind::Struct: return list("{", ", ", "}");
    case Expr::Kind::Call: return list(e.text + "(", ", ", ")");
  }
  return {};
}

}  // namespace rapport::play
