// Mutants of what calls give (results, errors, outputs) and of what assertions compare.
#include "rapport/play/mutants_call.hh"

#include "rapport/play/code_lexer.hh"
#include "rapport/play/mutants.hh"
#include "rapport/play/place.hh"
#include "rapport/play/print.hh"
#include "rapport/play/script.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

using Class = MutantClass;

bool is_one_of(std::string_view word, std::span<const std::string_view> of) {
  return std::ranges::find(of, word) != of.end();
}

// Their results name a descriptor: any number is as right as another.
bool makes_descriptor(std::string_view call) {
  constexpr auto kCalls = std::to_array<std::string_view>(
      {"socket", "accept", "accept4", "open", "dup", "dup2", "epoll_create", "epoll_create1",
       "timerfd_create", "kqueue"});
  return is_one_of(call, kCalls);
}

Expr integer(int64_t n, Place place) {
  Expr e;
  e.kind = Expr::Kind::Integer;
  e.number = n;
  e.place = place;
  return e;
}

Expr word(std::string text, Place place) {
  Expr e;
  e.kind = Expr::Kind::Word;
  e.text = std::move(text);
  e.place = place;
  return e;
}

// An error that is another one than `error`, and no other name for it.
std::string other_error(std::string_view error) {
  return error == "EBADF" ? "EINVAL" : "EBADF";
}

bool is_error_name(const Expr& e) {
  return e.kind == Expr::Kind::Word && e.text.starts_with('E');
}

// The same value, but wrong; false where nothing is known that is certainly wrong.
bool make_wrong(Expr& value) {
  if (value.kind == Expr::Kind::Integer && value.number != std::numeric_limits<int64_t>::max()) {
    ++value.number;
    return true;
  }
  if (!is_error_name(value)) return false;
  value.text = other_error(value.text);
  return true;
}

class CallMutants {
 public:
  CallMutants(const Event& event, size_t at, std::vector<Mutant>& to)
      : event_(&event), call_(&std::get<Syscall>(event.action)), at_(at), to_(&to) {}

  void all() {
    result();
    if (!call_->error.empty()) {
      Syscall c = *call_;
      c.error = other_error(call_->error);
      add(Class::WrongErrno, c, call_->error_place, c.error + " for " + call_->error);
    }
    outputs();
  }

 private:
  void add(Class kind, Syscall changed, Place place, std::string what) {
    Mutant m{.kind = kind, .at = at_, .event = *event_, .place = place, .what = std::move(what)};
    m.event.action = std::move(changed);
    to_->push_back(std::move(m));
  }

  void result() {
    const Expr& is = call_->result;
    if (is.kind != Expr::Kind::Integer) return;
    Syscall c = *call_;
    if (is.number < 0) {
      c.result = integer(0, is.place);
      c.error.clear();
    } else if (makes_descriptor(call_->name)) {
      c.result = integer(-1, is.place);
      c.error = "EBADF";
    } else if (!make_wrong(c.result)) {
      return;
    }
    const std::string what = print(c.result) + " for " + print(is);
    add(Class::WrongResult, std::move(c), is.place, what);
  }

  // `change` makes an argument wrong, and says whether it did.
  template <typename Change>
  void wrong_argument(size_t i, const Change& change) {
    if (i >= call_->arguments.size()) return;
    Syscall c = *call_;
    const Expr before = c.arguments[i];
    if (!change(c.arguments[i])) return;
    const std::string what = print(c.arguments[i]) + " for " + print(before);
    add(Class::WrongOutput, std::move(c), before.place, what);
  }

  static bool wrong_value(Expr& array) {
    if (array.kind != Expr::Kind::Array || array.items.empty()) return false;
    Expr& first = array.items.front();
    if (first.kind != Expr::Kind::Struct) return make_wrong(first);
    const auto field = std::ranges::find_if(
        first.items, [](const Expr& e) { return e.kind == Expr::Kind::Field; });
    return field != first.items.end() && make_wrong(field->items.front());
  }

  // Field `name` of the first structure becomes `other`, or 0 when it is that already.
  static bool wrong_field(Expr& e, std::string_view name, const std::string& other) {
    Expr* entry = e.kind == Expr::Kind::Array && !e.items.empty() ? &e.items.front() : &e;
    if (entry->kind != Expr::Kind::Struct) return false;
    const auto field = std::ranges::find_if(entry->items, [name](const Expr& x) {
      return x.kind == Expr::Kind::Field && x.text == name;
    });
    if (field == entry->items.end()) return false;
    Expr& value = field->items.front();
    if (value.kind == Expr::Kind::Ellipsis) return false;
    const bool same = value.kind == Expr::Kind::Word && value.text == other;
    value = same ? integer(0, value.place) : word(other, value.place);
    return true;
  }

  void outputs() {
    constexpr auto kAsking = std::to_array<std::string_view>(
        {"FIONREAD", "SIOCINQ", "SIOCOUTQ", "FIONWRITE", "FIONSPACE", "SIOCATMARK", "SIOCOUTQNSD"});
    const std::string& name = call_->name;
    if (call_->result.kind == Expr::Kind::Integer && call_->result.number < 0) return;
    if (name == "getsockopt") wrong_argument(3, wrong_value);
    const bool asks = name == "ioctl" && call_->arguments.size() > 2
                      && is_one_of(call_->arguments[1].text, kAsking);
    if (asks) wrong_argument(2, wrong_value);
    if (name == "poll" || name == "ppoll") {
      wrong_argument(0, [](Expr& e) { return wrong_field(e, "revents", "POLLNVAL"); });
    }
    if (name == "epoll_wait" || name == "epoll_pwait") {
      wrong_argument(1, [](Expr& e) { return wrong_field(e, "events", "EPOLLPRI"); });
    }
    if (name == "recvmsg") {
      wrong_argument(1, [](Expr& e) { return wrong_field(e, "msg_flags", "MSG_OOB"); });
    }
  }

  const Event* event_;
  const Syscall* call_;
  size_t at_;
  std::vector<Mutant>* to_;
};

std::string_view turned(std::string_view op) {
  constexpr auto kTurned = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"==", "!="},
      {"!=", "=="},
      {"<>", "=="},
      {"<", ">="},
      {"<=", ">"},
      {">", "<="},
      {">=", "<"},
  });
  const auto at = std::ranges::find(kTurned, op, [](const auto& p) { return p.first; });
  return at == kTurned.end() ? std::string_view{} : at->second;
}

// One mutant a comparison; what stands in the message of an assertion is not compared.
void add_code_mutants(const Event& event, const CodeBlock& code, size_t at,
                      std::vector<Mutant>& to) {
  CodeLexer lexer(code.text);
  size_t depth = 0;
  bool message = false;
  for (CodeToken t = lexer.next(); t.kind != CodeToken::Kind::End; t = lexer.next()) {
    if (t.kind == CodeToken::Kind::Break) message = false;
    if (t.is("(") || t.is("[")) ++depth;
    if ((t.is(")") || t.is("]")) && depth > 0) --depth;
    message = message || (depth == 0 && t.is(","));
    const std::string_view other = turned(t.text);
    if (message || t.kind != CodeToken::Kind::Operator || other.empty()) continue;
    Mutant m{.kind = Class::WrongAssert,
             .at = at,
             .event = event,
             .place = code.place,
             .what = std::string{other} + " for " + std::string{t.text}};
    std::get<CodeBlock>(m.event.action).text.replace(t.begin, t.text.size(), other);
    to.push_back(std::move(m));
  }
}

}  // namespace

void add_call_mutants(const Event& event, size_t at, std::vector<Mutant>& to) {
  if (event.syscall() != nullptr) CallMutants(event, at, to).all();
  if (const auto* code = std::get_if<CodeBlock>(&event.action)) {
    add_code_mutants(event, *code, at, to);
  }
}

}  // namespace rapport::play
