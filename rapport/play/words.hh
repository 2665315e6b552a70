// The words of calls as numbers: constants, errno, arguments of a script. What is not known throws
// Unsupported, which ends the script as skipped.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/play/script.hh"
#include "rapport/socket/posix/types.hh"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::play {

class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "ECONNRESET"; "errno 7" for what has no name.
[[nodiscard]] std::string errno_text(int value);

// An integer, a constant, several joined by "|", htons(n).
[[nodiscard]] int64_t value_of(const Expr& e);
// As value_of, when e is there and is no "...".
[[nodiscard]] std::optional<int64_t> stated(const Expr* e);
// A socket address as a script writes it; "..." is `usual`.
[[nodiscard]] posix::SocketAddress address_of(const Expr& e, const posix::SocketAddress& usual);
// The only item of "[x]", or e itself.
[[nodiscard]] const Expr& pointed_to(const Expr& e);
// As a script would write it.
[[nodiscard]] std::string text_of(const Expr& e);

}  // namespace rapport::play
