#include "nft/table.hpp"

#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "nft/watching.hpp"

namespace sipalg::nft {

namespace {

// nft's numbers of data types; the kernel only stores them for those who list the set.
struct Type {
    std::string_view name;
    std::uint32_t number, size;
};
constexpr Type string_type{"string", 5, 16};
constexpr Type inet_proto{"inet_proto", 12, 1};
constexpr Type ipv4_addr{"ipv4_addr", 7, 4};
constexpr Type ipv6_addr{"ipv6_addr", 8, 16};
constexpr Type inet_service{"inet_service", 13, 2};
constexpr Type mark{"mark", 19, 4};
constexpr Type ifname{"ifname", 41, 16};

struct Joined {
    std::string text;
    std::uint32_t number = 0, size = 0;
};

// A concatenation: six bits for each part's type, each part filled up to 32 bits.
Joined join(std::initializer_list<Type> parts) {
    Joined all;
    for (const Type& part : parts) {
        if (!all.text.empty()) all.text += " . ";
        all.text += part.name;
        all.number = all.number << 6 | part.number;
        all.size += parts.size() == 1 ? part.size : (part.size + 3) / 4 * 4;
    }
    return all;
}

SetDefinition make_set(std::string_view name, std::initializer_list<Type> key, bool timeouts,
                       std::initializer_list<Type> data = {}) {
    const Joined keys = join(key);
    const Joined values = join(data);
    SetDefinition set;
    set.name = name;
    set.type = keys.text + (values.size > 0 ? " : " + values.text : "");
    set.timeouts = timeouts;
    set.key_type = keys.number;
    set.key_size = keys.size;
    set.data_type = values.number;
    set.data_size = values.size;
    return set;
}

SetDefinition interfaces(std::string_view set_name, std::vector<std::string> names, bool by_route = false) {
    SetDefinition set = make_set(set_name, {by_route ? string_type : ifname}, false);
    set.by_route = by_route;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) {
        Value key;
        key.size = 16;
        std::copy_n(name.begin(), std::min<std::size_t>(name.size(), 15), key.bytes.begin());
        set.fixed.push_back({key, false});
        set.fixed_text.push_back('"' + name + '"');
    }
    return set;
}

SetDefinition ports(std::string_view set_name, std::vector<std::uint16_t> numbers) {
    SetDefinition set = make_set(set_name, {inet_service}, false);
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const std::uint16_t number : numbers) {
        Value key;
        key.put16(number);
        key.size = 2;
        set.fixed.push_back({key, false});
        set.fixed_text.push_back(std::to_string(number));
    }
    return set;
}

// The address behind the last one with these first bits; nullopt: there is none.
std::optional<Value> behind(const Peers& peers) {
    Value key;
    key.put(peers.address);
    for (std::size_t byte = (peers.length + 7U) / 8U; byte-- > 0;) {
        const unsigned bits = byte == (peers.length - 1U) / 8U ? (peers.length - 1U) % 8U : 7U;
        const unsigned sum = key.bytes[byte] + (0x80U >> bits);
        key.bytes[byte] = static_cast<std::uint8_t>(sum);
        if (sum < 256) return key;
    }
    return std::nullopt;
}

SetDefinition peers_of(std::string_view set_name, const Type& type, std::vector<Peers> all) {
    SetDefinition set = make_set(set_name, {type}, false);
    set.intervals = true;
    std::erase_if(all, [&](const Peers& peers) { return peers.address.size() != type.size; });
    std::sort(all.begin(), all.end());
    for (const Peers& peers : all) {
        Value first;
        first.put(peers.address);
        set.fixed.push_back({first, false});
        if (const auto end = behind(peers)) set.fixed.push_back({*end, true});
        const bool single = peers.length == type.size * 8;
        set.fixed_text.push_back(peers.address.text() + (single ? "" : "/" + std::to_string(peers.length)));
    }
    return set;
}

// Memory for what rules add; more endpoints that wait for a latch at once are not learned from.
constexpr std::uint32_t most_latches = 4096;
// The daemon reads it about once a second, one that was restarted a little later.
constexpr std::chrono::seconds learned_for{60};

constexpr Hook before_conntrack{"filter", NF_INET_PRE_ROUTING, "prerouting", -300, "raw"};
constexpr Hook after_nat{"filter", NF_INET_POST_ROUTING, "postrouting", 110, "srcnat + 10"};
constexpr Hook before_output{"filter", NF_INET_LOCAL_OUT, "output", -300, "raw"};
constexpr Hook before_dnat{"nat", NF_INET_PRE_ROUTING, "prerouting", -105, "dstnat - 5"};
constexpr Hook before_snat{"nat", NF_INET_POST_ROUTING, "postrouting", 95, "srcnat - 5"};

SetDefinition transports() {
    SetDefinition set = make_set(set_name::transports, {inet_proto}, false);
    for (const auto& [number, text] : {std::pair{IPPROTO_TCP, "tcp"}, std::pair{IPPROTO_UDP, "udp"}}) {
        Value key;
        key.put8(static_cast<std::uint8_t>(number));
        key.size = 1;
        set.fixed.push_back({key, false});
        set.fixed_text.emplace_back(text);
    }
    return set;
}

// Puts user data as nft writes it into `set`: byte order of the key, and where the type alone does not say
// it, the expression the key comes from.
void describe(nftnl_set* set, const SetDefinition& definition) {
    constexpr std::uint32_t host_order = 1, network_order = 2;
    constexpr std::uint32_t fib_expression = 26, fib_result = 0, fib_flags = 1;
    std::unique_ptr<nftnl_udata_buf, void (*)(const nftnl_udata_buf*)> data(nftnl_udata_buf_alloc(256),
                                                                            nftnl_udata_buf_free);
    if (!data) throw std::bad_alloc();
    const bool in_host_order = definition.key_type == ifname.number || definition.by_route;
    const bool concatenated = definition.key_type >= 64;
    nftnl_udata_put_u32(data.get(), NFTNL_UDATA_SET_KEYBYTEORDER,
                        concatenated    ? 0
                        : in_host_order ? host_order
                                        : network_order);
    if (definition.by_route) {
        auto* type = nftnl_udata_nest_start(data.get(), NFTNL_UDATA_SET_KEY_TYPEOF);
        nftnl_udata_put_u32(data.get(), NFTNL_UDATA_SET_TYPEOF_EXPR, fib_expression);
        auto* details = nftnl_udata_nest_start(data.get(), NFTNL_UDATA_SET_TYPEOF_DATA);
        nftnl_udata_put_u32(data.get(), fib_result, NFT_FIB_RESULT_OIFNAME);
        nftnl_udata_put_u32(data.get(), fib_flags, NFTA_FIB_F_DADDR);
        nftnl_udata_nest_end(data.get(), details);
        nftnl_udata_nest_end(data.get(), type);
    }
    if (definition.payload) describe_payload(data.get(), *definition.payload);
    nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(data.get()),
                       nftnl_udata_buf_len(data.get()));
}

}  // namespace

Table::Table(const Settings& settings, QueueMethod queue, Origin origin) : name_(settings.table) {
    chains_.reserve(12);  // references into it are used below
    sets_.push_back(interfaces(set_name::outside, settings.outside));
    sets_.push_back(interfaces(set_name::outside_route, settings.outside, true));
    if (!settings.inside.empty()) sets_.push_back(interfaces(set_name::inside, settings.inside));
    sets_.push_back(ports(set_name::sip_ports, settings.sip_ports));
    sets_.push_back(ports(set_name::tls_ports, settings.tls_ports));
    if (settings.find_sip) sets_.push_back(sip_words(origin));
    sets_.push_back(transports());
    sets_.push_back(make_set(set_name::listeners, {inet_proto, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::mappings_out, {inet_proto, ipv4_addr, inet_service}, true,
                             {ipv4_addr, inet_service}));
    sets_.push_back(make_set(set_name::mappings_in, {inet_proto, ipv4_addr, inet_service}, true,
                             {ipv4_addr, inet_service}));
    sets_.push_back(make_set(set_name::pinholes, {inet_proto, ipv4_addr, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::pinholes_any, {inet_proto, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::latches, {inet_proto, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::learned, {inet_proto, ipv4_addr, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::listeners6, {inet_proto, ipv6_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::pinholes6, {inet_proto, ipv6_addr, ipv6_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::pinholes6_any, {inet_proto, ipv6_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::latches6, {inet_proto, ipv6_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::learned6, {inet_proto, ipv6_addr, ipv6_addr, inet_service}, true));
    for (SetDefinition& set : sets_)
        for (const std::string_view name :
             {set_name::latches, set_name::learned, set_name::latches6, set_name::learned6})
            if (set.name == name) set.most = most_latches;
    sets_.push_back(
        make_set(set_name::shifted, {inet_proto, ipv4_addr, inet_service, ipv4_addr, inet_service}, true));
    sets_.push_back(peers_of(set_name::allowed_peers, ipv4_addr, settings.allowed));
    sets_.push_back(peers_of(set_name::allowed_peers6, ipv6_addr, settings.allowed));
    sets_.push_back(make_set(set_name::reachable, {inet_proto, ipv4_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::reachable6, {inet_proto, ipv6_addr, inet_service}, true));
    sets_.push_back(make_set(set_name::records, {mark, mark}, true));

    constexpr std::string_view outward = "outward";
    const bool any_inside = settings.inside.empty();
    const std::string_view sides = any_inside ? set_name::outside : set_name::inside;

    ChainDefinition& from_inside = chains_.emplace_back("from_inside", before_conntrack);
    from_inside.add().interface(Interface::in, sides, any_inside).accept();
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
    from_inside.add()
        .fields({Field::protocol, Field::source, Field::source_port}, set_name::listeners)
        .goto_chain(outward);
    from_inside.add()
        .fields({Field::protocol, Field::source6, Field::source_port}, set_name::listeners6)
        .goto_chain(outward);

    chains_.emplace_back(outward, std::nullopt)
        .add()
        .routed_to(set_name::outside_route)
        .queue(queue, settings.queue, settings.queues);

    ChainDefinition& to_inside = chains_.emplace_back("to_inside", after_nat);
    const auto queued = [&](Rule& r) { r.queue(queue, settings.queue, settings.queues); };
    to_inside.add().interface(Interface::in, set_name::outside, false).accept();
    to_inside.add().interface(Interface::out, sides, any_inside).accept();
    to_inside.add().fields({Field::source_port}, set_name::tls_ports).jump_chain(hello_inward);
    to_inside.add().fields({Field::destination_port}, set_name::tls_ports).jump_chain(hello_inward);
    to_inside.add().no_transport_of(set_name::transports).accept();
    to_inside.add()
        .fields(
            {Field::protocol, Field::destination, Field::destination_port, Field::source, Field::source_port},
            set_name::shifted)
        .queue(queue, settings.shifted_queue(), 1, false);
    queued(to_inside.add().fields({Field::source_port}, set_name::sip_ports));
    queued(to_inside.add().fields({Field::destination_port}, set_name::sip_ports));
    queued(to_inside.add().fields({Field::protocol, Field::destination, Field::destination_port},
                                  set_name::listeners));
    queued(to_inside.add().fields({Field::protocol, Field::destination6, Field::destination_port},
                                  set_name::listeners6));

    const auto endpoint = {Field::protocol, Field::destination, Field::destination_port};
    const auto way = {Field::protocol, Field::source, Field::destination, Field::destination_port};
    ChainDefinition& admit = chains_.emplace_back("admit", before_dnat);
    const auto let_in = [&](Rule& r) {
        r.mark_connection(pinhole_mark).translate(Nat::destination, endpoint, set_name::mappings_in);
    };
    admit.add().interface(Interface::in, set_name::outside, false).accept();
    let_in(admit.add().fields(way, set_name::pinholes));
    let_in(admit.add().fields(endpoint, set_name::pinholes_any));
    let_in(admit.add()
               .fields(endpoint, set_name::latches)
               .update(way, set_name::learned, learned_for)
               .remove(endpoint, set_name::latches));
    let_in(
        admit.add().fields({Field::source}, set_name::allowed_peers).fields(endpoint, set_name::reachable));
    const auto endpoint6 = {Field::protocol, Field::destination6, Field::destination_port};
    const auto way6 = {Field::protocol, Field::source6, Field::destination6, Field::destination_port};
    admit.add().fields(way6, set_name::pinholes6).mark_connection(pinhole_mark);
    admit.add().fields(endpoint6, set_name::pinholes6_any).mark_connection(pinhole_mark);
    admit.add()
        .fields(endpoint6, set_name::latches6)
        .update(way6, set_name::learned6, learned_for)
        .remove(endpoint6, set_name::latches6)
        .mark_connection(pinhole_mark);
    admit.add()
        .fields({Field::source6}, set_name::allowed_peers6)
        .fields(endpoint6, set_name::reachable6)
        .mark_connection(pinhole_mark);

    chains_.emplace_back("from_router", before_output).add().packet_marked(own_mark).untracked();

    chains_.emplace_back("translate", before_snat)
        .add()
        .interface(Interface::out, set_name::outside)
        .translate(Nat::source, {Field::protocol, Field::source, Field::source_port}, set_name::mappings_out);

    add_watching(chains_, settings, queue, origin);
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

std::uint32_t SetDefinition::flags() const {
    return (intervals ? static_cast<std::uint32_t>(NFT_SET_INTERVAL) : 0) |
           (timeouts ? static_cast<std::uint32_t>(NFT_SET_TIMEOUT) : 0) |
           (most > 0 ? static_cast<std::uint32_t>(NFT_SET_EVAL) : 0) |
           (data_size > 0 ? static_cast<std::uint32_t>(NFT_SET_MAP) : 0);
}

void Table::add_contents(Batch& batch, const Names& present) const {
    for (const SetDefinition& set : sets_) {
        if (!present.contains(set.name)) add_set(batch, set);
        if (!set.timeouts) fill(batch, set);
    }
    add_chains(batch);
}

void Table::add_set(Batch& batch, const SetDefinition& definition) const {
    std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
    if (!set) throw std::bad_alloc();
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, name_.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, definition.name.data());
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, definition.flags());
    if (definition.most > 0) nftnl_set_set_u32(set.get(), NFTNL_SET_DESC_SIZE, definition.most);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, definition.key_type);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, definition.key_size);
    if (definition.data_size > 0) {
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, definition.data_type);
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, definition.data_size);
    }
    // The kernel wants a number for the set that is unique in the batch.
    nftnl_set_set_u32(set.get(), NFTNL_SET_ID, static_cast<std::uint32_t>(&definition - sets_.data()) + 1);
    describe(set.get(), definition);
    nlmsghdr* message = batch.open(NFT_MSG_NEWSET, NLM_F_CREATE, NFPROTO_INET, definition.name);
    nftnl_set_nlmsg_build_payload(message, set.get());
}

void Table::fill(Batch& batch, const SetDefinition& set) const {
    ElementWriter writer(batch, name_);
    writer.flush(set.name);
    for (const SetDefinition::Fixed& element : set.fixed)
        writer.put(ElementWriter::Kind::ensure, Entry{set.name, element.key, {}, {}, element.ends_interval},
                   {});
}

void Table::replace_settings(Batch& batch) const {
    for (const SetDefinition& set : sets_)
        for (const std::string_view name :
             {set_name::outside, set_name::outside_route, set_name::allowed_peers, set_name::allowed_peers6})
            if (set.name == name) fill(batch, set);
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
    // Only now, since a rule may go to a chain that comes later.
    for (const ChainDefinition& definition : chains_)
        for (const Rule& r : definition.rules)
            r.add_to(batch, name_, definition.name);
}

std::string Table::text() const {
    std::string text = "table inet " + name_ + " {\n\tcomment \"" + std::string(table_comment) + "\"\n";
    for (const SetDefinition& set : sets_) {
        text += std::string(set.data_size > 0 ? "\tmap " : "\tset ") + std::string(set.name) + " {\n";
        text += set.by_route ? "\t\ttypeof fib daddr oifname\n"
                             : (set.payload ? "\t\ttypeof " : "\t\ttype ") + set.type + "\n";
        if (set.most > 0) text += "\t\tsize " + std::to_string(set.most) + "\n";
        if (set.intervals) text += "\t\tflags interval\n";
        if (set.timeouts) text += set.most > 0 ? "\t\tflags dynamic,timeout\n" : "\t\tflags timeout\n";
        std::string elements;
        constexpr std::size_t in_a_line = 5;  // as nft has it
        for (std::size_t i = 0; i < set.fixed_text.size(); ++i)
            elements += (i == 0 ? "" : i % in_a_line == 0 ? ",\n\t\t\t     " : ", ") + set.fixed_text[i];
        if (!elements.empty()) text += "\t\telements = { " + elements + " }\n";
        text += "\t}\n\n";
    }
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
