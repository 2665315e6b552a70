// Peer as an application that copies nothing: text lent to the stack until it is given back, text
// read where it lies (commands.hh: SendBorrowed, Receive::peek, Consume; Stack::readable).
#include "peer.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "world.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rapport::scenario {

namespace {

std::string octets(ByteCount n) {
  return "(" + std::to_string(n.v) + ")";
}

std::string in_words(const std::vector<uint64_t>& tokens) {
  std::string s;
  for (const auto token : tokens) s += (s.empty() ? "" : ", ") + std::to_string(token);
  return s.empty() ? "none" : s;
}

}  // namespace

std::vector<uint8_t> stream_text(uint32_t from, ByteCount n) {
  std::vector<uint8_t> text(n.v);
  for (uint32_t i = 0; i < n.v; ++i) text[i] = octet_at(from + i);
  return text;
}

Peer& Peer::calls_send_borrowed(ByteCount n, uint64_t token, At at) {
  expects_silence("was called", at);
  const std::string call = "SEND" + octets(n) + ", borrowed as " + std::to_string(token);
  tells("call   " + call);
  w_->lent.push_back(stream_text(w_->sent, n));
  const tcp::SendBorrowed c{.connection = handle, .bytes = w_->lent.back(), .token = token};
  const auto r = w_->stack->command(c, w_->now);
  if (r) w_->sent += n.v;
  outcome(call, std::nullopt, r ? std::nullopt : std::optional(r.error()), at);
  return *this;
}

Peer& Peer::calls_send_borrowed(ByteCount n, uint64_t token, Error e, At at) {
  expects_silence("was called", at);
  const std::string call = "SEND" + octets(n) + ", borrowed, which must fail";
  tells("call   " + call);
  const auto text = stream_text(w_->sent, n);
  const tcp::SendBorrowed c{.connection = handle, .bytes = text, .token = token};
  const auto r = w_->stack->command(c, w_->now);
  outcome(call, e, r ? std::nullopt : std::optional(r.error()), at);
  return *this;
}

Peer& Peer::finds_readable(ByteCount n, At at) {
  const auto text = w_->stack->readable(handle);
  if (text.size() != n.v) {
    fails(std::to_string(text.size()) + " octets lie there to be read instead of "
              + std::to_string(n.v),
          at);
  }
  if (!std::ranges::equal(text, stream_text(w_->read, n))) fails("other octets lie there", at);
  return *this;
}

Peer& Peer::calls_peek(ByteCount n, At at) {
  expects_silence("was called", at);
  const std::string call = "RECEIVE" + octets(n) + ", to peek";
  tells("call   " + call);
  std::vector<uint8_t> into(n.v);
  const tcp::Receive c{.connection = handle, .into = into, .peek = true};
  const auto r = w_->stack->command(c, w_->now);
  if (r && *r != n) fails("RECEIVE gave only " + std::to_string(r->v) + " octets", at);
  if (r && into != stream_text(w_->read, n)) fails("RECEIVE gave other octets than were sent", at);
  outcome(call, std::nullopt, r ? std::nullopt : std::optional(r.error()), at);
  return *this;
}

Peer& Peer::calls_consume(ByteCount n, At at) {
  expects_silence("was called", at);
  const std::string call = "CONSUME" + octets(n);
  tells("call   " + call);
  const auto r = w_->stack->command(tcp::Consume{.connection = handle, .octets = n}, w_->now);
  if (r) w_->read += n.v;
  outcome(call, std::nullopt, r ? std::nullopt : std::optional(r.error()), at);
  return *this;
}

Peer& Peer::calls_consume(ByteCount n, Error e, At at) {
  expects_silence("was called", at);
  const std::string call = "CONSUME" + octets(n) + ", which must fail";
  tells("call   " + call);
  const auto r = w_->stack->command(tcp::Consume{.connection = handle, .octets = n}, w_->now);
  outcome(call, e, r ? std::nullopt : std::optional(r.error()), at);
  return *this;
}

Peer& Peer::has_released(const std::vector<uint64_t>& tokens, At at) {
  const auto released = std::exchange(w_->released, {});
  if (released != tokens) {
    fails("given back: " + in_words(released) + " instead of " + in_words(tokens), at);
  }
  return *this;
}

}  // namespace rapport::scenario
