// The core alone: two stacks, no device, no clock, no loop. Whatever calls it decides what time it
// is and carries the frames; here both are a few lines of a simulation.
#include "rapport/base/frame.hh"
#include "rapport/stack/stack.hh"

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

using namespace rapport;

const Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 7};
const std::array<uint8_t, 6> kHello{'h', 'e', 'l', 'l', 'o', '\n'};

stack::Config at(const IpAddress& address, uint64_t seed) {
  stack::Config config;
  config.interfaces[0].addresses = {{address, 24}};
  config.tcp.seed = seed;
  return config;
}

// Everything that either side has to send, there and back, at one instant.
void carry(stack::Stack& a, stack::Stack& b, Instant now) {
  for (bool moved = true; moved;) {
    moved = false;
    for (Frame frame = a.next_frame(); frame; frame = a.next_frame(), moved = true) {
      b.receive({&frame, 1}, now);
    }
    for (Frame frame = b.next_frame(); frame; frame = b.next_frame(), moved = true) {
      a.receive({&frame, 1}, now);
    }
  }
}

int main() {
  FramePool frames(256, 64 + 1500);
  stack::Stack client(at(IpAddress::v4(10, 0, 0, 1), 1), frames);
  stack::Stack server(at(kServer.address, 2), frames);
  Instant now{};

  tcp::Listen listen;
  listen.port = kServer.port;
  const Handle listener = server.command(listen, now).value();
  tcp::Connect connect;
  connect.remote = kServer;
  const Handle ours = client.command(connect, now).value();
  carry(client, server, now);  // SYN; SYN,ACK; ACK

  const Handle theirs = server.command(tcp::Accept{listener, 0}, now).value();
  (void)server.command(tcp::Send{theirs, kHello, false}, now).value();
  carry(client, server, now);

  tcp::Occurrence event;
  while (client.next_event(event)) {
    if (!event.is(tcp::What::Readable)) continue;
    std::array<uint8_t, 64> said{};
    const auto n = client.command(tcp::Receive{ours, said, false}, now).value();
    std::fwrite(said.data(), 1, n.v, stdout);
  }

  (void)client.command(tcp::Close{ours}, now);
  (void)server.command(tcp::Close{theirs}, now);
  carry(client, server, now);  // a FIN each, and their acknowledgements
  while (client.next_deadline() < kNever) {
    now = client.next_deadline();  // the only thing left is TIME-WAIT: 2MSL later
    client.expire(now);
  }
  std::printf("left: %u connections\n", client.population().time_wait);
}
