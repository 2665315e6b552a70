// Files of scripts: which ones are meant, and their texts. Nothing is read but what was named, and
// what ends in .pkt in folders that were named.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace rapport::app {

// Files as named; of folders all .pkt files in them, sorted. Misuse for what is not there, and for
// a folder without one.
[[nodiscard]] std::vector<std::string> script_files(std::span<const std::string> named);

// The whole file. Misuse when it cannot be read or is larger than a script may be.
[[nodiscard]] std::string read_script(const std::string& path);

}  // namespace rapport::app
