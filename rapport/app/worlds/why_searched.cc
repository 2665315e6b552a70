// Why questions that the explorer answers: the third segment, the two halves of a close, TIME-WAIT,
// its length, and what may end it.
#include "rapport/app/worlds/why_found.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_syns.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/tcp/rules.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::counted;
using observe::length_words;
using sim::explore::Parting;
using sim::explore::Scenario;
using sim::explore::Shape;

constexpr std::array kAnyParting{Parting::ClientFirst, Parting::ServerFirst, Parting::Together};
constexpr std::array kClientFirst{Parting::ClientFirst};

// Longer than any timer of that model goes on, but for keep-alive.
constexpr Duration kAftermath = 30_s;
// What becomes of the old SYN, before the client sends its new one again.
constexpr Duration kShortAftermath = 100_ms;

uint64_t ns(Duration d) {
  return static_cast<uint64_t>(d.ns);
}

// All but numbers and words.
Answer answer_of(Finding& f) {
  Answer a;
  a.origin = f.origin;
  a.with = std::move(f.with);
  a.without = std::move(f.without);
  return a;
}

Figure figure(std::string_view name, std::string words, Unit unit, uint64_t with,
              uint64_t without) {
  return {name, std::move(words), unit, with, without};
}

// --- how probable it is that old text fits ---

constexpr uint64_t kNumbers = uint64_t{1} << 32;
constexpr uint64_t kClock = 250'000;  // first numbers a second, RFC 6528

uint64_t window_of_model() {
  return sim::explore::host_config(sim::explore::kServer).stack.tcp.defaults.receive_buffer.v;
}

// --- two-way-handshake ---

// Near enough that the ACK of an old segment still lies in the server's window, and an order for
// text. Nobody crashes: what is old is all that goes wrong.
constexpr Shape kOrder{.delay = 1_ms, .text = 21, .crashes = false};

Table memory_of(const Toll& with, const Toll& without) {
  Table t{"memory_after",
          "Octets that the server's stack holds in these two runs",
          Unit::Octets,
          {"with the rule", "without"},
          {}};
  for (size_t i = 0; i < kMemoryAfter.size(); ++i) {
    const Duration after = kMemoryAfter.at(i);
    t.rows.push_back({after == 0_s ? std::string("as the text is read")
                                   : fmt::format("{} later", length_words(after)),
                      {with.memory[i], without.memory[i]}});
  }
  return t;
}

// The ACK of old text has to fit, the connection and its memory are there without it.
std::string chances_of_old_ack() {
  const uint64_t window = window_of_model();
  const auto lasts = [](uint64_t numbers) {
    return length_words({static_cast<int64_t>(numbers * 1'000'000'000 / kClock)});
  };
  return fmt::format(
      "How probable is it? An old SYN is enough for the connection. Text is only taken when its "
      "ACK lies no further than a window behind the server's new number (RFC 5961 5.2), which "
      "follows a clock (RFC 6528): with certainty within {} of the first opening at a window of "
      "{} octets, as here, or {} at 65,535, and not later; once in {} times, were numbers drawn at "
      "random.",
      lasts(window), grouped(window), lasts(65'535), grouped(kNumbers / window));
}

Answer answer_two_way(const Asking& asking) {
  Finding f = find({.rule = tcp::Rule::ThirdSegment,
                    .scenario = Scenario::OpenClose,
                    .partings = kAnyParting,
                    .faults = 2,
                    .aftermath = kShortAftermath,
                    .shape = kOrder,
                    .only_text = true},
                   asking.recording);
  OldSyns old = old_syns(asking.seed);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.with_title = "With the rule: the server waits for the ACK of its own SYN";
  a.without_title = "Without: ESTABLISHED on the first SYN that comes";
  a.figures = {
      figure("misread", "octets that the server read and no client wrote there", Unit::Number,
             w.misread, o.misread),
      figure("unwanted", "connections that the server held and no client had", Unit::Number,
             w.unwanted, o.unwanted),
      figure("unwanted_text", "octets that the server sent into them, to nobody", Unit::Number,
             w.unwanted_text, o.unwanted_text),
      figure("unwanted_memory", "octets that its stack held as the old text was read", Unit::Number,
             w.memory.front(), o.memory.front()),
  };
  a.shown = w.unwanted == 0 && w.misread == 0 && o.unwanted > 0 && o.misread > 0;
  const auto most = [&](size_t column) {
    uint64_t out = 0;
    for (const Table::Row& r : old.memory.rows) out = std::max(out, r.values.at(column));
    return quantity(out, Unit::Octets);
  };
  a.sentences = {
      fmt::format(
          "A SYN proves nothing but that somebody once sent it. After two segments the client "
          "knows that the server is there now; the server knows nothing of the client: the SYN "
          "may be old, and so may be what follows it. Without a third segment the server was "
          "ESTABLISHED at once, and its application read {} octets a second time: in all {}, of "
          "which a client wrote {}. An order would have been carried out twice.",
          o.misread, o.server_read, o.server_read - o.misread),
      "With it (RFC 9293 3.5, figure 8) the server stays in SYN-RECEIVED until its own number "
      "comes back. The old text acknowledges the number of another connection and draws an RST "
      "(3.10.7.4, fifth), and no application hears of it.",
      fmt::format(
          "Where nobody is left to answer, it costs memory: {} old SYNs hold at most {} octets "
          "with the rule and {} without, where the server's application also sent {} octets to "
          "nobody, repeats counted.",
          kOldSyns, most(0), most(1), grouped(old.greeted)),
      chances_of_old_ack(),
      fmt::format("The invariant that the explorer saw broken: {}.", f.breach),
  };
  a.tables = {memory_of(w, o), std::move(old.memory)};
  return a;
}

// --- merged-close ---

Answer answer_merged(const Asking& asking) {
  Finding f = find({tcp::Rule::HalfClose, Scenario::OpenClose, kAnyParting, 2, kAftermath},
                   asking.recording);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.with_title = "With the rule: a FIN closes one direction";
  a.without_title = "Without: the answer to a FIN is always a FIN of one's own";
  a.figures = {
      figure("lost", "octets of the server's answer that are lost", Unit::Number, 0,
             w.client_read - std::min(w.client_read, o.client_read)),
      figure("client_read", "octets of it that the client's application read", Unit::Number,
             w.client_read, o.client_read),
      figure("segments", "segments in all", Unit::Number, w.segments, o.segments),
  };
  a.shown = o.client_read < w.client_read;
  a.sentences = {
      fmt::format(
          "The client had said all that it had to say, and only then could the server answer: "
          "it had an octet to send, but its stack had already answered the FIN with a FIN, and "
          "after that nothing can be sent. The call failed, and the client read {} of {}.",
          o.client_read, counted(w.client_read, "octet")),
      "So the ACK of a FIN and the other end's FIN are two things (RFC 9293 3.6): the ACK comes "
      "from "
      "the stack at once, the FIN when the application has finished. They share a segment only "
      "when "
      "both happen to be due at the same moment (rapport demo three-segment-close).",
      fmt::format("The invariant that the explorer saw broken: {}.", f.breach),
  };
  return a;
}

// --- no-time-wait, short-time-wait ---

Answer answer_without_time_wait(const Search& search, const Asking& asking) {
  Finding f = find(search, asking.recording);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.figures = {
      figure("resets", "connections that ended by a reset, though both applications had closed",
             Unit::Number, w.resets, o.resets),
      figure("time_wait", "time that the client spent in TIME-WAIT", Unit::Time, ns(w.time_wait),
             ns(o.time_wait)),
      figure("segments", "segments in all", Unit::Number, w.segments, o.segments),
  };
  a.shown = w.resets == 0 && o.resets > 0;
  a.sentences = {fmt::format("The invariant that the explorer saw broken: {}.", f.breach)};
  return a;
}

// The old segment of the first connection in the second: what is common to the two questions of it.
Search old_text_without(tcp::Rule rule) {
  return {.rule = rule,
          .scenario = Scenario::FastReuse,
          .partings = kClientFirst,
          .faults = 2,
          .aftermath = kAftermath,
          .shape = sim::explore::shape_of(Scenario::FastReuse),
          .only_text = true};
}

constexpr std::string_view kMisread =
    "octets of the first connection that the server read in the second";

// How likely such a segment fits, by how first numbers are chosen.
std::string chances(const Finding& f) {
  const Toll& o = f.without_toll;
  const uint64_t window = window_of_model();
  return fmt::format(
      "How probable is it? First numbers follow a clock (RFC 6528), which had moved on by {} when "
      "the tuple was used again, while the first connection had used {}: what it sent last lies "
      "in the window of the second, with certainty. A text slower than that clock, {}, never "
      "overtakes it. Were first numbers drawn at random, an old octet would lie in a window of "
      "{} octets once in {} times.",
      grouped(o.numbers_on), grouped(o.numbers_used), quantity(kClock * 8, Unit::BitsPerSecond),
      grouped(window), grouped(kNumbers / window));
}

std::string with_paws(const Finding& f) {
  const Toll t = with_timestamps(f, kAftermath);
  return fmt::format(
      "No end offers timestamps in that world. With them the same faults, without the rule, let "
      "the server misread {}: PAWS refused {} (RFC 7323 5; rapport why no-paws).",
      counted(t.misread, "octet"), counted(t.paws, "segment"));
}

Answer answer_no_time_wait(const Asking& asking) {
  Answer a = answer_without_time_wait(
      {tcp::Rule::TimeWait, Scenario::OpenClose, kAnyParting, 2, kAftermath}, asking);
  a.with_title = "With the rule: who closed first stays for 2MSL";
  a.without_title = "Without: it forgets the connection at once";
  Finding f = find(old_text_without(tcp::Rule::TimeWait), nullptr);
  const Toll &w = f.with_toll, &o = f.without_toll;
  a.figures.insert(a.figures.begin() + 1,
                   figure("misread", std::string(kMisread), Unit::Number, w.misread, o.misread));
  a.headlines = 2;
  a.shown = a.shown && w.misread == 0 && o.misread > 0;
  a.sentences = {
      "The last ACK of a close is never acknowledged, so it may be lost and nobody knows. The "
      "other end then sends its FIN again, from LAST-ACK, and somebody has to be there to answer.",
      "In TIME-WAIT (RFC 9293 3.6.1, MUST-13) the end that closed first is there: it answers, and "
      "starts 2MSL anew. Without it the FIN met nobody and drew an RST, and an application that "
      "had closed in good order was told of a reset: did its last words arrive?",
      fmt::format(
          "The other harm needs no loss. In the second world the client opened the same tuple "
          "again as soon as its stack let it: after {} instead of {} in TIME-WAIT. A copy of a "
          "segment of the first connection was still about and lay in the window of the second, "
          "whose application read {} octets that were none of its own.",
          length_words(o.time_wait), length_words(w.time_wait), grouped(o.misread)),
      chances(f),
      with_paws(f),
      fmt::format("{} In the second world: {}.", a.sentences.front(), f.breach),
  };
  a.also.push_back({f.origin, "With the rule: the same tuple, when all old segments are dead",
                    "Without: the same tuple at once, and an old segment comes", std::move(f.with),
                    std::move(f.without)});
  return a;
}

Answer answer_short_time_wait(const Asking& asking) {
  Answer a = answer_without_time_wait(
      {tcp::Rule::FullTimeWait, Scenario::Close, kClientFirst, 2, kAftermath}, asking);
  a.with_title = "With the rule: TIME-WAIT lasts 2MSL";
  a.without_title = "Without: an eighth of it";
  a.sentences.insert(
      a.sentences.begin(),
      {"A FIN that is sent again may itself live for MSL, and TIME-WAIT must outlive it: MSL for "
       "our "
       "last ACK to arrive or die, MSL for whatever it was that the other end sent meanwhile (RFC "
       "9293 "
       "3.6.1, MUST-13).",
       "With an eighth of 2MSL one loss does no harm yet; it takes a second mishap for the FIN to "
       "come "
       "too late. A shorter TIME-WAIT makes the fault rare. It does not remove it."});
  return a;
}

// --- time-wait-assassination ---

Answer answer_assassination(const Asking& asking) {
  Finding f = find(old_text_without(tcp::Rule::TimeWaitIgnoresRst), asking.recording);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.with_title = "With the rule: TIME-WAIT ignores resets";
  a.without_title = "Without: an RST ends it, as by the letter of RFC 793";
  a.figures = {
      figure("misread", std::string(kMisread), Unit::Number, w.misread, o.misread),
      figure("rst_in_time_wait", "RSTs that came to TIME-WAIT", Unit::Number, w.rst_in_time_wait,
             o.rst_in_time_wait),
      figure("time_wait", "time that the client spent in TIME-WAIT", Unit::Time, ns(w.time_wait),
             ns(o.time_wait)),
  };
  a.shown = o.rst_in_time_wait > 0 && o.time_wait < w.time_wait && w.misread == 0 && o.misread > 0;
  a.sentences = {
      fmt::format(
          "Nobody meant harm: an old copy of a segment came to TIME-WAIT, which answered it with "
          "an ACK, as it must; the other end had forgotten the connection and answered that with "
          "an RST, as it must (RFC 9293 3.5.2). It ended TIME-WAIT after {} instead of {}.",
          length_words(o.time_wait), length_words(w.time_wait)),
      fmt::format(
          "The tuple was free again, with old segments still about: the first hazard of RFC 1337. "
          "One of them lay in the window of the second connection, whose application read {} "
          "octets that were written in the first. RFC 1337 therefore lets TIME-WAIT ignore every "
          "RST.",
          grouped(o.misread)),
      chances(f),
      with_paws(f),
      fmt::format("The invariant that the explorer saw broken: {}.", f.breach),
  };
  return a;
}

constexpr std::array kQuestions{
    Question{"two-way-handshake", "why does the server wait for a third segment?",
             tcp::Rule::ThirdSegment, answer_two_way, true},
    Question{"merged-close", "why are the two middle segments of a close not always one?",
             tcp::Rule::HalfClose, answer_merged, true},
    Question{"no-time-wait", "why does the end that closes first stay behind?", tcp::Rule::TimeWait,
             answer_no_time_wait, true},
    Question{"short-time-wait", "why does it stay for twice the life of a segment?",
             tcp::Rule::FullTimeWait, answer_short_time_wait, true},
    Question{"time-wait-assassination", "why may a reset not end TIME-WAIT?",
             tcp::Rule::TimeWaitIgnoresRst, answer_assassination, true},
};

}  // namespace

std::span<const Question> searched_questions() {
  return kQuestions;
}

}  // namespace rapport::app
