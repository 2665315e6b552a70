// One question and one answer, each a line of words, over a connection of its own: all that the
// store knows of the network. Nothing here knows whether it is simulated.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"

#include <expected>
#include <string>
#include <vector>

namespace kv {

using Words = std::vector<std::string>;

// "a b c" -> {"a", "b", "c"}.
Words split(const std::string& line);
// Digits; 0 for anything else.
uint64_t number(const std::string& word);

// A line without its end. Errors: those of the stream; Reset when it ends early or is too long.
rapport::coroutine::Task<std::expected<std::string, rapport::Error>> read_line(
    rapport::coroutine::Stream& stream);
rapport::coroutine::Task<std::expected<void, rapport::Error>> write_line(
    rapport::coroutine::Stream& stream, std::string line);

// Connects, asks and reads the answer, all in `limit`.
rapport::coroutine::Task<std::expected<std::string, rapport::Error>> ask(
    rapport::coroutine::Host& host, rapport::Endpoint whom, std::string question,
    rapport::Duration limit);

}  // namespace kv
