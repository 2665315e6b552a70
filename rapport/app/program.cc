// Running a verb: CLI11 parses; whatever is wrong becomes one line on standard error and status 2,
// or 1 when it went wrong under way.
#include "rapport/app/verbs.hh"
#include "rapport/app/version.hh"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <fmt/format.h>

namespace rapport::app {

namespace {

constexpr int kFailure = 1;
constexpr int kMisuse = 2;

int refuse(const CLI::App& program, std::string line, int status = kMisuse) {
  std::ranges::replace(line, '\n', ' ');
  std::string verb = program.get_name();
  for (const CLI::App* sub : program.get_subcommands()) verb += " " + sub->get_name();
  fmt::print(stderr, "{}: {}\n", verb, line);
  return status;
}

std::string names(std::span<const Verb> verbs) {
  std::string out;
  for (const Verb& v : verbs) out += (out.empty() ? "" : ", ") + std::string(v.name);
  return out;
}

// "--tls: 2 values are needed: CERT KEY" for an option that stands there without them; of any
// other error what CLI11 says.
std::string words_of(const CLI::App& program, const CLI::ParseError& e) {
  std::string said = e.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&e) == nullptr) return said;
  const CLI::Option* option = nullptr;
  for (const CLI::App* sub : program.get_subcommands()) {
    if (option == nullptr) option = sub->get_option_no_throw(said.substr(0, said.find(':')));
  }
  if (option == nullptr) return said;
  const int needed = option->get_expected_min();
  if (option->count() > static_cast<size_t>(option->get_expected_max()))
    return fmt::format("{}: given more than once", option->get_name());
  if (needed == 1) return fmt::format("{}: a value is needed", option->get_name());
  return fmt::format("{}: {} values are needed: {}", option->get_name(), needed,
                     option->get_type_name());
}

// What is wrong, and what to do about it.
std::string advice(const CLI::App& program, const CLI::ParseError& e, std::span<const Verb> verbs) {
  const bool verb_chosen = !program.get_subcommands().empty();
  if (!verb_chosen && dynamic_cast<const CLI::RequiredError*>(&e) != nullptr)
    return fmt::format("say what to do, one of: {} (rapport --help)", names(verbs));
  std::string help = "rapport";
  for (const CLI::App* sub : program.get_subcommands()) help += " " + sub->get_name();
  return fmt::format("{} (see {} --help)", words_of(program, e), help);
}

// The first argument is a word, but no verb.
bool is_unknown_verb(std::span<const Verb> verbs, std::string_view word) {
  return !word.starts_with('-') && std::ranges::find(verbs, word, &Verb::name) == verbs.end();
}

// Digits with at most one point, as parts per million of one; nothing for anything else, or for
// more digits than can be counted.
std::optional<uint64_t> millionths(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string digits(whole);
  std::string_view fraction;
  if (point != std::string_view::npos) fraction = text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (whole.size() > 3 || fraction.size() > 6) return std::nullopt;
  digits += fraction;
  digits.append(6 - fraction.size(), '0');
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// What was printed has got to where standard output leads; else that is told, and status 1.
int end_of_output(const CLI::App& program, int status) {
  errno = 0;
  const bool was_lost = std::ferror(stdout) != 0;
  const bool is_flushed = std::fflush(stdout) == 0 && std::cout.flush().good();
  if (!was_lost && is_flushed) return status;
  const std::string why = errno == 0 ? "not all of it could be written" : reason(errno);
  return refuse(program, "standard output: " + why, kFailure);
}

}  // namespace

int run(std::span<const Verb> verbs, int argc, const char* const* argv) {
  CLI::App program("A TCP/IP stack that lives in your program: see it at work.", "rapport");
  program.set_version_flag("--version", "rapport " + std::string(kVersion));
  program.require_subcommand(1);
  int status = 0;
  for (const Verb& v : verbs) v.add(program, status);
  if (argc > 1 && is_unknown_verb(verbs, argv[1])) {
    return refuse(program,
                  fmt::format("there is no verb \"{}\"; there are: {}", argv[1], names(verbs)));
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& e) {  // help or version was asked for
    status = program.exit(e);
  } catch (const CLI::ParseError& e) {
    return refuse(program, advice(program, e, verbs));
  } catch (const Misuse& e) {
    return refuse(program, e.what());
  } catch (const Failure& e) {
    return refuse(program, e.what(), kFailure);
  } catch (const std::system_error& e) {  // as fmt::print throws
    return refuse(program, e.code().message(), kFailure);
  }
  return end_of_output(program, status);
}

std::string reason(int code) {
  return std::system_category().message(code);
}

uint64_t whole_number(std::string_view option, const std::string& text, uint64_t least,
                      uint64_t greatest) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least
      || value > greatest) {
    throw Misuse(fmt::format("{} {}: a whole number from {} to {} is allowed", option, text, least,
                             greatest));
  }
  return value;
}

uint32_t parts_per_million(std::string_view option, const std::string& text) {
  const bool percent = text.ends_with('%');
  auto value = millionths(percent ? text.substr(0, text.size() - 1) : text);
  if (value && percent) value = *value / 100;
  if (!value || *value > 1'000'000) {
    throw Misuse(fmt::format("{} {}: a probability from 0 to 1 is allowed, such as 0.05 or 5%",
                             option, text));
  }
  return static_cast<uint32_t>(*value);
}

}  // namespace rapport::app
