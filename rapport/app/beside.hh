// `rapport-worlds`, the program beside this one: the same stack built so that rules can be switched
// off (tcp/rules.hh). The verbs that need it are started here and carried out there.
#pragma once

#include <span>
#include <string>

#include <CLI/CLI.hpp>

namespace rapport::app {

// Becomes `rapport-worlds`, from the folder of the running program, with these arguments; does not
// come back. Misuse when it is not there or cannot be started.
[[noreturn]] void become_worlds(std::span<const std::string> arguments);

// The verbs `why` and `explore`: every argument is passed on.
void start_why(CLI::App& program, int& status);
void start_explore(CLI::App& program, int& status);

}  // namespace rapport::app
