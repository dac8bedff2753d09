#include "nft/table.hpp"

#include <libnftnl/chain.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <memory>
#include <new>

#include "nft/offload_rules.hpp"
#include "nft/tls_and_discovery.hpp"

namespace sipalg::nft {

namespace {

constexpr Hook before_conntrack{"filter", NF_INET_PRE_ROUTING, "prerouting", -300, "raw"};
constexpr Hook after_nat{"filter", NF_INET_POST_ROUTING, "postrouting", 110, "srcnat + 10"};
constexpr Hook before_output{"filter", NF_INET_LOCAL_OUT, "output", -300, "raw"};
constexpr Hook before_dnat{"nat", NF_INET_PRE_ROUTING, "prerouting", -105, "dstnat - 5"};
constexpr Hook before_snat{"nat", NF_INET_POST_ROUTING, "postrouting", 95, "srcnat - 5"};

const Address link_local = *Address::parse("169.254.0.0"), link_local6 = *Address::parse("fe80::");

// The timeout of a latched source. The daemon reads the set about once a second, and a restarted daemon a
// little later.
constexpr std::chrono::seconds latched_for{60};
// A phone is known from each packet that is read; registrations and keep-alives come more often than this.
constexpr std::chrono::hours known_for{1};
// A translation is noted with the first packets of a flow, and lives as long as a UDP stream in conntrack.
constexpr std::chrono::minutes seen_for{3};
// Much longer than the time between two scans of conntrack, which remember a flow until it ends.
constexpr std::chrono::minutes flow_noted_for{3};
constexpr std::chrono::seconds noted_for{30};

}  // namespace

Table::Table(const Settings& settings, QueueMethod queue, Origin origin)
    : name_(settings.table),
      keep_out_of_flowtables_(settings.keep_out_of_flowtables),
      sets_(sets_of(settings, origin)) {
    chains_.reserve(32);  // the references below must stay valid

    constexpr std::string_view other_outward = "other_ports_outward", other_inward = "other_ports_inward";
    constexpr std::string_view outward = "outward", true_source = "true_source", from_phone = "from_phone",
                               inward = "inward", inward_shifted = "inward_shifted",
                               to_outside = "to_outside", new_flows = "new_flows", let_in = "let_in",
                               let_in6 = "let_in6";
    const bool any_inside = settings.inside.empty();
    const std::string_view sides = any_inside ? set_name::outside : set_name::inside;

    // A2: packets from phones' signalling endpoints to any port of the other end.
    const auto take_listeners = [&](ChainDefinition& chain) {
        chain.add()
            .fields({Field::protocol, Field::source, Field::source_port}, set_name::listeners)
            .goto_chain(outward);
        chain.add()
            .fields({Field::protocol, Field::source6, Field::source_port}, set_name::listeners6)
            .goto_chain(outward);
    };

    ChainDefinition& from_inside = chains_.emplace_back("from_inside", before_conntrack);
    from_inside.add().interface(Interface::in, sides, any_inside).accept();
    // P3: media match this rule and no listener, so they skip the rules below.
    from_inside.add()
        .not_carried_by(Transport::tcp)
        .fields({Field::destination_port}, set_name::signalling_ports, false)
        .fields({Field::source_port}, set_name::signalling_ports, false)
        .goto_chain(other_outward);
    from_inside.add().fields({Field::destination_port}, set_name::tls_ports).jump_chain(hello_outward);
    from_inside.add().fields({Field::source_port}, set_name::tls_ports).jump_chain(hello_outward);
    from_inside.add().no_transport_of(set_name::transports).accept();
    from_inside.add()
        .fields(
            {Field::protocol, Field::source, Field::source_port, Field::destination, Field::destination_port},
            set_name::shifted)
        .queue(queue, settings.shifted_queue(), 1, false);
    from_inside.add().fields({Field::destination_port}, set_name::sip_ports).goto_chain(outward);
    from_inside.add().fields({Field::source_port}, set_name::sip_ports).goto_chain(outward);
    take_listeners(from_inside);

    take_listeners(chains_.emplace_back(other_outward, std::nullopt));

    chains_.emplace_back(outward, std::nullopt)
        .add()
        .routed_to(set_name::outside_route)
        .goto_chain(true_source);

    // X12: packets from inside are read only if the route back to their source uses the same interface.
    ChainDefinition& checked = chains_.emplace_back(true_source, std::nullopt);
    checked.add().not_from_a_host().count().accept();
    checked.add().from_prefix(link_local, 16).count().accept();
    checked.add().from_prefix(link_local6, 10).count().accept();
    checked.add().routed_back().goto_chain(from_phone);
    checked.add().fields({Field::source}, set_name::any_interface).goto_chain(from_phone);
    checked.add().fields({Field::source6}, set_name::any_interface6).goto_chain(from_phone);
    checked.add().count();

    ChainDefinition& read = chains_.emplace_back(from_phone, std::nullopt);
    read.add().update({Field::source}, set_name::phones, known_for);
    read.add().update({Field::source6}, set_name::phones6, known_for);
    read.add().queue(queue, settings.queue, settings.queues);

    ChainDefinition& to_inside = chains_.emplace_back("to_inside", after_nat);
    to_inside.add().interface(Interface::in, set_name::outside, false).goto_chain(to_outside);
    to_inside.add()
        .not_carried_by(Transport::tcp)
        .fields({Field::source_port}, set_name::signalling_ports, false)
        .fields({Field::destination_port}, set_name::signalling_ports, false)
        .goto_chain(other_inward);
    to_inside.add().interface(Interface::out, sides, any_inside).accept();
    to_inside.add().fields({Field::source_port}, set_name::tls_ports).jump_chain(hello_inward);
    to_inside.add().fields({Field::destination_port}, set_name::tls_ports).jump_chain(hello_inward);
    to_inside.add().no_transport_of(set_name::transports).accept();
    to_inside.add()
        .fields(
            {Field::protocol, Field::destination, Field::destination_port, Field::source, Field::source_port},
            set_name::shifted)
        .goto_chain(inward_shifted);
    to_inside.add().fields({Field::source_port}, set_name::sip_ports).goto_chain(inward);
    to_inside.add().fields({Field::destination_port}, set_name::sip_ports).goto_chain(inward);
    to_inside.add()
        .fields({Field::protocol, Field::destination, Field::destination_port}, set_name::listeners)
        .goto_chain(inward);
    to_inside.add()
        .fields({Field::protocol, Field::destination6, Field::destination_port}, set_name::listeners6)
        .goto_chain(inward);

    ChainDefinition& to_listeners = chains_.emplace_back(other_inward, std::nullopt);
    to_listeners.add()
        .fields({Field::protocol, Field::destination, Field::destination_port}, set_name::listeners)
        .interface(Interface::out, sides, !any_inside)
        .goto_chain(inward);
    to_listeners.add()
        .fields({Field::protocol, Field::destination6, Field::destination_port}, set_name::listeners6)
        .interface(Interface::out, sides, !any_inside)
        .goto_chain(inward);

    // A9: notes the interface by which a flow leaves if its uplink depends on a firewall mark. The packet is
    // dropped, because it names an address that may be wrong; its sender repeats it.
    ChainDefinition& noted = chains_.emplace_back(to_outside, std::nullopt);
    const auto flow = {Field::protocol, Field::original_source, Field::destination, Field::destination_port};
    noted.add().established().accept();  // P3: nearly all media
    noted.add()
        .unanswered()
        .fields(flow, set_name::unsettled)
        .note_interface(flow, set_name::uplinks, noted_for)
        .remove(flow, set_name::unsettled)
        .drop();
    noted.add().unanswered().interface(Interface::out, set_name::outside).goto_chain(new_flows);

    // S2: the public port that NAT gives to a phone's socket, ours or the owner's. C6, C7: the flows
    // themselves; those of delegates, which send no signalling, by the pinhole in the other direction. If a
    // set is full, nothing is noted, and the packet continues.
    const auto original = {Field::original_source, Field::original_source_port, Field::original_destination,
                           Field::original_destination_port};
    const auto original6 = {Field::original_source6, Field::original_source_port,
                            Field::original_destination6, Field::original_destination_port};
    ChainDefinition& opened = chains_.emplace_back(new_flows, std::nullopt);
    // nft needs the match on UDP to read the ports; before the lookup of pinholes it would not list it.
    opened.add()
        .carried_by(Transport::udp)
        .opened_by(set_name::phones)
        .note_source_nat(set_name::seen, seen_for);
    opened.add()
        .carried_by(Transport::udp)
        .opened_by(set_name::phones)
        .update(original, set_name::flows, flow_noted_for);
    opened.add()
        .fields({Field::protocol, Field::destination, Field::source, Field::source_port}, set_name::pinholes)
        .carried_by(Transport::udp)
        .update(original, set_name::flows, flow_noted_for);
    opened.add()
        .carried_by(Transport::udp)
        .fields({Field::original_source6}, set_name::phones6)
        .update(original6, set_name::flows6, flow_noted_for);
    opened.add()
        .fields({Field::protocol, Field::destination6, Field::source6, Field::source_port},
                set_name::pinholes6)
        .carried_by(Transport::udp)
        .update(original6, set_name::flows6, flow_noted_for);

    // X11: the daemon takes a packet for an answer only if conntrack has seen the connection in both
    // directions. A6: every queue rule but those of `shifted` has bypass.
    ChainDefinition& queued = chains_.emplace_back(inward, std::nullopt);
    queued.add().established().mark_packet(established_mark);
    queued.add().queue(queue, settings.queue, settings.queues);
    ChainDefinition& kept = chains_.emplace_back(inward_shifted, std::nullopt);
    kept.add().established().mark_packet(established_mark);
    kept.add().queue(queue, settings.shifted_queue(), 1, false);

    const auto endpoint = {Field::protocol, Field::destination, Field::destination_port};
    const auto from = {Field::protocol, Field::source, Field::destination, Field::destination_port};
    ChainDefinition& admit = chains_.emplace_back("admit", before_dnat);
    admit.add().interface(Interface::in, set_name::outside, false).accept();
    admit.add().fields(from, set_name::pinholes).goto_chain(let_in);
    admit.add().fields(endpoint, set_name::pinholes_any).goto_chain(let_in);
    admit.add()
        .fields(endpoint, set_name::latches)
        .update(from, set_name::learned, latched_for)
        .remove(endpoint, set_name::latches)
        .goto_chain(let_in);
    admit.add()
        .fields({Field::source}, set_name::allowed_peers)
        .fields(endpoint, set_name::reachable)
        .goto_chain(let_in);
    const auto endpoint6 = {Field::protocol, Field::destination6, Field::destination_port};
    const auto from6 = {Field::protocol, Field::source6, Field::destination6, Field::destination_port};
    admit.add().fields(from6, set_name::pinholes6).goto_chain(let_in6);
    admit.add().fields(endpoint6, set_name::pinholes6_any).goto_chain(let_in6);
    admit.add()
        .fields(endpoint6, set_name::latches6)
        .update(from6, set_name::learned6, latched_for)
        .remove(endpoint6, set_name::latches6)
        .goto_chain(let_in6);
    admit.add()
        .fields({Field::source6}, set_name::allowed_peers6)
        .fields(endpoint6, set_name::reachable6)
        .goto_chain(let_in6);

    ChainDefinition& admitted = chains_.emplace_back(let_in, std::nullopt);
    admitted.add().mark_connection(pinhole_mark);
    admitted.add().carried_by(Transport::udp).update(original, set_name::flows, flow_noted_for);
    admitted.add().translate(Nat::destination, endpoint, set_name::mappings_in);
    ChainDefinition& admitted6 = chains_.emplace_back(let_in6, std::nullopt);
    admitted6.add().mark_connection(pinhole_mark);
    admitted6.add().carried_by(Transport::udp).update(original6, set_name::flows6, flow_noted_for);

    chains_.emplace_back("from_router", before_output).add().packet_marked(own_mark).untracked();

    ChainDefinition& translate = chains_.emplace_back("translate", before_snat);
    translate.add().interface(Interface::out, set_name::outside, false).accept();
    // A phone may have one mapping at each of several uplinks.
    translate.add().translate(Nat::source,
                              {Field::protocol, Field::source, Field::source_port, Field::out_interface},
                              set_name::mappings_via);
    translate.add().translate(Nat::source, {Field::protocol, Field::source, Field::source_port},
                              set_name::mappings_out);

    add_tls_and_discovery(chains_, settings, queue, origin);
    if (keep_out_of_flowtables_) add_offload_chains(chains_);
}

void Table::add_table(Batch& batch) const {
    std::unique_ptr<nftnl_table, void (*)(const nftnl_table*)> table(nftnl_table_alloc(), nftnl_table_free);
    std::unique_ptr<nftnl_udata_buf, void (*)(const nftnl_udata_buf*)> data(nftnl_udata_buf_alloc(256),
                                                                            nftnl_udata_buf_free);
    if (!table || !data) throw std::bad_alloc();
    nftnl_udata_put_strz(data.get(), NFTNL_UDATA_TABLE_COMMENT, table_comment.data());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name_.c_str());
    nftnl_table_set_data(table.get(), NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(data.get()),
                         nftnl_udata_buf_len(data.get()));
    nlmsghdr* message = batch.open(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET, "the table");
    nftnl_table_nlmsg_build_payload(message, table.get());
}

void Table::add_contents(Batch& batch, const Names& present) const {
    std::uint32_t number = 0;
    for (const SetDefinition& set : sets_) {
        ++number;
        if (!present.contains(set.name)) set.add_to(batch, name_, number);
        if (!set.timeouts) set.fill(batch, name_);
    }
    if (keep_out_of_flowtables_) add_offload_objects(batch, name_);
    add_chains(batch);
}

void Table::replace_settings(Batch& batch) const {
    for (const SetDefinition& set : sets_)
        for (const std::string_view name :
             {set_name::outside, set_name::outside_route, set_name::allowed_peers, set_name::allowed_peers6,
              set_name::any_interface, set_name::any_interface6})
            if (set.name == name) set.fill(batch, name_);
}

void Table::add_chains(Batch& batch) const {
    for (const ChainDefinition& definition : chains_) {
        std::unique_ptr<nftnl_chain, void (*)(const nftnl_chain*)> chain(nftnl_chain_alloc(),
                                                                         nftnl_chain_free);
        if (!chain) throw std::bad_alloc();
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, name_.c_str());
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, definition.name.data());
        if (definition.hook) {
            nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, definition.hook->type);
            nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, definition.hook->number);
            nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, definition.hook->priority);
            nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
        }
        nlmsghdr* message = batch.open(NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_INET, definition.name);
        nftnl_chain_nlmsg_build_payload(message, chain.get());
    }
    // After all chains, since a rule may refer to a later one.
    for (const ChainDefinition& definition : chains_)
        for (const Rule& r : definition.rules)
            r.add_to(batch, name_, definition.name);
}

std::string Table::text() const {
    std::string text = "table inet " + name_ + " {\n\tcomment \"" + std::string(table_comment) + "\"\n";
    if (keep_out_of_flowtables_) text += offload_objects_text();
    for (const SetDefinition& set : sets_)
        text += set.text() + "\n";
    for (const ChainDefinition& chain : chains_) {
        text += "\tchain " + std::string(chain.name) + " {\n";
        if (chain.hook)
            text += std::string("\t\ttype ") + chain.hook->type + " hook " + chain.hook->name + " priority " +
                    chain.hook->priority_name + "; policy accept;\n";
        for (const Rule& r : chain.rules)
            text += "\t\t" + r.text() + "\n";
        text += &chain == &chains_.back() ? "\t}\n" : "\t}\n\n";
    }
    return text + "}\n";
}

}  // namespace sipalg::nft
