// What a profile lets pass.
#include "rapport/play/compare.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/run.hh"
#include "rapport/play/seen.hh"
#include "rapport/wire/tcp.hh"

#include <string>
#include <variant>
#include <vector>

namespace rapport::play {

void Run::excuse(const Packet& p, const Seen& seen, const Flow& /*flow*/, Differences& d,
                 std::vector<Rule>& used) const {
  const auto* tcp = std::get_if<TcpSegment>(&p.body);
  if (tcp == nullptr || seen.kind != Seen::Kind::Tcp) return;
  const auto excused = [&](Field f, Rule r) {
    d.drop(f);
    used.push_back(r);
  };
  if (d.has(Field::OptionOrder) && options_.rules.on(Rule::OptionSet))
    excused(Field::OptionOrder, Rule::OptionSet);
  if (d.has(Field::Window) && options_.rules.on(Rule::Windows) && !tcp->flags.has(wire::kRst)
      && tcp->window.value_or(0) != 0 && seen.tcp.window != 0)
    excused(Field::Window, Rule::Windows);
}

void Run::use(const std::vector<Rule>& used) {
  for (const Rule r : used) verdict_.uses.add(r);
}

bool Run::is_alias(const std::string& /*expected*/, const std::string& /*saw*/) {
  return false;
}

}  // namespace rapport::play
