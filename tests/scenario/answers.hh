// Answers that many stories expect, and steps that many begin with. What belongs to one state is in
// that state's file.
#pragma once

#include "peer.hh"
#include "words.hh"

#include <utility>
#include <vector>

namespace rapport::scenario {

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>: the answer to what is not acceptable.
inline Seg current_ack(const Peer& t) {
  return ack(t.rcv_nxt()).seq(t.snd_nxt());
}

// The ACK of `number`, with these SACK blocks if the peer reads them.
inline Seg ack_with(const Peer& t, Seq number, std::vector<wire::SackBlock> blocks) {
  Seg s = ack(number).seq(t.snd_nxt());
  if (t.sack_agreed()) return s.sack(std::move(blocks));
  return s.no_sack();
}

// n octets arrive, their ACK field as old as can be, and are acknowledged at once.
inline void takes_text(Peer& t, ByteCount n) {
  const Seq behind = t.rcv_nxt() + n;
  t.hears(data(n).ack(t.snd_una())).says(ack(behind).seq(t.snd_nxt()));
}

}  // namespace rapport::scenario
