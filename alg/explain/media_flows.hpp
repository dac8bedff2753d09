// The media packets of a capture: which call they belong to, and which of its pinholes they come through.
//
// Theory of operation. If both sides of the router are captured, each media packet is there twice. A packet
// to a phone is taken from the outside if the phone's endpoint behind the router is known, so that packets
// which the router refused are counted, and from the inside otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "alg/base/time.hpp"
#include "alg/explain/conversations.hpp"
#include "alg/explain/topology.hpp"

namespace sipalg::explain {

/// As conntrack would count it.
struct MediaFlow {
    std::uint64_t from_phone = 0, to_phone = 0;
    bool phone_began = false;
    Time last{0};
};

class MediaFlows {
  public:
    using FlowId = std::pair<Endpoint, Endpoint>;  // inside, remote
    /// Later flows of a capture are not followed.
    static constexpr std::size_t most_flows = 4096;

    /// A pinhole tells which call an inside endpoint belongs to.
    void note(const facts::PinholeChange& change);
    /// A packet of the phone's endpoint `inside`. True: it belongs to a call, and counts.
    bool take(Conversations& conversations, const Oriented& way, const Endpoint& inside, Time now,
              double at_s);
    /// Removes the flows between these endpoints, or with this remote source, which the core has ended.
    void forget(const Endpoint& source, const Endpoint& destination);
    /// Removes the flows for which `gone` is true.
    void remove_if(const std::function<bool(const FlowId& id, const MediaFlow& flow)>& gone);

  private:
    struct Owner {
        std::string call_id, type;
        bool rtcp = false;
    };
    MediaFlow& flow_of(const FlowId& id, bool phone_began, Time now);
    static MediaPath* path_of(Conversation& call, const Owner& owner, const FlowId& id, double at_s);

    std::map<FlowId, MediaFlow> flows_;
    std::map<Endpoint, Owner> owners_;  ///< by the inside endpoint
    std::set<FlowId> seen_outside_;     ///< packets to the phone that are taken from the outside
};

}  // namespace sipalg::explain
