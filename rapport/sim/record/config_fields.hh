// The fields of a Stack's settings, each struct's in one place. The bindings name
// every field: whoever adds one to a struct is stopped by the compiler here, and raises
// kRecordingVersion. fields(value, visit) calls visit once with them all. Private to sim/record.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/mac.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"
#include "rapport/udp/sockets.hh"

#include <type_traits>

namespace rapport::sim {

// C is T or const T.
template <class C, class T>
concept Is = std::is_same_v<std::remove_const_t<C>, T>;

void fields(Is<Endpoint> auto& e, auto&& visit) {
  auto& [address, port] = e;
  visit(address, port);
}

void fields(Is<Cidr> auto& c, auto&& visit) {
  auto& [address, prefix] = c;
  visit(address, prefix);
}

void fields(Is<MacAddress> auto& m, auto&& visit) {
  auto& [octets] = m;
  visit(octets);
}

void fields(Is<IpAddress> auto& a, auto&& visit) {
  auto& [octets] = a;
  visit(octets);
}

void fields(Is<Interface> auto& i, auto&& visit) {
  auto& [addresses, mtu, ethernet] = i;
  visit(addresses, mtu, ethernet);
}

void fields(Is<Route> auto& r, auto&& visit) {
  auto& [destination, gateway] = r;
  visit(destination, gateway);
}

// --- settings -----------------------------------------------------------------------------------

void fields(Is<tcp::ConnectionOptions> auto& o, auto&& visit) {
  auto& [no_delay, cork, quick_ack, keep_alive, keep_alive_octet, urgent_inline, soft_errors,
         linger, dscp, ttl, keep_alive_probes, mss_clamp, keep_alive_idle, keep_alive_interval,
         linger_time, user_timeout, send_buffer, receive_buffer] = o;
  visit(no_delay, cork, quick_ack, keep_alive, keep_alive_octet, urgent_inline, soft_errors, linger,
        dscp, ttl, keep_alive_probes, mss_clamp, keep_alive_idle, keep_alive_interval, linger_time,
        user_timeout, send_buffer, receive_buffer);
}

void fields(Is<tcp::Config> auto& c, auto&& visit) {
  auto& [max_connections, max_half_open, max_time_wait, max_listeners, max_transfers, max_extras,
         max_blocks, max_pieces, max_out_of_order, offer_window_scale, offer_sack, offer_timestamps,
         randomise_timestamp_offset, drop_syn_fin, reset_on_accept_overflow, require_timestamps,
         check_ack_in_syn_received, initial_rto, syn_give_up, syn_ack_give_up,
         syn_ack_retries_under_pressure, ack_policy, quick_acks, delayed_ack, min_rto, max_rto,
         persist_max, r1, r2, silly_window_override, initial_window_segments, two_msl,
         fin_wait_2_orphan, orphan_give_up, time_wait_ignores_rst, challenge_interval,
         challenge_cap, permitted_dscp, lowest_listen_port, ephemeral_first, ephemeral_last,
         reserved_ports, seed, defaults, without] = c;
  visit(max_connections, max_half_open, max_time_wait, max_listeners, max_transfers, max_extras,
        max_blocks, max_pieces, max_out_of_order, offer_window_scale, offer_sack, offer_timestamps,
        randomise_timestamp_offset, drop_syn_fin, reset_on_accept_overflow, require_timestamps,
        check_ack_in_syn_received);
  visit(initial_rto, syn_give_up, syn_ack_give_up, syn_ack_retries_under_pressure, ack_policy,
        quick_acks, delayed_ack, min_rto, max_rto, persist_max, r1, r2, silly_window_override,
        initial_window_segments, two_msl, fin_wait_2_orphan, orphan_give_up, time_wait_ignores_rst,
        challenge_interval, challenge_cap, permitted_dscp, lowest_listen_port, ephemeral_first,
        ephemeral_last, reserved_ports, seed, defaults, without);
}

void fields(Is<ip::AddressCheckConfig> auto& c, auto&& visit) {
  auto& [delay, solicitations, solicitation_wait, probes, probe_min, probe_max, announce_wait,
         announcements, announce_interval, defend_interval] = c;
  visit(delay, solicitations, solicitation_wait, probes, probe_min, probe_max, announce_wait,
        announcements, announce_interval, defend_interval);
}

void fields(Is<ip::NeighbourConfig> auto& c, auto&& visit) {
  auto& [cap, base_reachable, delay_first_probe, retransmit, multicast_solicitations,
         unicast_solicitations, messages, check] = c;
  visit(cap, base_reachable, delay_first_probe, retransmit, multicast_solicitations,
        unicast_solicitations, messages, check);
}

void fields(Is<ip::ReassemblyConfig> auto& c, auto&& visit) {
  auto& [datagrams, fragments, octets, timeout] = c;
  visit(datagrams, fragments, octets, timeout);
}

// The ports and the Diffserv code points are TCP's: a Stack sees to it.
void fields(Is<udp::Config> auto& c, auto&& visit) {
  auto& [max_sockets, max_datagrams, max_blocks, permitted_dscp, ephemeral_first, ephemeral_last,
         reserved_ports] = c;
  visit(max_sockets, max_datagrams, max_blocks, permitted_dscp, ephemeral_first, ephemeral_last);
}

// Whom to call when octets are released is the caller's business.
void fields(Is<stack::Config> auto& c, auto&& visit) {
  auto& [interfaces, routes, frame_headroom, max_path_mtus, tcp, neighbours, reassembly,
         icmp_errors, icmp_error_burst, udp, release, release_context] = c;
  visit(interfaces, routes, frame_headroom, max_path_mtus, tcp, neighbours, reassembly, icmp_errors,
        icmp_error_burst, udp);
}

}  // namespace rapport::sim
