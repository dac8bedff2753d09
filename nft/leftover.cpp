#include "nft/leftover.hpp"

#include <arpa/inet.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "nft/listing.hpp"

namespace sipalg::nft {

namespace {

// A set in the kernel's listing.
struct SetSeen {
    std::string name;
    std::uint32_t flags = 0, key_type = 0, key_size = 0, data_type = 0, data_size = 0;
};

std::vector<SetSeen> list_sets(Link& link, const std::string& table) {
    std::vector<SetSeen> sets;
    const auto narrow = [&](nlmsghdr* request) { mnl_attr_put_strz(request, NFTA_SET_TABLE, table.c_str()); };
    link.list(NFT_MSG_GETSET, NFPROTO_INET, narrow, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
        if (!set) throw std::bad_alloc();
        if (nftnl_set_nlmsg_parse(message, set.get()) < 0) return;
        const auto number = [&](std::uint16_t attribute) { return nftnl_set_get_u32(set.get(), attribute); };
        sets.push_back({nftnl_set_get_str(set.get(), NFTNL_SET_NAME), number(NFTNL_SET_FLAGS),
                        number(NFTNL_SET_KEY_TYPE), number(NFTNL_SET_KEY_LEN), number(NFTNL_SET_DATA_TYPE),
                        number(NFTNL_SET_DATA_LEN)});
    });
    return sets;
}

// The names of the table's ct helper objects.
std::vector<std::string> list_helpers(Link& link, const std::string& table) {
    std::vector<std::string> names;
    link.list(NFT_MSG_GETOBJ, NFPROTO_INET, {}, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_obj, void (*)(const nftnl_obj*)> object(nftnl_obj_alloc(), nftnl_obj_free);
        if (!object) throw std::bad_alloc();
        if (nftnl_obj_nlmsg_parse(message, object.get()) >= 0 &&
            nftnl_obj_get_u32(object.get(), NFTNL_OBJ_TYPE) == NFT_OBJECT_CT_HELPER &&
            nftnl_obj_get_str(object.get(), NFTNL_OBJ_TABLE) == table)
            names.emplace_back(nftnl_obj_get_str(object.get(), NFTNL_OBJ_NAME));
    });
    return names;
}

bool is_wanted(const SetSeen& seen, const Table& table) {
    const auto same = [&](const SetDefinition& set) {
        return set.name == seen.name && set.flags() == seen.flags && set.key_type == seen.key_type &&
               set.key_size == seen.key_size && set.data_type == seen.data_type &&
               set.data_size == seen.data_size;
    };
    return std::any_of(table.sets().begin(), table.sets().end(), same);
}

}  // namespace

Presence presence(Link& link, const std::string& table) {
    // One attribute: type, length, text with its final zero.
    std::string tag{NFTNL_UDATA_TABLE_COMMENT, static_cast<char>(table_comment.size() + 1)};
    tag.append(table_comment).push_back('\0');
    Presence found = Presence::absent;
    link.list(NFT_MSG_GETTABLE, NFPROTO_INET, {}, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_table, void (*)(const nftnl_table*)> seen(nftnl_table_alloc(),
                                                                        nftnl_table_free);
        if (!seen) throw std::bad_alloc();
        if (nftnl_table_nlmsg_parse(message, seen.get()) < 0 ||
            nftnl_table_get_str(seen.get(), NFTNL_TABLE_NAME) != table)
            return;
        std::uint32_t size = 0;
        const void* data = nftnl_table_get_data(seen.get(), NFTNL_TABLE_USERDATA, &size);
        const bool ours = data != nullptr && size == tag.size() && std::memcmp(data, tag.data(), size) == 0;
        found = ours ? Presence::ours : Presence::foreign;
    });
    return found;
}

bool require_ours_or_none(Link& link, const std::string& table) {
    const Presence found = presence(link, table);
    if (found == Presence::foreign)
        throw Error("table inet " + table +
                    " exists and was not made by sipalgd; choose another name with --table, or `nft "
                    "delete table inet " +
                    table + "`");
    return found == Presence::ours;
}

Names clear_leftover(Link& link, Batch& batch, const std::string& table, const Table& wanted) {
    Names kept;
    if (!require_ours_or_none(link, table)) {
        wanted.add_table(batch);
        return kept;
    }
    nlmsghdr* message = batch.open(NFT_MSG_DELRULE, 0, NFPROTO_INET, "deletion of old rules");
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, table.c_str());
    for (const ChainSeen& chain : list_chains(link)) {
        if (chain.family != NFPROTO_INET || chain.place.table != table) continue;
        message = batch.open(NFT_MSG_DELCHAIN, 0, NFPROTO_INET, "deletion of an old chain");
        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, table.c_str());
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain.place.chain.c_str());
    }
    for (const std::string& helper : list_helpers(link, table)) {
        message = batch.open(NFT_MSG_DELOBJ, 0, NFPROTO_INET, "deletion of an old ct helper");
        mnl_attr_put_strz(message, NFTA_OBJ_TABLE, table.c_str());
        mnl_attr_put_strz(message, NFTA_OBJ_NAME, helper.c_str());
        mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_CT_HELPER));
    }
    for (const SetSeen& set : list_sets(link, table)) {
        if (is_wanted(set, wanted)) {
            kept.insert(set.name);
            continue;
        }
        message = batch.open(NFT_MSG_DELSET, 0, NFPROTO_INET, "deletion of an old set");
        mnl_attr_put_strz(message, NFTA_SET_TABLE, table.c_str());
        mnl_attr_put_strz(message, NFTA_SET_NAME, set.name.c_str());
    }
    return kept;
}

}  // namespace sipalg::nft
