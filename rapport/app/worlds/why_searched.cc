// Why questions that the explorer answers: the third segment, the two halves of a close, TIME-WAIT,
// its length, and what may end it.
#include "rapport/app/worlds/why_found.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_syns.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/rules.hh"

#include <algorithm>
#include <array>
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

constexpr std::array kAnyParting{Parting::ClientFirst, Parting::ServerFirst, Parting::Together};
constexpr std::array kTogether{Parting::Together};  // the server does not wait to be asked
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

// --- two-way-handshake ---

Answer answer_two_way(const Asking& asking) {
  Finding f = find({tcp::Rule::ThirdSegment, Scenario::OpenClose, kTogether, 2, kShortAftermath},
                   asking.recording);
  OldSyns old = old_syns(asking.seed);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.with_title = "With the rule: the server waits for the ACK of its own SYN";
  a.without_title = "Without: ESTABLISHED on the first SYN that comes";
  a.figures = {
      figure("unwanted", "connections that the server held and no client had", Unit::Number,
             w.unwanted, o.unwanted),
      figure("unwanted_text", "octets that the server sent into them, to nobody", Unit::Number,
             w.unwanted_text, o.unwanted_text),
      figure("unwanted_memory", "octets of memory for them, without any buffer", Unit::Number,
             w.unwanted * sizeof(tcp::Connection), o.unwanted * sizeof(tcp::Connection)),
      figure("unwanted_time", "how long they were held", Unit::Time, ns(w.unwanted_time),
             ns(o.unwanted_time)),
  };
  a.shown = w.unwanted == 0 && o.unwanted > 0;
  const auto most = [&](size_t column) {
    uint64_t out = 0;
    for (const Table::Row& r : old.memory.rows) out = std::max(out, r.values.at(column));
    return quantity(out, Unit::Octets);
  };
  a.sentences = {
      fmt::format(
          "A SYN proves nothing but that somebody once sent it. After two segments the client "
          "knows that the server is there now; the server knows nothing of the client: the SYN "
          "may be old. Without a third segment it was ESTABLISHED at once, its application "
          "was told so, and {} went to a client that did not exist any more.",
          counted(o.unwanted_text, "octet")),
      "With it (RFC 9293 3.5, figure 8) the server stays in SYN-RECEIVED until its own number "
      "comes "
      "back. A client that never asked answers the SYN,ACK with an RST (3.5.2), and the half-open "
      "entry goes without any application hearing of it.",
      fmt::format(
          "Where nobody is left to send that RST the difference is greater: {} old SYNs cost at "
          "most {} octets of memory with the rule and {} without, where the server's "
          "application also sent {} octets to nobody, repeats counted.",
          kOldSyns, most(0), most(1), grouped(old.greeted)),
      fmt::format("The invariant that the explorer saw broken: {}.", f.breach),
  };
  a.tables = {std::move(old.memory)};
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
      figure("client_read", "octets of the server's answer that the client's application read",
             Unit::Number, w.client_read, o.client_read),
      figure("lost", "octets of it that are lost", Unit::Number, 0,
             w.client_read - std::min(w.client_read, o.client_read)),
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

Answer answer_no_time_wait(const Asking& asking) {
  Answer a = answer_without_time_wait(
      {tcp::Rule::TimeWait, Scenario::OpenClose, kAnyParting, 2, kAftermath}, asking);
  a.with_title = "With the rule: who closed first stays for 2MSL";
  a.without_title = "Without: it forgets the connection at once";
  a.sentences.insert(
      a.sentences.begin(),
      {"The last ACK of a close is never acknowledged, so it may be lost and nobody knows. The "
       "other "
       "end then sends its FIN again, from LAST-ACK, and somebody has to be there to answer.",
       "In TIME-WAIT (RFC 9293 3.6.1, MUST-13) the end that closed first is there: it answers, and "
       "starts 2MSL anew. Without it the FIN met nobody and drew an RST, and an application that "
       "had "
       "closed in good order was told of a reset: did its last words arrive?"});
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
  Finding f = find({tcp::Rule::TimeWaitIgnoresRst, Scenario::OpenClose, kAnyParting, 2, kAftermath},
                   asking.recording);
  const Toll &w = f.with_toll, &o = f.without_toll;
  Answer a = answer_of(f);
  a.with_title = "With the rule: TIME-WAIT ignores resets";
  a.without_title = "Without: an RST ends it, as by the letter of RFC 793";
  const Duration lost = w.time_wait - o.time_wait;
  a.figures = {
      figure("rst_in_time_wait", "RSTs that came to TIME-WAIT", Unit::Number, w.rst_in_time_wait,
             o.rst_in_time_wait),
      figure("time_wait", "time that the client spent in TIME-WAIT", Unit::Time, ns(w.time_wait),
             ns(o.time_wait)),
      figure("unguarded", "time of 2MSL in which old segments would find nobody on guard",
             Unit::Time, 0, ns(lost)),
  };
  a.shown = o.rst_in_time_wait > 0 && lost > 0_ns;
  a.sentences = {
      fmt::format(
          "Nobody meant harm: one end had forgotten the connection, and answered the last ACK "
          "with an RST, as it must (RFC 9293 3.5.2). Whatever old segment is still on its way "
          "provokes such RSTs just as well. It ended TIME-WAIT after {} instead of {}.",
          length_words(o.time_wait), length_words(w.time_wait)),
      "For the rest of 2MSL the pair of addresses and ports was free for a next connection, with "
      "old "
      "segments of the last still about: what TIME-WAIT is there to prevent (rapport why "
      "no-time-wait). RFC 1337 therefore lets TIME-WAIT ignore every RST.",
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
