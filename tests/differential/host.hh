// Host: the side under test as one sequence sees it: the kernel or a Stack of ours, with one
// application above it. What is answered to calls is said in the same few words by both.
#pragma once

#include "rapport/base/address.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace rapport::differential {

// Who talks to whom in one sequence; each has a peer of its own.
struct Ends {
  Endpoint local, remote;
};

class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  // A packet for it has come.
  virtual void packet(std::span<const uint8_t> octets) = 0;
  // One of the calls of the language. "ok", "none" (nothing to accept), "sent 5", "later" (it would
  // block), "read 5", "read 5 eof", "read 0 error", or "error".
  std::string call(const std::string& what, uint32_t number);
  // Of the connection between the ends, "CLOSED" when nobody lives there.
  virtual std::string state() = 0;
  // Octets in order that the application has not read; 0 without a connection.
  virtual uint32_t unread() = 0;

 private:
  // "listen", "connect" or "accept".
  virtual std::string opens(const std::string& what) = 0;
  virtual std::string sends(uint32_t octets, bool urgent) = 0;
  virtual std::string reads() = 0;
  // What the application would be told has gone wrong.
  virtual std::string error() = 0;
  // "nodelay" or "keepalive", with its seconds.
  virtual void sets_option(const std::string& what, uint32_t number) = 0;
  // "shutdown", "close", "abort", or the listener's end.
  virtual std::string closes(const std::string& what) = 0;
};

// Octets in words. How many fit before a window is closed depends on what a buffer's memory is
// counted as: so many are only "much".
inline constexpr uint32_t kMuch = 30000;

[[nodiscard]] inline std::string in_words(uint64_t octets) {
  return octets < kMuch ? std::to_string(octets) : "much";
}

// Settings that both sides are given.
inline constexpr uint32_t kReceiveBuffer = 32768;
inline constexpr uint16_t kMtu = 1500;

}  // namespace rapport::differential
