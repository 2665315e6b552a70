// docs/scripts.md tells the truth: its examples parse, each command of its tables is known, and
// what it says about the dialects holds. And every script of tests/scripts is printed and read
// again.
#include "rapport/play/code.hh"
#include "rapport/play/mutants.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/print.hh"
#include "rapport/play/script.hh"
#include "rapport/play/shell.hh"
#include "tests/unit/play/examples.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in.good()) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string document() {
  return contents(std::filesystem::path(SCRIPTS_ROOT) / "docs/scripts.md");
}

// What stands between two marks, each time.
std::vector<std::string> between(std::string_view text, std::string_view open,
                                 std::string_view close) {
  std::vector<std::string> out;
  for (size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at)) {
    at += open.size();
    const size_t end = text.find(close, at);
    out.emplace_back(text.substr(at, end - at));
    at = end + close.size();
  }
  return out;
}

void expect_known(const Event& event) {
  if (const auto* shell = std::get_if<ShellLine>(&event.action)) {
    for (const ShellAction& a : translate_shell(shell->text)) {
      EXPECT_FALSE(std::holds_alternative<Unknown>(a)) << shell->text;
    }
  }
  if (const auto* code = std::get_if<CodeBlock>(&event.action)) {
    const auto zero = [](std::string_view) -> std::optional<int64_t> { return 0; };
    EXPECT_NE(evaluate_code(code->text, zero).verdict, CodeResult::Verdict::Unsupported);
  }
}

TEST(PlayDocs, ExamplesParse) {
  const auto examples = between(document(), "```packetdrill\n", "```\n");
  EXPECT_GE(examples.size(), 8U);
  for (const std::string& text : examples) {
    for (const std::string_view variant : variants(text)) {
      const std::array<Define, 1> defined{{{std::string{variant}, ""}}};
      const Script script = parsed(text, {.defines = defined});
      for (const Event& e : script.events) expect_known(e);
    }
  }
}

// The names in the first columns of the table behind `heading`.
std::vector<std::string> variables(std::string_view text, std::string_view heading) {
  text.remove_prefix(text.find(heading));
  text.remove_prefix(text.find("|---|---|\n") + 10);
  std::vector<std::string> out;
  while (text.starts_with("|")) {
    const std::string_view row = text.substr(0, text.find('\n'));
    for (const std::string& name : between(row.substr(0, row.find('|', 1)), "`", "`")) {
      out.push_back(name);
    }
    text.remove_prefix(row.size() + 1);
  }
  return out;
}

void expect_settings(std::string_view prefix, const std::vector<std::string>& names) {
  EXPECT_GT(names.size(), 20U);
  for (const std::string& name : names) {
    const bool three = name == "tcp_rmem" || name == "tcp_wmem";
    const auto actions =
        translate_shell("sysctl " + std::string{prefix} + name + (three ? "='1 2 3'" : "=1"));
    ASSERT_FALSE(actions.empty()) << name;
    for (const ShellAction& a : actions) {
      EXPECT_TRUE(std::holds_alternative<Setting>(a)) << name;
    }
  }
}

TEST(PlayDocs, VariablesOfTheTablesAreSettings) {
  const std::string text = document();
  expect_settings("net.inet.tcp.", variables(text, "System variables of FreeBSD"));
  expect_settings("net.ipv4.", variables(text, "System variables of Linux"));
}

TEST(PlayDocs, BoundsAreThoseOfTheParser) {
  const std::string text = document();
  EXPECT_TRUE(text.contains("1 MiB, 20,000 events and 32 levels"));
  EXPECT_EQ(kMaxScriptBytes, size_t{1} << 20);
  EXPECT_EQ(kMaxEvents, 20'000U);
  EXPECT_EQ(kMaxDepth, 32U);
}

TEST(PlayDocs, EveryScriptIsPrintedAndReadAgain) {
  const auto folder = std::filesystem::path(SCRIPTS_ROOT) / "tests/scripts";
  size_t scripts = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".pkt") continue;
    ++scripts;
    const Script script = parsed(contents(entry.path()), {.file = entry.path().native()});
    if (script.option("define") != nullptr) continue;
    EXPECT_EQ(parsed(print(script), {.dialect = script.dialect}), script) << entry.path();
    for (const Mutant& m : mutants(script)) {
      EXPECT_NE(mutated(script, m), script) << entry.path() << ": " << m.what;
    }
  }
  EXPECT_GT(scripts, 200U);
}

}  // namespace

}  // namespace rapport::play
