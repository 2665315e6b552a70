// Files of scripts: which ones are meant, and their texts. Nothing is read but what was named, and
// what ends in .pkt in folders that were named.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

namespace rapport::app {

// Files as named; of folders all .pkt files in them, sorted. Misuse for what is not there, and for
// a folder without one.
[[nodiscard]] std::vector<std::string> script_files(std::span<const std::string> named);

// The whole file, in a string of its size; of one that is larger than a script may be an octet more
// than that. The error: why it cannot be read.
[[nodiscard]] std::expected<std::string, std::string> read_script(const std::string& path);

}  // namespace rapport::app
