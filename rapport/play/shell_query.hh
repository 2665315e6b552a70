// Questions about the state of sockets: `sockstat -s | grep -c ESTABLISHED | grep 1`. Within play/
// only.
#pragma once

#include "rapport/play/shell.hh"
#include "rapport/play/shell_words.hh"

#include <optional>
#include <string_view>

namespace rapport::play {

// Whether the command lists sockets.
[[nodiscard]] bool is_query(std::string_view command);

// nullopt: a filter that is not understood.
[[nodiscard]] std::optional<Query> translate_query(const ShellPipeline& pipeline);

}  // namespace rapport::play
