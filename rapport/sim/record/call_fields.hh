// The fields of what a Stack is asked and of what it answers, as in config_fields.hh, which says
// why. Private to sim/record.
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/config_fields.hh"
#include "rapport/stack/recording.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

namespace rapport::sim {

// --- commands -----------------------------------------------------------------------------------

void fields(Is<tcp::Connect> auto& c, auto&& visit) {
  auto& [remote, local_address, local_port, cookie, options] = c;
  visit(remote, local_address, local_port, cookie, options);
}

void fields(Is<tcp::Listen> auto& c, auto&& visit) {
  auto& [local_address, port, remote, backlog, cookie, options] = c;
  visit(local_address, port, remote, backlog, cookie, options);
}

void fields(Is<tcp::Accept> auto& c, auto&& visit) {
  auto& [listener, cookie] = c;
  visit(listener, cookie);
}

void fields(Is<tcp::Send> auto& c, auto&& visit) {
  auto& [connection, bytes, urgent, more] = c;
  visit(connection, bytes, urgent, more);
}

void fields(Is<tcp::SendBorrowed> auto& c, auto&& visit) {
  auto& [connection, bytes, token] = c;
  visit(connection, bytes, token);
}

void fields(Is<tcp::Receive> auto& c, auto&& visit) {
  auto& [connection, into, peek] = c;
  visit(connection, into, peek);
}

void fields(Is<tcp::Consume> auto& c, auto&& visit) {
  auto& [connection, octets] = c;
  visit(connection, octets);
}

template <class C>
concept NamesOnly =
    Is<C, tcp::ShutdownWrite> || Is<C, tcp::Close> || Is<C, tcp::Abort> || Is<C, tcp::CloseListener>
    || Is<C, tcp::GetStatus> || Is<C, udp::CloseSocket> || Is<C, udp::GetStatus>;

void fields(NamesOnly auto& c, auto&& visit) {
  auto& [handle] = c;
  visit(handle);
}

template <class C>
concept SetsOptions = Is<C, tcp::SetOptions> || Is<C, udp::SetOptions>;

void fields(SetsOptions auto& c, auto&& visit) {
  auto& [handle, options] = c;
  visit(handle, options);
}

void fields(Is<tcp::SetBacklog> auto& c, auto&& visit) {
  auto& [listener, backlog] = c;
  visit(listener, backlog);
}

void fields(Is<udp::Options> auto& o, auto&& visit) {
  auto& [receive_datagrams, receive_octets, ttl, dscp] = o;
  visit(receive_datagrams, receive_octets, ttl, dscp);
}

void fields(Is<udp::Open> auto& c, auto&& visit) {
  auto& [local, remote, cookie, options] = c;
  visit(local, remote, cookie, options);
}

void fields(Is<udp::Connect> auto& c, auto&& visit) {
  auto& [socket, remote] = c;
  visit(socket, remote);
}

void fields(Is<udp::SendTo> auto& c, auto&& visit) {
  auto& [socket, remote, text, source] = c;
  visit(socket, remote, text, source);
}

void fields(Is<udp::ReceiveFrom> auto& c, auto&& visit) {
  auto& [socket, into, peek] = c;
  visit(socket, into, peek);
}

void fields(Is<stack::Draining> auto& d, auto&& visit) {
  auto& [deadline] = d;
  visit(deadline);
}

template <class C>
concept Bare = Is<C, stack::Expiring> || Is<C, stack::TakingFrame> || Is<C, stack::TakingEvent>
               || Is<C, stack::Settling>;

void fields(Bare auto& /*asked*/, auto&& /*visit*/) {}

// --- answers ------------------------------------------------------------------------------------

void fields(Is<tcp::Status> auto& s, auto&& visit) {
  auto& [state, local, remote, cookie, passive, orphan, window_scaling, sack, timestamps, snd_shift,
         rcv_shift, mss, iss, irs, snd_una, snd_nxt, rcv_nxt, snd_wnd, rcv_wnd, send_queue,
         receive_queue, out_of_order, urgent_ahead, cwnd, ssthresh, srtt, rttvar, rto,
         retransmissions, timer, timer_at, backlog_waiting, half_open, soft_error, options] = s;
  visit(state, local, remote, cookie, passive, orphan, window_scaling, sack, timestamps, snd_shift,
        rcv_shift, mss, iss, irs, snd_una, snd_nxt, rcv_nxt, snd_wnd, rcv_wnd, send_queue,
        receive_queue, out_of_order, urgent_ahead, cwnd, ssthresh, srtt, rttvar, rto,
        retransmissions, timer, timer_at, backlog_waiting, half_open, soft_error, options);
}

void fields(Is<tcp::Occurrence> auto& o, auto&& visit) {
  auto& [handle, cookie, what, reason, icmp] = o;
  visit(handle, cookie, what, reason, icmp);
}

void fields(Is<udp::Received> auto& r, auto&& visit) {
  auto& [octets, length, from, to, truncated] = r;
  visit(octets, length, from, to, truncated);
}

void fields(Is<udp::Status> auto& s, auto&& visit) {
  auto& [local, remote, cookie, waiting, receive_queue, next, received, sent, dropped, errors,
         last_error, last_error_remote, options] = s;
  visit(local, remote, cookie, waiting, receive_queue, next, received, sent, dropped, errors,
        last_error, last_error_remote, options);
}

void fields(Is<WireRecord> auto& w, auto&& visit) {
  auto& [sent, arrived, from_host, to_host, serial, length, held, incarnation, fate] = w;
  visit(sent, arrived, from_host, to_host, serial, length, held, incarnation, fate);
}

}  // namespace rapport::sim
