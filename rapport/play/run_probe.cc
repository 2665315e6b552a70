// Questions about the state: assertions, and shell lines that count sockets.
#include "rapport/play/code.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/run.hh"
#include "rapport/play/script.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/shell.hh"
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/tcp_info.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace rapport::play {

bool Run::run_code(const CodeBlock& code) {
  const auto result =
      evaluate_code(code.text, [this](std::string_view name) { return member(name); }, code.place);
  if (result.verdict == CodeResult::Verdict::Holds) return true;
  if (result.verdict == CodeResult::Verdict::Unsupported)
    return skip(result.place, "in code, " + result.text);
  return fail(result.place, "the assertion to hold", result.text);
}

bool Run::run_shell(const ShellLine& line) {
  for (const ShellAction& action : translate_shell(line.text)) {
    if (const auto* unknown = std::get_if<Unknown>(&action))
      return skip(line.place, "the shell line `" + unknown->command + "`");
    if (const auto* setting = std::get_if<Setting>(&action)) {
      const bool in_force = std::ranges::any_of(setup_.settings, [setting](const Setting& s) {
        return s.name == setting->name && s.value == setting->value && s.word == setting->word;
      });
      if (begun_ && !over_ && !in_force)
        return skip(line.place, "the setting " + setting->source + " on the way");
    }
    const auto* query = std::get_if<Query>(&action);
    if (query == nullptr) continue;
    const int64_t count = count_sockets(query->state);
    if (query->at_least ? count >= query->count : count == query->count) continue;
    return fail(line.place,
                std::to_string(query->count) + (query->at_least ? " or more" : "") + " sockets in "
                    + query->state,
                std::to_string(count));
  }
  return true;
}

int64_t Run::count_sockets(const std::string& state) {
  const auto words = [](tcp::State s) {
    std::string out(tcp::name(s));
    std::ranges::replace(out, '-', '_');
    return out;
  };
  const auto listeners = int64_t{host_.stack().population().listeners};
  int64_t count = state == "LISTEN" ? listeners : 0;
  for (const Flow& f : flows_) {
    const tcp::State s = host_.stack().state_of(f.local, f.remote);
    if (s != tcp::State::Closed && words(s) == state) ++count;
  }
  return count;
}

std::optional<int64_t> Run::member(std::string_view name) {
  if (!name.starts_with("tcpi_")) return posix::find_constant(name);
  const auto dialect =
      script_.dialect == Dialect::F ? posix::InfoDialect::FreeBsd : posix::InfoDialect::Linux;
  const auto status = host_.stack().command(tcp::GetStatus{calls_.connection()}, host_.now());
  if (status) return posix::tcp_info_field(posix::tcp_info_of(*status), name, dialect);
  // Half-open, in TIME-WAIT or gone: nothing is known but the state.
  if (name != "tcpi_state") return std::nullopt;
  tcp::Status state;
  state.state = host_.stack().state_of(flows_.back().local, flows_.back().remote);
  return posix::tcp_info_field(posix::tcp_info_of(state), name, dialect);
}

}  // namespace rapport::play
