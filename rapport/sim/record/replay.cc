// Asking again. A host here: a pool of as many buffers, a ballast that holds those that others held
// then, and octets that were lent to the stack until it gives them back.
#include "rapport/sim/record/replay.hh"

#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/answers.hh"
#include "rapport/sim/record/put.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/record/words.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::sim {

namespace {

constexpr uint32_t kTraceRecords = 1U << 14;
constexpr uint8_t kSnap = 32;
constexpr size_t kLargestRead = size_t{32} << 20;  // twice what a stack can hold for one reader

}  // namespace

struct Replay::Host {
  struct Lent {
    uint64_t token;
    std::vector<uint8_t> octets;
  };

  explicit Host(ReadHost&& read)
      : name(std::move(read.about.name)),
        gathered(read.about.trace_records > 0),
        pool(read.frames, read.buffer_size) {
    read.config.release = &release;
    read.config.release_context = this;
    stack = std::make_unique<stack::Stack>(read.config, pool);
    stack->trace().enable(std::max(read.about.trace_records, kTraceRecords));
    stack->trace().set_snap_length(gathered ? read.about.snap_length : kSnap);
  }

  ~Host() { end(); }

  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void end() {
    stack.reset();
    ballast.clear();
    burst.clear();
    lent.clear();
  }

  static void release(void* context, uint64_t token) {
    auto& all = static_cast<Host*>(context)->lent;
    const auto found = std::ranges::find(all, token, &Lent::token);
    if (found != all.end()) all.erase(found);
  }

  // Whether the pool can have so many buffers left, and then has.
  [[nodiscard]] bool leave(uint64_t available) {
    while (pool.available() < available && !ballast.empty()) ballast.pop_back();
    while (pool.available() > available) ballast.push_back(pool.allocate(0));
    return pool.available() == available;
  }

  // A buffer for an arriving packet.
  [[nodiscard]] Frame allocate(const ReadAsked::Packet& packet) {
    if (packet.own) return packet.octets.size() > pool.buffer_size() ? Frame{} : pool.allocate(0);
    return outside->allocate(0);
  }

  // Buffers of others, for a burst.
  void prepare_outside(const std::vector<ReadAsked::Packet>& packets) {
    size_t longest = 1;
    for (const auto& p : packets) longest = std::max(longest, p.octets.size());
    const auto count = static_cast<uint32_t>(packets.size());
    if (outside && outside->available() >= count && outside->buffer_size() >= longest) return;
    outside = std::make_unique<FramePool>(count, static_cast<uint32_t>(longest));
  }

  std::string name;
  bool gathered;                       // its trace was read at times that the file tells
  FramePool pool;                      // the next ones go before it
  std::unique_ptr<FramePool> outside;  // for packets that came in buffers of others
  std::list<Lent> lent;
  std::vector<Frame> ballast, burst;
  std::unique_ptr<stack::Stack> stack;
  std::vector<HostRecord> waiting;  // trace, not yet gathered
};

Replay::Replay(Reader reader, const Keeping& keeping)
    : reader_(std::move(reader)), keeping_(keeping) {}

Replay::~Replay() = default;

std::vector<std::string> Replay::hosts() const {
  std::vector<std::string> names;
  for (const auto& h : hosts_) names.push_back(h ? h->name : std::string());
  return names;
}

Replay::Host* Replay::host(uint32_t h) {
  return h < hosts_.size() && hosts_[h] && hosts_[h]->stack ? hosts_[h].get() : nullptr;
}

bool Replay::spoil(std::string what) {
  fault_ = {reader_.at(), std::move(what)};
  state_ = State::Damaged;
  return false;
}

bool Replay::diverge(const ReadAsked& asked, std::string recorded, std::string came) {
  divergence_ = {moment_.input,      asked.host,          asked.at,
                 asked_words(asked), std::move(recorded), std::move(came)};
  state_ = State::Diverged;
  return false;
}

Replay::State Replay::next() {
  if (state_ != State::Going) return state_;
  moment_.records.clear();
  moment_.packets.clear();
  moment_.frames = moment_.events = 0;
  if (moment_.input == 0 && !ahead_ && !read_on() && !ahead_) return state_;
  if (!ahead_) return state_;
  ReadAsked asked = std::move(*ahead_);
  ahead_.reset();
  bind(asked);
  ++moment_.input;
  moment_.host = asked.host;
  moment_.at = asked.at;
  moment_.asked = asked_words(asked);
  moment_.answer.clear();
  if (!carry_out(asked)) return state_;
  (void)read_on();
  return State::Going;  // what ended it shows at the next call, after this input has been told of
}

bool Replay::read_on() {
  while (state_ == State::Going) {
    auto record = reader_.next();
    if (!record) {
      fault_ = std::move(record.error());
      state_ = fault_.cut ? State::Cut : State::Damaged;
      return false;
    }
    if (auto* asked = std::get_if<ReadAsked>(&*record); asked != nullptr && asked->is_input()) {
      ahead_ = std::move(*asked);
      return true;
    }
    if (!take(*record)) return false;
  }
  return false;
}

bool Replay::take(ReadRecord& record) {
  return std::visit(
      [&]<class T>(T& r) {
        if constexpr (std::is_same_v<T, ReadHost>) {
          begin(std::move(r));
        } else if constexpr (std::is_same_v<T, ReadAsked>) {
          return carry_out(r);
        } else if constexpr (std::is_same_v<T, ReadAnswer>) {
          return spoil("an answer to nothing");
        } else if constexpr (std::is_same_v<T, ReadWire>) {
          gathers_ = true;
          wires_.push_back(r.wire);
        } else if constexpr (std::is_same_v<T, ReadFate>) {
          if (r.index >= wires_.size()) return spoil("a fate of no frame");
          wires_[r.index].fate = r.fate;
        } else if constexpr (std::is_same_v<T, ReadGathered>) {
          if (host(r.host) == nullptr) return spoil("the trace of no host");
          auto& waiting = hosts_[r.host]->waiting;
          for (HostRecord& each : waiting) {
            each.order = order_++;
            if (keeping_.records) records_.push_back(each);
          }
          waiting.clear();
        } else if constexpr (std::is_same_v<T, Recording::Note>) {
          notes_.push_back({r, order_});
        } else if constexpr (std::is_same_v<T, ReadLadder>) {
          ladders_.emplace_back(r.left, r.right);
        } else if constexpr (std::is_same_v<T, ReadGone>) {
          if (host(r.host) == nullptr) return spoil("no such host ends");
          hosts_[r.host]->end();
        } else {
          state_ = State::Finished;
          return false;
        }
        return true;
      },
      record);
}

void Replay::gather() {
  const auto begin = static_cast<std::ptrdiff_t>(records_.size());
  for (const auto& h : hosts_) {
    if (!h) continue;
    if (keeping_.records) records_.insert(records_.end(), h->waiting.begin(), h->waiting.end());
    h->waiting.clear();
  }
  const auto since = std::ranges::subrange(records_.begin() + begin, records_.end());
  std::ranges::sort(since, {}, &HostRecord::order);
  for (HostRecord& each : since) each.order = order_++;
}

void Replay::begin(ReadHost&& read) {
  const uint32_t h = read.host;
  if (hosts_.size() <= h) hosts_.resize(h + 1);
  hosts_[h].reset();
  hosts_[h] = std::make_unique<Host>(std::move(read));
  gathers_ = gathers_ || hosts_[h]->gathered;
}

bool Replay::make_burst(Host& h, const ReadAsked& asked) {
  const auto own = static_cast<uint64_t>(
      std::ranges::count_if(asked.packets, [](const auto& p) { return p.own; }));
  h.prepare_outside(asked.packets);
  if (!h.leave(asked.available + own)) return false;
  for (const ReadAsked::Packet& packet : asked.packets) {
    Frame frame = h.allocate(packet);
    if (!frame) return false;
    frame.reshape(0, packet.octets.size());
    std::memcpy(frame.data(), packet.octets.data(), packet.octets.size());
    frame.serial = packet.serial;
    h.burst.push_back(std::move(frame));
  }
  return true;
}

template <class Command>
stack::Answer Replay::command(Host& h, const ReadAsked& asked, Command& what) {
  if constexpr (std::is_same_v<Command, tcp::Receive>
                || std::is_same_v<Command, udp::ReceiveFrom>) {
    scratch_.resize(std::min<uint64_t>(asked.room, kLargestRead));
    what.into = scratch_;
  }
  if constexpr (std::is_same_v<Command, tcp::SendBorrowed>) {
    h.lent.push_back({what.token, {what.bytes.begin(), what.bytes.end()}});
    what.bytes = h.lent.back().octets;
  }
  const auto result = h.stack->command(what, asked.at);
  if constexpr (std::is_same_v<Command, tcp::SendBorrowed>) {
    if (!result) h.lent.pop_back();
  }
  return stack::answer_to(what, result);
}

// Asks the stack; `frame` holds the one that it answers with.
stack::Answer Replay::ask(Host& h, ReadAsked& asked, Frame& frame) {
  stack::Stack& stack = *h.stack;
  return std::visit(
      [&]<class T>(T& what) -> stack::Answer {
        if constexpr (std::is_same_v<T, stack::Receiving>) {
          stack.receive(h.burst, asked.at, what.interface);
          h.burst.clear();
        } else if constexpr (std::is_same_v<T, stack::Expiring>) {
          stack.expire(asked.at);
        } else if constexpr (std::is_same_v<T, stack::Draining>) {
          stack.drain(asked.at, what.deadline);
        } else if constexpr (std::is_same_v<T, stack::Settling>) {
          (void)stack.next_deadline();
        } else if constexpr (std::is_same_v<T, stack::TakingFrame>) {
          stack::FrameTaken taken{&frame, 0};
          frame = stack.next_frame(taken.interface);
          return {taken, {}};
        } else if constexpr (std::is_same_v<T, stack::TakingEvent>) {
          stack::EventTaken taken;
          taken.any = stack.next_event(taken.event);
          return {taken, {}};
        } else {
          return command(h, asked, what);
        }
        return {};
      },
      asked.asked);
}

bool Replay::carry_out(ReadAsked& asked) {
  Host* const h = host(asked.host);
  if (h == nullptr) return spoil("a question to no host");
  now_ = std::max(now_, asked.at);
  if (!make_burst(*h, asked) || !h->leave(asked.available)) {
    return diverge(asked, std::to_string(asked.available) + " buffers left in the pool",
                   "room for " + std::to_string(h->pool.available()));
  }
  Frame frame;
  const stack::Answer answer = ask(*h, asked, frame);
  drain_trace(asked.host);
  auto record = reader_.next();
  if (!record) {
    fault_ = std::move(record.error());
    state_ = fault_.cut ? State::Cut : State::Damaged;
    return false;
  }
  const auto* recorded = std::get_if<ReadAnswer>(&*record);
  if (recorded == nullptr) return spoil("a question without its answer");
  note_packets(*h, asked, answer);
  return compare(*h, asked, recorded->octets, answer);
}

bool Replay::compare(Host& h, const ReadAsked& asked, std::span<const uint8_t> recorded,
                     const stack::Answer& answer) {
  // answers.hh: the kind of the result, then whether there is a fingerprint.
  const bool printed = recorded.size() > 1 && recorded[1] == 1;
  std::optional<uint64_t> fingerprint;
  if (printed) fingerprint = h.stack->fingerprint();
  answer_.clear();
  Put put(answer_);
  put_answer(put, answer, fingerprint);
  if (printed) ++compared_;
  if (asked.is_input()) moment_.answer = answer_words(answer_);
  if (std::ranges::equal(answer_, recorded)) return true;
  return diverge(asked, answer_words(recorded, true), answer_words(answer_, true));
}

void Replay::note_packets(Host& h, const ReadAsked& asked, const stack::Answer& answer) {
  const auto keep = [&](bool sent, uint16_t interface, std::span<const uint8_t> octets) {
    if (!keeping_.packets) return;
    const bool ethernet = h.stack->config().interfaces[interface].ethernet.has_value();
    moment_.packets.push_back(
        {asked.host, sent, ethernet, asked.at, {octets.begin(), octets.end()}});
  };
  if (const auto* r = std::get_if<stack::Receiving>(&asked.asked); r != nullptr) {
    for (const ReadAsked::Packet& p : asked.packets) keep(false, r->interface, p.octets);
  }
  if (const auto* e = std::get_if<stack::EventTaken>(&answer.result); e != nullptr && e->any)
    ++moment_.events;
  const auto* taken = std::get_if<stack::FrameTaken>(&answer.result);
  if (taken == nullptr || !*taken->frame) return;
  ++moment_.frames;
  ++frames_;
  keep(true, taken->interface, taken->frame->bytes());
}

void Replay::drain_trace(uint32_t at) {
  Host& h = *hosts_[at];
  HostRecord record;
  record.host = at;
  while (h.stack->trace().read(record.record)) {
    moment_.records.push_back(record);
    if (h.gathered) {
      record.order = written_++;  // until it is gathered
      h.waiting.push_back(record);
      continue;
    }
    record.order = order_++;
    if (keeping_.records) records_.push_back(record);
  }
}

}  // namespace rapport::sim
