// Fuzzes the language of packet scripts: any text is parsed within its bounds or refused with a
// place within it; what was understood is printed and parsed again to the same tree; the shell
// lines, code blocks and mutants of it are made without harm.
#include "rapport/play/script.hh"

#include "rapport/base/assert.hh"
#include "rapport/play/code.hh"
#include "rapport/play/mutants.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/print.hh"
#include "rapport/play/shell.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace rapport::play {
namespace {

void try_pieces(const Script& script) {
  const NameLookup lookup = [](std::string_view name) { return static_cast<int64_t>(name.size()); };
  for (const Event& event : script.events) {
    if (const auto* shell = std::get_if<ShellLine>(&event.action)) {
      (void)translate_shell(shell->text);
    }
    if (const auto* code = std::get_if<CodeBlock>(&event.action)) {
      (void)evaluate_code(code->text, lookup, code->place);
    }
  }
}

void try_mutants(const Script& script) {
  constexpr size_t kMostEvents = 8;
  if (script.events.size() > kMostEvents) return;
  for (const Mutant& mutant : mutants(script)) ASSERT(mutated(script, mutant) != script);
}

void try_script(std::string_view text) {
  const std::array<Define, 1> defines{{{"STANDARD", ""}}};
  const auto script = parse(text, {.defines = defines});
  ASSERT(variants(text).size() <= 2);
  if (!script) {
    const auto lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
    ASSERT(script.error().place.line >= 1 && script.error().place.line <= lines);
    ASSERT(!script.error().expected.empty() && !script.error().found.empty());
    return;
  }
  ASSERT(!script->events.empty());
  try_pieces(*script);
  try_mutants(*script);
  // Values of defined words are in the tree, and would be replaced once more.
  if (script->option("define") != nullptr) return;
  auto again = parse(print(*script));
  ASSERT(again.has_value());
  again->dialect = script->dialect;  // conditional text tells it, and is not printed
  ASSERT(*again == *script);
}

}  // namespace
}  // namespace rapport::play

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::play::try_script({reinterpret_cast<const char*>(data), size});
  return 0;
}
