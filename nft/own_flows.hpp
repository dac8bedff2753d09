// The entries of conntrack that concern the ALG, without a dump of the whole table.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "alg/kernel/element.hpp"
#include "nft/conntrack.hpp"
#include "nft/link.hpp"

namespace sipalg::nft {

/// Theory of operation. Rules note the first packet of each UDP flow of a phone and of each flow that a
/// pinhole admits, in the sets `flows` and `flows6`, for some minutes. The reader asks conntrack about each
/// of them, and about those that its caller still knows. The cost does not depend on the connections of other
/// hosts.
class OwnFlows {
  public:
    explicit OwnFlows(std::string table) : table_(std::move(table)) {}  ///< Throws Error.

    /// Calls `entry` for the conntrack entry of each noted flow, and of each of `known`, once. False: a set
    /// was full or could not be read, so flows may be missing. Throws Error.
    [[nodiscard]] bool read(const std::vector<ConntrackTuple>& known,
                            const std::function<void(const ConntrackEntry&)>& entry);

  private:
    std::string table_;
    Link link_;
    Conntrack conntrack_;
};

}  // namespace sipalg::nft
