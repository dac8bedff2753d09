#include "nft/offload_rules.hpp"

#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <memory>
#include <new>

#include "nft/offload_helper.hpp"

namespace sipalg::nft {

namespace {

// After source NAT: with a helper, an NFQUEUE of another program confirms the connection, and a connection
// that is confirmed before source NAT leaves untranslated.
constexpr Hook after_nat{"filter", NF_INET_POST_ROUTING, "postrouting", 110, "srcnat + 10"};

}  // namespace

void add_offload_objects(Batch& batch, const std::string& table) {
    for (const OffloadHelperObject& helper : offload_helper_objects) {
        std::unique_ptr<nftnl_obj, void (*)(const nftnl_obj*)> object(nftnl_obj_alloc(), nftnl_obj_free);
        if (!object) throw std::bad_alloc();
        nftnl_obj_set_u32(object.get(), NFTNL_OBJ_FAMILY, NFPROTO_INET);
        nftnl_obj_set_u32(object.get(), NFTNL_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
        nftnl_obj_set_str(object.get(), NFTNL_OBJ_TABLE, table.c_str());
        nftnl_obj_set_str(object.get(), NFTNL_OBJ_NAME, helper.name);
        nftnl_obj_set_str(object.get(), NFTNL_OBJ_CT_HELPER_NAME, std::string(offload_helper_name).c_str());
        nftnl_obj_set_u16(object.get(), NFTNL_OBJ_CT_HELPER_L3PROTO, NFPROTO_INET);
        nftnl_obj_set_u8(object.get(), NFTNL_OBJ_CT_HELPER_L4PROTO,
                         static_cast<std::uint8_t>(helper.transport));
        nlmsghdr* message = batch.open(NFT_MSG_NEWOBJ, NLM_F_CREATE, NFPROTO_INET, helper.name);
        nftnl_obj_nlmsg_build_payload(message, object.get());
    }
}

std::string offload_objects_text() {
    std::string text;
    for (const OffloadHelperObject& helper : offload_helper_objects)
        text += std::string("\tct helper ") + helper.name + " {\n\t\ttype \"" +
                std::string(offload_helper_name) + "\" protocol " + std::string(name(helper.transport)) +
                "\n\t\tl3proto inet\n\t}\n\n";
    return text;
}

// A8: signalling is a connection with a SIP port at either end, or with a diversion as its inside end.
void add_offload_chains(std::vector<ChainDefinition>& chains) {
    constexpr std::string_view outer = "outer_flow", not_offloaded = "not_offloaded";
    ChainDefinition& first = chains.emplace_back("first_packet", after_nat);
    first.add().established().accept();
    first.add().no_transport_of(set_name::transports).accept();
    first.add().interface(Interface::out, set_name::outside).goto_chain(outer);
    first.add().interface(Interface::in, set_name::outside).goto_chain(outer);

    // From inside, the packet has its public source here, so its inside end is in the conntrack entry.
    ChainDefinition& flow = chains.emplace_back(outer, std::nullopt);
    flow.add().fields({Field::destination_port}, set_name::sip_ports).goto_chain(not_offloaded);
    flow.add().fields({Field::source_port}, set_name::sip_ports).goto_chain(not_offloaded);
    flow.add().fields({Field::original_source_port}, set_name::sip_ports).goto_chain(not_offloaded);
    flow.add()
        .fields({Field::protocol, Field::original_source, Field::original_source_port}, set_name::listeners)
        .goto_chain(not_offloaded);
    flow.add()
        .fields({Field::protocol, Field::original_source6, Field::original_source_port}, set_name::listeners6)
        .goto_chain(not_offloaded);
    flow.add()
        .fields({Field::protocol, Field::destination, Field::destination_port}, set_name::listeners)
        .goto_chain(not_offloaded);
    flow.add()
        .fields({Field::protocol, Field::destination6, Field::destination_port}, set_name::listeners6)
        .goto_chain(not_offloaded);

    ChainDefinition& assign = chains.emplace_back(not_offloaded, std::nullopt);
    for (const OffloadHelperObject& helper : offload_helper_objects)
        assign.add().assign_helper(helper.name);
}

}  // namespace sipalg::nft
