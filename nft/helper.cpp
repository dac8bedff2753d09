#include "nft/helper.hpp"

#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CT.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "nft/listing.hpp"
#include "nft/rule.hpp"

namespace sipalg::nft {

namespace {

constexpr std::string_view layer7_name = "sip";

struct HelperObject {
    std::uint32_t family;
    std::string table, name;
};

std::vector<HelperObject> helper_objects_in_use(Link& link) {
    std::vector<HelperObject> objects;
    link.list(NFT_MSG_GETOBJ, NFPROTO_UNSPEC, {}, [&](const nlmsghdr* message) {
        std::unique_ptr<nftnl_obj, void (*)(const nftnl_obj*)> object(nftnl_obj_alloc(), nftnl_obj_free);
        if (!object) throw std::bad_alloc();
        if (nftnl_obj_nlmsg_parse(message, object.get()) < 0 ||
            nftnl_obj_get_u32(object.get(), NFTNL_OBJ_TYPE) != NFT_OBJECT_CT_HELPER ||
            nftnl_obj_get_u32(object.get(), NFTNL_OBJ_USE) == 0)
            return;
        const char* kind = nftnl_obj_get_str(object.get(), NFTNL_OBJ_CT_HELPER_NAME);
        if (kind != nullptr && kind == layer7_name)
            objects.push_back({nftnl_obj_get_u32(object.get(), NFTNL_OBJ_FAMILY),
                               nftnl_obj_get_str(object.get(), NFTNL_OBJ_TABLE),
                               nftnl_obj_get_str(object.get(), NFTNL_OBJ_NAME)});
    });
    return objects;
}

// Whether the rule assigns the helper: by a named object, or by the CT target of iptables-nft.
bool assigns(const nftnl_rule* rule, const std::vector<HelperObject>& objects) {
    struct Search {
        const nftnl_rule* rule;
        const std::vector<HelperObject>& objects;
        bool found;
    } search{rule, objects, false};
    nftnl_expr_foreach(
        const_cast<nftnl_rule*>(rule),
        [](nftnl_expr* expression, void* data) {
            auto& s = *static_cast<Search*>(data);
            const std::string_view name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
            if (name == "objref" && nftnl_expr_is_set(expression, NFTNL_EXPR_OBJREF_IMM_NAME) &&
                nftnl_expr_get_u32(expression, NFTNL_EXPR_OBJREF_IMM_TYPE) == NFT_OBJECT_CT_HELPER) {
                for (const HelperObject& object : s.objects)
                    if (object.family == nftnl_rule_get_u32(s.rule, NFTNL_RULE_FAMILY) &&
                        object.table == nftnl_rule_get_str(s.rule, NFTNL_RULE_TABLE) &&
                        object.name == nftnl_expr_get_str(expression, NFTNL_EXPR_OBJREF_IMM_NAME))
                        s.found = true;
            } else if (name == "target" &&
                       std::string_view(nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME)) == "CT") {
                std::uint32_t size = 0;
                // All revisions begin with the same fields.
                const void* info = nftnl_expr_get(expression, NFTNL_EXPR_TG_INFO, &size);
                char helper[sizeof(xt_ct_target_info::helper) + 1] = {};
                if (info != nullptr && size >= sizeof(xt_ct_target_info)) {
                    std::memcpy(helper, static_cast<const xt_ct_target_info*>(info)->helper,
                                sizeof helper - 1);
                    if (helper == layer7_name) s.found = true;
                }
            }
            return 0;
        },
        &search);
    return search.found;
}

}  // namespace

std::optional<std::string> automatic_helper(const std::string& root) {
    std::ifstream setting(root + "/proc/sys/net/netfilter/nf_conntrack_helper");
    int value = 0;
    if (!(setting >> value) || value == 0 || !std::filesystem::exists(root + "/sys/module/nf_conntrack_sip"))
        return std::nullopt;
    return "the kernel's own SIP helper handles every flow to its port; "
           "turn it off with `sysctl -w net.netfilter.nf_conntrack_helper=0` or `modprobe -r nf_nat_sip "
           "nf_conntrack_sip`";
}

std::optional<std::string> kernel_helper_in_use(Link& link, const std::string& root) {
    const auto objects = helper_objects_in_use(link);
    std::optional<std::string> finding;
    link.list(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, [&](const nlmsghdr* message) {
        RuleHandle rule(nftnl_rule_alloc());
        if (!rule) throw std::bad_alloc();
        if (finding || nftnl_rule_nlmsg_parse(message, rule.get()) < 0 || !assigns(rule.get(), objects))
            return;
        const std::string place =
            family_name(static_cast<std::uint8_t>(nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY))) + " " +
            nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE) + " " +
            nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN);
        finding = "a rule in chain " + place +
                  " assigns the kernel's own SIP helper; remove it: `nft delete rule " + place + " handle " +
                  std::to_string(nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE)) + "`";
    });
    if (finding) return finding;
    if (!objects.empty()) {
        const HelperObject& object = objects.front();
        const std::string table = family_name(static_cast<std::uint8_t>(object.family)) + " " + object.table;
        return "ct helper " + object.name + " of table " + table +
               " assigns the kernel's own SIP helper; find the rules that refer to it with `nft list table " +
               table + "` and remove them";
    }
    return automatic_helper(root);
}

}  // namespace sipalg::nft
