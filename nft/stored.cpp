#include "nft/stored.hpp"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "alg/sys/attributes.hpp"

namespace sipalg::nft {

namespace {

struct ValueHash {
    std::size_t operator()(const Value& value) const {
        return std::hash<std::string_view>()({reinterpret_cast<const char*>(value.bytes.data()), value.size});
    }
};

// An element read from the kernel.
struct Seen {
    Value key, data;
    std::string_view user_data;
    Seconds remaining{0};
};

// Of a key or of data.
Value value_of(const nlattr* nest) {
    Value value;
    for (const nlattr* attribute : netlink::Attributes(nest)) {
        const std::size_t size = mnl_attr_get_payload_len(attribute);
        if (mnl_attr_get_type(attribute) != NFTA_DATA_VALUE || size > value.bytes.size()) continue;
        std::memcpy(value.bytes.data(), mnl_attr_get_payload(attribute), size);
        value.size = static_cast<std::uint8_t>(size);
    }
    return value;
}

// Rounded up, so that it is never zero.
Seconds seconds_of(const nlattr* attribute) {
    std::uint64_t ms = 0;
    if (mnl_attr_get_payload_len(attribute) >= sizeof ms)
        std::memcpy(&ms, mnl_attr_get_payload(attribute), sizeof ms);
    return std::chrono::ceil<Seconds>(std::chrono::milliseconds(be64toh(ms)));
}

Seen seen_in(const nlattr* nest) {
    Seen seen;
    std::optional<Seconds> timeout, left;
    for (const nlattr* attribute : netlink::Attributes(nest)) {
        switch (mnl_attr_get_type(attribute)) {
            case NFTA_SET_ELEM_KEY: seen.key = value_of(attribute); break;
            case NFTA_SET_ELEM_DATA: seen.data = value_of(attribute); break;
            case NFTA_SET_ELEM_TIMEOUT: timeout = seconds_of(attribute); break;
            case NFTA_SET_ELEM_EXPIRATION: left = seconds_of(attribute); break;
            case NFTA_SET_ELEM_USERDATA:
                seen.user_data = {static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                  mnl_attr_get_payload_len(attribute)};
                break;
            default: break;
        }
    }
    seen.remaining = left.value_or(timeout.value_or(Seconds{0}));
    return seen;
}

// Without libnftnl, which allocates every element: a restart reads a hundred thousand (P5).
void each_element(const nlmsghdr* message, const std::function<void(const Seen&)>& handle) {
    for (const nlattr* list : netlink::Attributes(message, sizeof(nfgenmsg)))
        if (mnl_attr_get_type(list) == NFTA_SET_ELEM_LIST_ELEMENTS)
            for (const nlattr* element : netlink::Attributes(list))
                handle(seen_in(element));
}

bool each_element(Link& link, const std::string& table, std::string_view set,
                  const std::function<void(const Seen&)>& handle) {
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.data());
    };
    return link.list(NFT_MSG_GETSETELEM, NFPROTO_INET, narrow,
                     [&](const nlmsghdr* message) { each_element(message, handle); });
}

// Looks one element up. False: the set has none with this key.
bool get_element(Link& link, const std::string& table, std::string_view set, const Value& key,
                 const std::function<void(const nlmsghdr*)>& answer) {
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.data());
        nlattr* list = mnl_attr_nest_start(request, NFTA_SET_ELEM_LIST_ELEMENTS);
        nlattr* element = mnl_attr_nest_start(request, NFTA_LIST_ELEM);
        nlattr* value = mnl_attr_nest_start(request, NFTA_SET_ELEM_KEY);
        mnl_attr_put(request, NFTA_DATA_VALUE, key.size, key.bytes.data());
        mnl_attr_nest_end(request, value);
        mnl_attr_nest_end(request, element);
        mnl_attr_nest_end(request, list);
    };
    return link.ask(NFT_MSG_GETSETELEM, NFPROTO_INET, narrow, answer);
}

bool has_element(Link& link, const std::string& table, std::string_view set, const Value& key) {
    return get_element(link, table, set, key, {});
}

}  // namespace

std::vector<StoredElement> read_elements(Link& link, const std::string& table) {
    std::vector<StoredElement> elements;
    std::unordered_map<Value, Value, ValueHash> inward;
    each_element(link, table, set_name::mappings_in,
                 [&](const Seen& seen) { inward.emplace(seen.key, seen.data); });
    const auto whole = [&](const Mapping& mapping) {
        const Entries halves = entries_of(mapping);
        const auto opposite = inward.find(halves.entry[1].key);
        return opposite != inward.end() && opposite->second == halves.entry[1].data;
    };
    for (const ElementRow& row : element_rows()) {
        if (row.element == nullptr) continue;
        const auto keep = [&](const Seen& seen) {
            auto element = element_of(row, seen.key, seen.data, seen.user_data);
            if (!element) return;
            if (const auto* mapping = std::get_if<Mapping>(&*element); mapping && !whole(*mapping)) return;
            std::string note;
            if (!std::holds_alternative<Record>(*element)) note = note_in(seen.user_data).value_or("");
            elements.push_back({*std::move(element), seen.remaining, std::move(note)});
        };
        each_element(link, table, row.set, keep);
        if (!row.set6.empty()) each_element(link, table, row.set6, keep);
    }
    return elements;
}

std::vector<LatchedSource> read_latched(Link& link, const std::string& table) {
    std::vector<LatchedSource> sources;
    for (const ElementRow& row : element_rows())
        for (const std::string_view set : {row.set, row.set6})
            if (row.set == set_name::learned)
                each_element(link, table, set, [&](const Seen& seen) {
                    if (const auto element = element_of(row, seen.key, {}, {}))
                        sources.push_back(std::get<LatchedSource>(*element));
                });
    return sources;
}

std::optional<std::uint16_t> read_seen(Link& link, const std::string& table, const Endpoint& outside,
                                       const Address& phone) {
    std::optional<std::uint16_t> port;
    if (!outside.address.is_v4() || !phone.is_v4()) return port;
    Value key;
    key.put(outside);
    key.put(phone);
    get_element(link, table, set_name::seen, key, [&](const nlmsghdr* message) {
        each_element(message, [&](const Seen& seen) {
            if (seen.data.size >= 2)
                port = static_cast<std::uint16_t>(seen.data.bytes[0] << 8 | seen.data.bytes[1]);
        });
    });
    return port;
}

bool read_noted_flows(Link& link, const std::string& table, std::vector<ConntrackTuple>& flows) {
    bool complete = true;
    for (const std::string_view set : {set_name::flows, set_name::flows6}) {
        const std::size_t before = flows.size();
        each_element(link, table, set, [&](const Seen& seen) {
            if (auto flow = udp_flow_of(seen.key)) flows.push_back(*flow);
        });
        if (flows.size() - before >= most_noted_flows) complete = false;
    }
    return complete;
}

Value key_of(const ConntrackTuple& flow) {
    Value key;
    key.put8(static_cast<std::uint8_t>(flow.transport));
    key.put(flow.source.address);
    key.put(flow.destination);
    return key;
}

std::optional<std::string> read_uplink(Link& link, const std::string& table, const ConntrackTuple& flow) {
    std::optional<std::string> name;
    if (!flow.source.address.is_v4() || !flow.destination.address.is_v4()) return name;
    get_element(link, table, set_name::uplinks, key_of(flow), [&](const nlmsghdr* message) {
        each_element(message, [&](const Seen& seen) {
            const auto& bytes = seen.data.bytes;
            name.emplace(bytes.begin(), std::find(bytes.begin(), bytes.begin() + seen.data.size, 0));
        });
    });
    return name;
}

bool any_set_flushed(Link& link, const std::string& table, const std::vector<SetDefinition>& sets,
                     std::span<const Change> expected) {
    for (const SetDefinition& set : sets)
        if (!set.fixed.empty() && !has_element(link, table, set.name, set.fixed.front().key)) return true;
    // An element that is about to expire may have expired.
    constexpr Seconds shortest{5};
    std::map<std::string_view, std::pair<Value, Seconds>> longest;
    for (const Change& change : expected) {
        if (change.op == Change::Op::remove || change.timeout < shortest ||
            std::holds_alternative<Latch>(change.element) ||
            std::holds_alternative<LatchedSource>(change.element))
            continue;
        for (const Entry& entry : entries_of(change.element)) {
            auto& best = longest[entry.set];
            if (change.timeout > best.second) best = {entry.key, change.timeout};
        }
    }
    return std::any_of(longest.begin(), longest.end(), [&](const auto& set) {
        return !has_element(link, table, set.first, set.second.first);
    });
}

bool read_maps(Link& link, const std::string& table, MapContents& maps) {
    return each_element(link, table, set_name::mappings_out,
                        [&](const Seen& seen) { maps.out.emplace(seen.key, seen.data); }) &&
           each_element(link, table, set_name::mappings_via,
                        [&](const Seen& seen) { maps.via.emplace(seen.key, seen.data); }) &&
           each_element(link, table, set_name::mappings_in,
                        [&](const Seen& seen) { maps.in.emplace(seen.key, seen.data); });
}

}  // namespace sipalg::nft
