// Opening, talking and parting, one coroutine each; a crash destroys them where they stand.
#include "rapport/sim/explore/programs.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/siphash.hh"
#include "rapport/socket/coroutine/host.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace rapport::sim::explore {

using coroutine::Task;

namespace {

tcp::ConnectionOptions options() {
  tcp::ConnectionOptions o = host_config(kClient).stack.tcp.defaults;
  o.keep_alive = true;
  return o;
}

}  // namespace

bool is_strange(const std::deque<Line>& lines, const Line& line, size_t i) {
  if (line.partner < 0) return true;
  const Line& other = lines.at(static_cast<size_t>(line.partner));
  return i >= other.length || line.heard.at(i) != other.octet;
}

Programs::Programs(World& world, Scenario scenario, Parting parting, const Shape& shape,
                   Listening& listening)
    : world_(&world),
      scenario_(scenario),
      parting_(parting),
      shape_(shape),
      listening_(&listening),
      rounds_left_(scenario >= Scenario::Reuse ? 2 : 1) {}

void Programs::start(HostId h) {
  world_->host(h).spawn(h == kClient ? client() : server());
}

void Programs::crashed(HostId h) {
  ++crashes_;
  for (Line& line : lines_) {
    if (line.host != h) continue;
    line.stream = {};
    if (!line.over()) line.at = Line::At::Crashed;
  }
  if (h == kClient && rounds_left_ == 0) rounds_left_ = 1;  // it wants to do its work again
}

void Programs::kill() {
  for (const HostId h : {kClient, kServer}) world_->host(h).kill();
  for (Line& line : lines_) line.stream = {};
}

// Opens until its rounds are done; a connection that fails is not tried again.
Task<> Programs::client() {
  coroutine::Host& host = world_->host(kClient);
  while (rounds_left_ > 0) {
    Line& line = lines_.emplace_back();
    line.octet = static_cast<uint8_t>('A' + lines_.size() - 1);
    line.length = shape_.text;
    auto connecting = host.connect(
        kServerAt, {.local_address = {}, .local_port = kClientAt.port, .options = options()});
    auto stream = co_await connecting;
    --rounds_left_;
    if (!stream) {
      line.error = stream.error();
      line.at = Line::At::Ended;
      continue;
    }
    line.stream = std::move(*stream);
    note_opened(line);
    auto talking = talks(line);
    co_await talking;
  }
}

Task<> Programs::server() {
  coroutine::Host& host = world_->host(kServer);
  coroutine::ListenOptions how;
  how.options = options();
  auto listener = host.listen(kServerAt.port, how);
  ASSERT(listener.has_value());
  while (true) {
    auto accepting = listener->accept();
    auto stream = co_await accepting;
    if (!stream) co_return;
    Line& line = lines_.emplace_back();
    line.host = kServer;
    line.octet = static_cast<uint8_t>('A' + lines_.size() - 1);
    line.stream = std::move(*stream);
    note_opened(line);
    host.spawn(serves(line));
  }
}

Task<> Programs::serves(Line& line) {
  auto talking = talks(line);
  co_await talking;
}

void Programs::note_opened(Line& line) {
  line.opened = true;
  line.at = Line::At::Talking;
  if (const auto s = line.stream.status()) {
    line.iss = s->iss;
    line.irs = s->irs;
  }
  for (size_t i = 0; i < lines_.size(); ++i) {
    Line& other = lines_[i];
    if (other.host == line.host || !other.opened || other.iss != line.irs
        || other.irs != line.iss) {
      continue;
    }
    line.partner = static_cast<int>(i);
    const auto self = std::ranges::find_if(lines_, [&](const Line& l) { return &l == &line; });
    other.partner = static_cast<int>(self - lines_.begin());
  }
  listening_->opened(line);
  if (line.host == kServer) established_.open();
}

// Is it this end that closes first?
bool Programs::begins(const Line& line) const {
  return (parting_ == Parting::ClientFirst) == (line.host == kClient);
}

Task<> Programs::talks(Line& line) {
  if (shape_.pause > 0_ns && line.host == kClient) {
    auto waiting = world_->host(kClient).sleep(shape_.pause);
    co_await waiting;
  }
  if (scenario_ == Scenario::Close) {
    auto both = established_.wait(world_->host(line.host));
    (void)co_await both;
  }
  const bool octets = scenario_ != Scenario::Open && scenario_ != Scenario::Close;
  const bool parting = scenario_ >= Scenario::Close;
  if (parting && parting_ == Parting::Together) {
    auto crossing = together(line);
    co_await crossing;
  } else if (line.host == kClient || (parting && begins(line))) {
    // The client speaks first. A server that closes first has to hear it before.
    if (octets && line.host == kServer) {
      auto listening = reads(line, false);
      co_await listening;
    }
    if (octets) {
      auto speaking = writes(line);
      co_await speaking;
    }
    if (parting && begins(line)) shuts(line);
    if (octets || parting) {
      auto listening = reads(line, parting);
      co_await listening;
    }
    if (parting && !begins(line)) shuts(line);
  } else {
    if (octets || parting) {
      auto listening = reads(line, parting);
      co_await listening;
    }
    if (octets) {
      auto speaking = writes(line);
      co_await speaking;
    }
    if (parting) shuts(line);
  }
  if (parting) {
    auto ending = parts(line);
    co_await ending;
  }
  line.at = Line::At::Ended;
}

// Both write and close at once: the server as soon as it accepts, the client so much later that the
// FINs cross on the way: one and a half of it.
Task<> Programs::together(Line& line) {
  if (scenario_ != Scenario::Close) {
    auto speaking = writes(line);
    co_await speaking;
    if (line.host == kClient) {
      auto waiting = world_->host(kClient).sleep(shape_.delay + shape_.delay / 2);
      co_await waiting;
    }
  }
  shuts(line);
  auto listening = reads(line, true);
  co_await listening;
}

Task<> Programs::writes(Line& line) {
  if (line.error) co_return;  // what is not given to SEND must not be told of
  const std::vector<uint8_t> text(line.length, line.octet);
  listening_->wrote(line);
  auto writing = line.stream.write(text);
  const auto written = co_await writing;
  if (!written) {
    line.error = written.error();
  } else {
    line.wrote = true;
  }
}

void Programs::shuts(Line& line) {
  if (line.error) return;
  const auto shut = line.stream.shutdown();
  if (!shut) line.error = shut.error();
  line.finished = shut.has_value();
}

Task<> Programs::reads(Line& line, bool to_the_end) {
  line.at = Line::At::Reading;
  do {
    std::array<uint8_t, 4096> into{};
    auto reading = line.stream.read(into);
    const auto got = co_await reading;
    if (!got) {
      if (!line.error) line.error = got.error();
      co_return;
    }
    if (*got == 0) {
      line.end_of_file = true;
      co_return;
    }
    for (size_t i = 0; i < *got; ++i) {
      line.heard.push_back(into.at(i));
      listening_->read(line, into.at(i));
    }
  } while (to_the_end);
}

// Until the connection is gone: at the end of TIME-WAIT for the one who has it.
Task<> Programs::parts(Line& line) {
  line.at = Line::At::Ending;
  auto closing = line.stream.closed();
  const auto reason = co_await closing;
  if (reason) line.reason = *reason;
  line.stream = {};
}

bool Programs::over() const {
  return rounds_left_ == 0
         && std::ranges::all_of(lines_, [](const Line& line) { return line.over(); });
}

bool Programs::begun() const {
  return scenario_ != Scenario::Close || established_.is_open();
}

uint64_t Programs::position() const {
  uint64_t h = 0;
  const auto add = [&](uint64_t value) {
    h = siphash24_words({0x6578'706c'6f72'6521ULL, 0x706f'7369'7469'6f6eULL}, h, value);
  };
  add(static_cast<uint64_t>(scenario_) << 8 | static_cast<uint64_t>(parting_));
  add(uint64_t{rounds_left_} << 8 | static_cast<uint64_t>(crashes_ > 0));
  for (const Line& line : lines_) {
    add(uint64_t{line.host} << 8 | static_cast<uint64_t>(line.at));
    add(static_cast<uint64_t>(line.partner));
    add((line.opened ? 1U : 0U) | (line.wrote ? 2U : 0U) | (line.finished ? 4U : 0U)
        | (line.end_of_file ? 8U : 0U) | (line.error ? 16U : 0U));
    for (const uint8_t octet : line.heard) add(octet);
  }
  return h;
}

}  // namespace rapport::sim::explore
