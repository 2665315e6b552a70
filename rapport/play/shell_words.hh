// Text of a shell line -> pipelines of commands of words, as a shell would split it. Nothing is
// expanded but $((arithmetic of plain numbers)). Within play/ only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rapport::play {

struct ShellCommand {
  std::vector<std::string> words;    // without quotes
  std::vector<std::string> targets;  // files that output goes to; not /dev/null
};

struct ShellPipeline {
  std::vector<ShellCommand> commands;  // at least one
  bool after_or = false;               // stands behind "||"
  bool odd = false;  // what only a shell can know: variables, "&", input from files, groups
  std::string source;
};

// Split at line ends, ";", "&&" and "||"; remarks are dropped.
[[nodiscard]] std::vector<ShellPipeline> split_shell(std::string_view text);

}  // namespace rapport::play
