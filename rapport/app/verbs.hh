// Verbs: what the `rapport` program can do, one file per verb. A verb adds its subcommand with
// options and a callback that does the work; main.cc lists the verbs, program.cc runs one of them.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace rapport::app {

struct Verb {
  std::string_view name;
  // Adds the subcommand to `program`. The callback sets `status`, the exit status (0 at first).
  void (*add)(CLI::App& program, int& status);
};

void add_demo(CLI::App& program, int& status);
void add_ladder(CLI::App& program, int& status);
void add_fetch(CLI::App& program, int& status);
void add_serve(CLI::App& program, int& status);
void add_connect(CLI::App& program, int& status);
void add_listen(CLI::App& program, int& status);
void add_status(CLI::App& program, int& status);
void add_play(CLI::App& program, int& status);
void add_sim(CLI::App& program, int& status);
void add_replay(CLI::App& program, int& status);

// Thrown by a verb that cannot be carried out as asked: a value out of bounds, a missing folder, no
// permission. `what()` is the one line that the user reads: what is wrong and what is allowed, or
// how to mend it. The exit status is 2.
class Misuse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by a verb that was carried out, but without success: no such host, refused, timed out. The
// exit status is 1; else as Misuse.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Parses the arguments, runs the verb, prints help, version and errors. Returns the exit status.
int run(std::span<const Verb> verbs, int argc, const char* const* argv);

// What the system says of an errno: "No such file or directory".
[[nodiscard]] std::string reason(int code);

// "40" -> 40. Misuse, which names `option` and the bounds, for anything but a whole number in them.
[[nodiscard]] uint64_t whole_number(std::string_view option, const std::string& text,
                                    uint64_t least, uint64_t greatest);
// "0.25" or "25%" -> 250000 parts per million. Misuse for anything but a probability.
[[nodiscard]] uint32_t parts_per_million(std::string_view option, const std::string& text);

}  // namespace rapport::app
