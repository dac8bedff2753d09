// The table's sets and maps: names, key and data types, and the elements that come from the settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nft/batch.hpp"
#include "nft/elements.hpp"
#include "nft/rule.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

/// The size of the sets `flows` and `flows6`.
inline constexpr std::uint32_t most_noted_flows = 16384;

struct SetDefinition {
    std::string_view name;
    std::string type;               ///< as nft writes it: "inet_proto . ipv4_addr : …"
    bool by_route = false;          ///< interface names for `fib`; nft has two types for interface names
    std::optional<Origin> payload;  ///< keys are the first four bytes of a payload, counted from there
    bool timeouts = false;   ///< the elements are state of the daemon, with timeouts, and survive a restart
    std::uint32_t most = 0;  ///< the set's size where rules add elements; 0: only the daemon does
    std::uint32_t key_type = 0, key_size = 0;
    std::uint32_t data_type = 0, data_size = 0;  ///< 0: a set, not a map
    bool intervals = false;  ///< elements come in pairs: the first address, and the one after the last
    struct Fixed {
        Value key;
        bool ends_interval = false;
    };
    std::vector<Fixed> fixed;             ///< elements that come from the settings
    std::vector<std::string> fixed_text;  ///< the same for text()

    std::uint32_t flags() const;  ///< NFT_SET_…
    /// The message that makes the set. `number`: unique among the sets of the batch.
    void add_to(Batch& batch, const std::string& table, std::uint32_t number) const;
    /// Adds messages that replace its elements by the fixed ones.
    void fill(Batch& batch, const std::string& table) const;
    /// The text in nft's listing.
    std::string text() const;
};

/// All sets for given settings. `origin`: see Table.
std::vector<SetDefinition> sets_of(const Settings& settings, Origin origin);

}  // namespace sipalg::nft
