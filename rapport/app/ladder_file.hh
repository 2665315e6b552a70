// Reading what `rapport ladder` draws: captures through libpcap, or the lines of `demo --json`. It
// owns the file; what the packets mean is decided in observe/.
#pragma once

#include "rapport/observe/capture.hh"

#include <cstdio>
#include <memory>
#include <string>

namespace rapport::app {

struct CloseFile {
  void operator()(std::FILE* f) const noexcept { (void)std::fclose(f); }
};

using File = std::unique_ptr<std::FILE, CloseFile>;

// "-" is standard input. Misuse when it cannot be opened.
[[nodiscard]] File open_input(const std::string& path);

// The first octet is that of a line of JSON. The file stays at its beginning.
[[nodiscard]] bool holds_json(std::FILE* file);

// All packets of a capture into `capture`. Returns what is wrong with the file behind the last
// packet that could be read, empty for nothing; Misuse when it is no capture or its link layer is
// not known. `name`: for messages.
[[nodiscard]] std::string read_capture(File file, const std::string& name,
                                       observe::Capture& capture);

}  // namespace rapport::app
