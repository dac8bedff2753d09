#include "nft/stored.hpp"

#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string_view>

namespace sipalg::nft {

namespace {

// An element of a set as it was read.
struct Seen {
    Value key, data;
    std::string_view user_data;
    Seconds remaining{0};
};

Value value_of(const nftnl_set_elem* element, std::uint16_t attribute) {
    std::uint32_t size = 0;
    Value value;
    const void* bytes = nftnl_set_elem_get(const_cast<nftnl_set_elem*>(element), attribute, &size);
    if (bytes == nullptr || size > value.bytes.size()) return value;
    std::memcpy(value.bytes.data(), bytes, size);
    value.size = static_cast<std::uint8_t>(size);
    return value;
}

// What is left of the element's timeout: rounded up, so that an element that is there has some of it.
Seconds remaining_of(const nftnl_set_elem* element) {
    for (const std::uint16_t attribute : {NFTNL_SET_ELEM_EXPIRATION, NFTNL_SET_ELEM_TIMEOUT})
        if (nftnl_set_elem_is_set(element, attribute))
            return std::chrono::ceil<Seconds>(std::chrono::milliseconds(
                nftnl_set_elem_get_u64(const_cast<nftnl_set_elem*>(element), attribute)));
    return Seconds{0};
}

bool each_element(Link& link, const std::string& table, std::string_view set,
                  const std::function<void(const Seen&)>& handle) {
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.data());
    };
    return link.list(NFT_MSG_GETSETELEM, NFPROTO_INET, narrow, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> part(nftnl_set_alloc(), nftnl_set_free);
        if (!part) throw std::bad_alloc();
        if (nftnl_set_elems_nlmsg_parse(message, part.get()) < 0) return;
        nftnl_set_elem_foreach(
            part.get(),
            [](nftnl_set_elem* element, void* data) {
                Seen seen;
                seen.key = value_of(element, NFTNL_SET_ELEM_KEY);
                if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_DATA))
                    seen.data = value_of(element, NFTNL_SET_ELEM_DATA);
                std::uint32_t size = 0;
                if (const void* bytes = nftnl_set_elem_get(element, NFTNL_SET_ELEM_USERDATA, &size))
                    seen.user_data = {static_cast<const char*>(bytes), size};
                seen.remaining = remaining_of(element);
                (*static_cast<const std::function<void(const Seen&)>*>(data))(seen);
                return 0;
            },
            const_cast<std::function<void(const Seen&)>*>(&handle));
    });
}

}  // namespace

std::vector<StoredElement> read_elements(Link& link, const std::string& table) {
    std::vector<StoredElement> elements;
    const auto keep = [&](const auto& element, Seconds remaining) {
        if (element) elements.push_back({*element, remaining});
    };
    std::map<Value, Value> inwards;
    each_element(link, table, set_name::mappings_in,
                 [&](const Seen& seen) { inwards.emplace(seen.key, seen.data); });
    each_element(link, table, set_name::mappings_out, [&](const Seen& seen) {
        const auto mapping = mapping_of(seen.key, seen.data);
        if (!mapping) return;
        const Entries halves = entries_of(*mapping);
        const auto opposite = inwards.find(halves.entry[1].key);
        if (opposite != inwards.end() && opposite->second == halves.entry[1].data)
            keep(mapping, seen.remaining);
    });
    const auto all_of = [&](std::initializer_list<std::string_view> sets, auto element_of) {
        for (const std::string_view set : sets)
            each_element(link, table, set,
                         [&](const Seen& seen) { keep(element_of(seen.key), seen.remaining); });
    };
    all_of({set_name::pinholes, set_name::pinholes6}, pinhole_of);
    all_of({set_name::pinholes_any, set_name::pinholes6_any}, pinhole_any_of);
    all_of({set_name::latches, set_name::latches6}, latch_of);
    all_of({set_name::learned, set_name::learned6}, learned_of);
    all_of({set_name::listeners, set_name::listeners6}, listener_of);
    all_of({set_name::shifted}, shifted_of);
    all_of({set_name::reachable, set_name::reachable6}, reachable_of);
    each_element(link, table, set_name::records,
                 [&](const Seen& seen) { keep(record_of(seen.key, seen.user_data), seen.remaining); });
    return elements;
}

std::vector<LatchedSource> read_learned(Link& link, const std::string& table) {
    std::vector<LatchedSource> all;
    for (const std::string_view set : {set_name::learned, set_name::learned6})
        each_element(link, table, set, [&](const Seen& seen) {
            if (const auto learned = learned_of(seen.key)) all.push_back(*learned);
        });
    return all;
}

bool read_maps(Link& link, const std::string& table, MapContents& maps) {
    return each_element(link, table, set_name::mappings_out,
                        [&](const Seen& seen) { maps.out.emplace(seen.key, seen.data); }) &&
           each_element(link, table, set_name::mappings_in,
                        [&](const Seen& seen) { maps.in.emplace(seen.key, seen.data); });
}

}  // namespace sipalg::nft
