// Promises about packets and elements, checked from outside the core: without its state and its parser of
// addresses.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "alg/core/door.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::test {

/// Remembers who has sent what to whom, and compares the elements in the kernel with it. It remembers for
/// ever, so it allows more than the rules do, but never what no packet can justify. All functions throw
/// std::runtime_error that names the broken rule.
class Promises {
  public:
    /// The owner allows this peer to send first (N3).
    void allow(const Address& peer) { allowed_.insert(peer); }
    /// Conntrack has a flow of the phone to the peer, and whether the peer has answered (C12).
    void note_flow(const Address& phone, const Address& peer, bool answered);
    /// A packet that the core is about to see.
    void note(Side from, const Address& phone, const Address& peer, const std::string& payload,
              bool established);
    /// Whether the peer has a reason to send to the phone: it is allowed, the phone has sent to it, or the
    /// phone or a peer that has answered it has named it.
    bool is_known(const Address& phone, const Address& peer) const;

    /// S1, S3, S5: only the lines that the rules list were changed, and the message has the same identity.
    static void check_rewrite(const std::string& before, const std::string& after);
    /// X1, X2, X8, X11 for every element. `untranslated`: the outside end of an identity mapping is the
    /// phone's.
    void check(const TableKernel& kernel, Time now) const;

  private:
    using Pair = std::pair<Address, Address>;  ///< phone and peer

    void check_inside(const Endpoint& inside) const;
    void check_admitted(const Address& phone, const Address& remote) const;

    std::set<Address> allowed_, phones_;       ///< phones: have sent a packet
    std::set<Pair> sent_to_, answered_;        ///< the phone has sent to the peer; the peer has answered
    std::map<Pair, std::set<Address>> named_;  ///< by the peer, in packets to the phone
    std::map<Address, std::set<Address>> named_by_phone_;
};

}  // namespace sipalg::test
