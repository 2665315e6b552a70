// The user calls of RFC 9293 3.9.1 and 3.10.1 to 3.10.6, as functions of a Context. They queue,
// note what is owed and move states; frames follow at settling.
#pragma once

#include "rapport/tcp/commands.hh"
#include "rapport/tcp/context.hh"  // IWYU pragma: export

#include <expected>

namespace rapport::tcp {

std::expected<Handle, Error> call(const Connect& c, Context& cx);
std::expected<Handle, Error> call(const Listen& c, Context& cx);
std::expected<Handle, Error> call(const Accept& c, Context& cx);
std::expected<ByteCount, Error> call(const Send& c, Context& cx);
std::expected<void, Error> call(const SendBorrowed& c, Context& cx);
std::expected<ByteCount, Error> call(const Receive& c, Context& cx);
std::expected<void, Error> call(const Consume& c, Context& cx);
std::expected<void, Error> call(const ShutdownWrite& c, Context& cx);
std::expected<void, Error> call(const Close& c, Context& cx);
std::expected<void, Error> call(const Abort& c, Context& cx);
std::expected<void, Error> call(const CloseListener& c, Context& cx);
std::expected<void, Error> call(const SetOptions& c, Context& cx);
std::expected<void, Error> call(const SetBacklog& c, Context& cx);
std::expected<Status, Error> call(const GetStatus& c, Context& cx);

// Listeners share the handle space with connections: the top bit of the index tells them apart.
inline constexpr uint32_t kListenerBit = 1U << 31;

// What a handle names; nullptr when it is stale, forged, or names the other kind.
[[nodiscard]] Connection* find_connection(Handle h, Context& cx);
[[nodiscard]] uint32_t find_listener_by_handle(Handle h, const Context& cx);
[[nodiscard]] Handle handle_of_listener(uint32_t index, const Context& cx);
// Why a handle names nothing: it never was given out ("connection illegal for this process",
// NotAllowed) or what it named is gone (DoesNotExist).
[[nodiscard, gnu::cold]] Error why_missing(Handle h, const Context& cx);
// What an ended connection answers to SEND and RECEIVE.
[[nodiscard, gnu::cold]] Error error_for(CloseReason r);

// Ends a connection with a reset where the peer could know of us (3.10.5).
void abort_connection(Connection& c, Event event, CloseReason reason, Context& cx);
// The application lets go of the handle: nobody reads any more.
void detach(Connection& c, Context& cx);
void unlink_listener(uint32_t index, Context& cx);
void close_listener(uint32_t index, Context& cx);

}  // namespace rapport::tcp
