#include "nft/offload_helper.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cthelper.h>

#include <cerrno>
#include <string>

#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

constexpr std::array families{std::uint8_t{NFPROTO_IPV4}, std::uint8_t{NFPROTO_IPV6}};

// Required by the kernel; the queue is never used, because the helper is never configured.
constexpr std::uint32_t unused_queue = 0;
constexpr std::uint32_t expectation_seconds = 1;

struct Message {
    Message(std::uint16_t type, std::uint16_t flags, std::uint8_t family, Transport transport)
        : header(mnl_nlmsg_put_header(bytes.data())) {
        header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTHELPER << 8 | type);
        header->nlmsg_flags = flags;
        auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
        generic->nfgen_family = AF_UNSPEC;
        generic->version = NFNETLINK_V0;
        mnl_attr_put_strz(header, NFCTH_NAME, std::string(offload_helper_name).c_str());
        nlattr* tuple = mnl_attr_nest_start(header, NFCTH_TUPLE);
        mnl_attr_put_u16(header, NFCTH_TUPLE_L3PROTONUM, htons(family));
        mnl_attr_put_u8(header, NFCTH_TUPLE_L4PROTONUM, static_cast<std::uint8_t>(transport));
        mnl_attr_nest_end(header, tuple);
    }

    // Without NFCTH_STATUS the helper stays unconfigured.
    void put_definition() {
        mnl_attr_put_u32(header, NFCTH_QUEUE_NUM, htonl(unused_queue));
        mnl_attr_put_u32(header, NFCTH_PRIV_DATA_LEN, htonl(0));
        nlattr* policies = mnl_attr_nest_start(header, NFCTH_POLICY);
        mnl_attr_put_u32(header, NFCTH_POLICY_SET_NUM, htonl(1));
        nlattr* policy = mnl_attr_nest_start(header, NFCTH_POLICY_SET1);
        mnl_attr_put_strz(header, NFCTH_POLICY_NAME, std::string(offload_helper_name).c_str());
        mnl_attr_put_u32(header, NFCTH_POLICY_EXPECT_MAX, htonl(1));
        mnl_attr_put_u32(header, NFCTH_POLICY_EXPECT_TIMEOUT, htonl(expectation_seconds));
        mnl_attr_nest_end(header, policy);
        mnl_attr_nest_end(header, policies);
    }

    alignas(nlmsghdr) std::array<char, 512> bytes{};
    nlmsghdr* header;
};

// A kernel without the subsystem answers EINVAL to each of its messages; outside the first user namespace the
// answer is EPERM.
bool is_unsupported(int error) {
    return error == EINVAL || error == EPERM || error == EOPNOTSUPP;
}

[[noreturn]] void fail(const char* action, std::error_code error) {
    throw Error(std::string(action) + ": " + error.message());
}

}  // namespace

OffloadHelper find_offload_helper(netlink::Channel& channel) {
    netlink::Conversation talk(channel);
    bool all = true;
    for (const std::uint8_t family : families)
        for (const OffloadHelperObject& object : offload_helper_objects) {
            Message question(NFNL_MSG_CTHELPER_GET, 0, family, object.transport);
            const std::error_code error = talk.ask(question.header);
            if (is_unsupported(error.value())) return OffloadHelper::unsupported;
            if (error && error.value() != ENOENT) fail("looking for the conntrack helper sipalg", error);
            all = all && !error;
        }
    return all ? OffloadHelper::registered : OffloadHelper::possible;
}

bool register_offload_helper(netlink::Channel& channel) {
    netlink::Conversation talk(channel);
    for (const std::uint8_t family : families)
        for (const OffloadHelperObject& object : offload_helper_objects) {
            Message definition(NFNL_MSG_CTHELPER_NEW, NLM_F_CREATE | NLM_F_EXCL, family, object.transport);
            definition.put_definition();
            const std::error_code error = talk.ask(definition.header);
            if (is_unsupported(error.value())) return false;
            // Another daemon, or an earlier run, has registered it.
            if (error && error.value() != EEXIST) fail("registering the conntrack helper sipalg", error);
        }
    return true;
}

}  // namespace sipalg::nft
