// How one program becomes the other.
#include "rapport/app/beside.hh"

#include "rapport/app/verbs.hh"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace rapport::app {

namespace {

void pass_on(CLI::App& program, const std::string& verb, const std::string& about) {
  CLI::App* sub = program.add_subcommand(verb, about);
  sub->set_help_flag();  // --help is answered there
  sub->prefix_command();
  sub->callback([sub, verb] {
    std::vector<std::string> arguments{verb};
    for (const std::string& a : sub->remaining()) arguments.push_back(a);
    become_worlds(arguments);
  });
}

}  // namespace

void become_worlds(std::span<const std::string> arguments) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw Misuse("the folder of this program is not known: " + error.message());
  const std::string there = self.parent_path() / "rapport-worlds";
  std::string name = "rapport";
  std::vector<std::string> copies(arguments.begin(), arguments.end());
  std::vector<char*> argv{name.data()};
  for (std::string& a : copies) argv.push_back(a.data());
  argv.push_back(nullptr);
  execv(there.c_str(), argv.data());
  throw Misuse(
      fmt::format("{}: {}; it belongs beside rapport: build it "
                  "(scripts/build release rapport-worlds) or install both",
                  there, std::strerror(errno)));
}

void start_why(CLI::App& program, int& /*status*/) {
  pass_on(program, "why", "Why a rule of TCP is there: what happens without it.");
}

void start_explore(CLI::App& program, int& /*status*/) {
  pass_on(program, "explore", "Every interleaving of a few faults, or the shortest way to harm.");
}

}  // namespace rapport::app
