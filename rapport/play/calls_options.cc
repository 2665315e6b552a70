// Calls about options, and those that wait for several sockets.
#include "rapport/play/calls.hh"
#include "rapport/play/calls_work.hh"
#include "rapport/play/script.hh"
#include "rapport/play/words.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rapport::play {

namespace {

using posix::Result;

template <class T>
std::vector<uint8_t> octets_of(const T& value) {
  std::vector<uint8_t> out(sizeof value);
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

int64_t field_of(const Expr& e, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto v = stated(e.field(name))) return *v;
  }
  throw Unsupported("the structure " + text_of(e));
}

// The value of an option as octets.
std::vector<uint8_t> option_value(const Expr& e, int option) {
  const Expr& v = pointed_to(e);
  if (v.kind == Expr::Kind::String) return {v.text.begin(), v.text.end()};
  if (v.kind == Expr::Kind::Null) return {};
  if (v.kind != Expr::Kind::Struct) return octets_of(static_cast<int32_t>(value_of(v)));
  if (option == posix::kSoLinger) {
    return octets_of(posix::Linger{static_cast<int32_t>(field_of(v, {"onoff", "l_onoff"})),
                                   static_cast<int32_t>(field_of(v, {"linger", "l_linger"}))});
  }
  return octets_of(
      posix::TimeValue{field_of(v, {"tv_sec", "sec"}), field_of(v, {"tv_usec", "usec"})});
}

std::string told(std::span<const uint8_t> octets, int level, int option) {
  if (octets.size() != sizeof(int32_t)) return std::to_string(octets.size()) + " octets";
  int32_t value = 0;
  std::memcpy(&value, octets.data(), sizeof value);
  const bool error = level == posix::kSolSocket && option == posix::kSoError && value != 0;
  return "[" + (error ? errno_text(value) : std::to_string(value)) + "]";
}

const Expr& events_of(const Expr& e) {
  const Expr& v = pointed_to(e);
  if (v.kind != Expr::Kind::Struct) throw Unsupported("the event " + text_of(e));
  return v;
}

std::string bits(int64_t v) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), digits[v & 15]);
    v >>= 4;
  } while (v != 0);
  return "0x" + out;
}

}  // namespace

Result Calls::do_setsockopt(Work& w) {
  w.fd = descriptor(w, 0);
  const int level = static_cast<int>(value_of(w.argument(1)));
  const int option = static_cast<int>(value_of(w.argument(2)));
  if (level == posix::kSolSocket && (option == posix::kSoSndbuf || option == posix::kSoRcvbuf)) {
    const int64_t most = option == posix::kSoSndbuf ? limits_.send : limits_.receive;
    if (value_of(pointed_to(w.argument(3))) > most)
      throw Unsupported("a buffer above the limit of " + std::to_string(most));
  }
  return sockets_.setsockopt(w.fd, level, option,
                             std::span<const uint8_t>(option_value(w.argument(3), option)));
}

Result Calls::do_getsockopt(Work& w) {
  w.fd = descriptor(w, 0);
  const int level = static_cast<int>(value_of(w.argument(1)));
  const int option = static_cast<int>(value_of(w.argument(2)));
  const Expr& out = pointed_to(w.argument(3));
  std::array<uint8_t, 256> value{};
  uint32_t length = value.size();
  const Result r = sockets_.getsockopt(w.fd, level, option, value, length);
  if (r.error != 0 || out.kind == Expr::Kind::Ellipsis) return r;
  const auto wanted = option_value(out, option);
  const std::span seen = std::span(value).first(std::min<size_t>(length, value.size()));
  if (std::ranges::equal(wanted, seen)) return r;
  w.check = [saw = told(seen, level, option)](const Result&) { return saw; };
  return r;
}

Result Calls::do_poll(Work& w) {
  const Expr& list = w.argument(0);
  if (list.kind != Expr::Kind::Array) throw Unsupported("the list " + text_of(list));
  for (const Expr& item : list.items) {
    posix::PollEntry entry;
    entry.fd = live(field_of(item, {"fd"}));
    entry.events = static_cast<int16_t>(field_of(item, {"events"}));
    w.polls.push_back(entry);
  }
  w.check = [&w, &list](const Result&) -> std::string {
    for (size_t i = 0; i < w.polls.size(); ++i) {
      const auto wanted = stated(list.items[i].field("revents"));
      if (wanted && *wanted != w.polls[i].revents)
        return "revents=" + bits(w.polls[i].revents) + " of entry " + std::to_string(i);
    }
    return {};
  };
  return sockets_.poll(w.polls, static_cast<int>(value_of(w.argument(2))));
}

Result Calls::do_epoll_create(Work& w) {
  w.makes_descriptor = true;
  const bool flags = w.call->name == "epoll_create1";
  return sockets_.epoll_create1(flags ? static_cast<int>(value_of(w.argument(0))) : 0);
}

Result Calls::do_epoll_ctl(Work& w) {
  w.fd = descriptor(w, 0);
  const int op = static_cast<int>(value_of(w.argument(1)));
  const int target = descriptor(w, 2);
  if (op == posix::kEpollCtlDel) return sockets_.epoll_ctl(w.fd, op, target, nullptr);
  const Expr& e = events_of(w.argument(3));
  posix::EpollEvent event;
  event.events = static_cast<uint32_t>(field_of(e, {"events"}));
  event.data = static_cast<uint64_t>(field_of(e, {"fd", "u32", "u64", "ptr"}));
  return sockets_.epoll_ctl(w.fd, op, target, &event);
}

Result Calls::do_epoll_wait(Work& w) {
  w.fd = descriptor(w, 0);
  const Expr& list = w.argument(1);
  const auto most = static_cast<size_t>(std::clamp<int64_t>(value_of(w.argument(2)), 0, 1024));
  w.events.resize(most);
  w.check = [&w, &list](const Result& r) -> std::string {
    if (list.kind == Expr::Kind::Ellipsis) return {};
    const std::span<const Expr> wanted =
        list.kind == Expr::Kind::Array ? std::span(list.items) : std::span(&list, 1);
    for (size_t i = 0; i < wanted.size() && i < w.events.size(); ++i) {
      const auto events = static_cast<uint32_t>(field_of(wanted[i], {"events"}));
      const auto data = static_cast<uint64_t>(field_of(wanted[i], {"fd", "u32", "u64", "ptr"}));
      // Behind what the call has put out there are no events.
      const bool given = i < static_cast<size_t>(r.value);
      if (events != w.events[i].events || (given && data != w.events[i].data))
        return "{events=" + bits(w.events[i].events) + ", fd=" + std::to_string(w.events[i].data)
               + "}";
    }
    return {};
  };
  return sockets_.epoll_wait(w.fd, w.events, static_cast<int>(value_of(w.argument(3))));
}

}  // namespace rapport::play
