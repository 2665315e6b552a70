// `rapport status`: what a running `serve --status-socket` knows about every connection.
#include "rapport/app/serve_status.hh"
#include "rapport/app/status_text.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace rapport::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr time_t kPatience = 10;           // seconds for each piece of the document
constexpr size_t kMost = size_t{1} << 28;  // octets of a document

struct Arguments {
  std::string socket = usual_status_socket();
  bool json = false;
  std::vector<std::string> states;
  std::string port, peer;
};

device::Descriptor connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    throw Misuse(fmt::format("'{}' is no name of a socket: 1 to {} octets are allowed", path,
                             sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  device::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Failure(fmt::format("cannot make a socket: {}", reason(errno)));
  const timeval patience{kPatience, 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return fd;
  }
  switch (errno) {
    case ENOENT:
      throw Failure(
          fmt::format("there is no socket '{}': start `rapport serve` with "
                      "--status-socket {}",
                      path, path));
    case ECONNREFUSED:
      throw Failure(
          fmt::format("nobody listens at '{}' any more: the program that made it is gone", path));
    default: throw Failure(fmt::format("cannot connect to '{}': {}", path, reason(errno)));
  }
}

std::string read_all(const device::Descriptor& fd, const std::string& path) {
  std::string text;
  std::array<char, 65536> piece{};
  while (text.size() < kMost) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure(fmt::format("'{}' does not tell: {}", path, reason(errno)));
    if (got == 0) break;
    text.append(piece.data(), static_cast<size_t>(got));
  }
  return text;
}

void check_state(const std::string& word) {
  std::string upper = word;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string all;
  for (int i = 1; i < tcp::kStates; ++i) {
    const std::string_view name = tcp::name(static_cast<tcp::State>(i));
    if (upper == name) return;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  throw Misuse(fmt::format("--state {}: one of {}", word, all));
}

Cidr peer_of(const std::string& text) {
  if (const auto cidr = parse_cidr(text)) return *cidr;
  const auto address = parse_address(text);
  if (!address) {
    throw Misuse(
        fmt::format("--peer {}: an address is needed, with or without a prefix, such as "
                    "10.77.0.1 or 10.77.0.0/24",
                    text));
  }
  return {*address, static_cast<uint8_t>(address->is_v4() ? 32 : 128)};
}

std::string no_status(const std::string& path) {
  return fmt::format("what '{}' tells is no status of a `rapport serve`", path);
}

int status(const Arguments& a) {
  StatusFilter filter;
  for (const std::string& s : a.states) check_state(s);
  filter.states = a.states;
  if (!a.port.empty()) {
    filter.port = static_cast<uint16_t>(whole_number("--port", a.port, 1, UINT16_MAX));
  }
  if (!a.peer.empty()) filter.peer = peer_of(a.peer);
  Json document = Json::parse(read_all(connect_to(a.socket), a.socket), nullptr, false);
  if (!document.is_object() || !document.contains("connections")) {
    throw Failure(no_status(a.socket));
  }
  std::string text;
  try {
    keep_matching(filter, document);
    text = a.json ? document.dump() + "\n" : status_text(document);
  } catch (const Json::exception&) {  // a field that is no number where one belongs, say
    throw Failure(no_status(a.socket));
  }
  fmt::print("{}", text);
  return 0;
}

}  // namespace

void add_status(CLI::App& program, int& result) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand(
      "status",
      "Show every connection of a running `serve --status-socket`: its state, and whose "
      "move it is.");
  verb->add_option("SOCKET", a->socket, "The socket that serve was given")->capture_default_str();
  verb->add_flag("--json", a->json, "The document as it came, in one line (docs/json.md)");
  verb->add_option("--state", a->states, "Only connections in this state; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--port", a->port, "Only connections with this port at either end");
  verb->add_option("--peer", a->peer, "Only connections with this address, or network, beyond");
  verb->callback([a, &result] { result = status(*a); });
}

}  // namespace rapport::app
