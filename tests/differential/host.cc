// Which call a word of the language stands for, the same for both sides.
#include "host.hh"

#include <cstdint>
#include <string>

namespace rapport::differential {

std::string Host::call(const std::string& what, uint32_t number) {
  if (what == "listen" || what == "connect" || what == "accept") return opens(what);
  if (what == "send" || what == "urgent") return sends(number, what == "urgent");
  if (what == "read") return reads();
  if (what == "error") return error();
  if (what == "nodelay" || what == "keepalive") {
    sets_option(what, number);
    return "ok";
  }
  return closes(what);
}

}  // namespace rapport::differential
