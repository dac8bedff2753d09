#include "nft/own_flows.hpp"

#include <algorithm>

#include "nft/settings.hpp"
#include "nft/stored.hpp"

namespace sipalg::nft {

bool OwnFlows::read(const std::vector<ConntrackTuple>& known,
                    const std::function<void(const ConntrackEntry&)>& entry) {
    std::vector<ConntrackTuple> flows = known;
    bool complete = false;
    try {
        complete = read_noted_flows(link_, table_, flows);
    } catch (const Error&) {
        // The table changes faster than the sets can be read: the flows in `known` still have their answers.
    }
    std::sort(flows.begin(), flows.end());
    flows.erase(std::unique(flows.begin(), flows.end()), flows.end());
    conntrack_.read(flows, entry);
    return complete;
}

}  // namespace sipalg::nft
