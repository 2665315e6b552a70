// What `rapport-worlds` can do.
#pragma once

#include <CLI/CLI.hpp>

namespace rapport::app {

void add_rules(CLI::App& program, int& status);
void add_why(CLI::App& program, int& status);
void add_explore(CLI::App& program, int& status);

}  // namespace rapport::app
