#include "nft/sets.hpp"

#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <memory>
#include <new>

#include "nft/element_writer.hpp"
#include "nft/tls_and_discovery.hpp"

namespace sipalg::nft {

namespace {

// nft's numbers of data types. The kernel only stores them, for programs that list the set.
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
Joined join(const std::vector<Type>& parts) {
    Joined all;
    for (const Type& part : parts) {
        if (!all.text.empty()) all.text += " . ";
        all.text += part.name;
        all.number = all.number << 6 | part.number;
        all.size += parts.size() == 1 ? part.size : (part.size + 3) / 4 * 4;
    }
    return all;
}

SetDefinition make_set(std::string_view name, const std::vector<Type>& key, bool timeouts,
                       const std::vector<Type>& data = {}) {
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

// The address after the last one with these first bits; nullopt: there is none.
std::optional<Value> end_of(const Peers& peers) {
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
        if (const auto end = end_of(peers)) set.fixed.push_back({*end, true});
        const bool single = peers.length == type.size * 8;
        set.fixed_text.push_back(peers.address.text() + (single ? "" : "/" + std::to_string(peers.length)));
    }
    return set;
}

// The kernel reserves memory for elements that rules add. When the set is full, latches let in no more
// sources.
constexpr std::uint32_t most_latches = 4096;

// The phones whose packets were read, and the translations of their flows by any NAT. When a set is full, new
// hosts or flows are not noted (X7).
constexpr std::uint32_t most_phones = 4096, most_seen = 8192;

// New flows whose uplink the daemon has requested.
constexpr std::uint32_t most_unsettled = 4096;

SetDefinition filled_by_rules(std::string_view set_name, const std::vector<Type>& key, std::uint32_t most,
                              const std::vector<Type>& data = {}) {
    SetDefinition set = make_set(set_name, key, true, data);
    set.most = most;
    return set;
}

SetDefinition elements(std::string_view set_name, const ElementRow& row, const Type& address) {
    std::vector<Type> key{inet_proto, address, inet_service};
    std::vector<Type> data;
    switch (row.shape) {
        case KeyShape::endpoint: break;
        case KeyShape::from: key = {inet_proto, address, address, inet_service}; break;
        case KeyShape::connection: key = {inet_proto, address, inet_service, address, inet_service}; break;
        case KeyShape::translation: data = {address, inet_service}; break;
        case KeyShape::via:
            key.push_back(ifname);
            data = {address, inet_service};
            break;
        case KeyShape::numbers: key = {mark, mark}; break;
    }
    SetDefinition set = make_set(set_name, key, true, data);
    if (row.filled_by_rules) set.most = most_latches;
    return set;
}

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

// Adds the user data that nft would write: the byte order of the key, and the expression of the key if the
// type alone does not tell it.
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

std::vector<SetDefinition> sets_of(const Settings& settings, Origin origin) {
    std::vector<SetDefinition> sets;
    sets.push_back(interfaces(set_name::outside, settings.outside));
    sets.push_back(interfaces(set_name::outside_route, settings.outside, true));
    if (!settings.inside.empty()) sets.push_back(interfaces(set_name::inside, settings.inside));
    sets.push_back(ports(set_name::sip_ports, settings.sip_ports));
    sets.push_back(ports(set_name::tls_ports, settings.tls_ports));
    std::vector<std::uint16_t> signalling_ports = settings.sip_ports;
    signalling_ports.insert(signalling_ports.end(), settings.tls_ports.begin(), settings.tls_ports.end());
    sets.push_back(ports(set_name::signalling_ports, signalling_ports));
    if (settings.find_sip) sets.push_back(sip_words(origin));
    sets.push_back(transports());
    sets.push_back(peers_of(set_name::allowed_peers, ipv4_addr, settings.hosts.allowed));
    sets.push_back(peers_of(set_name::allowed_peers6, ipv6_addr, settings.hosts.allowed));
    sets.push_back(peers_of(set_name::any_interface, ipv4_addr, settings.hosts.any_interface));
    sets.push_back(peers_of(set_name::any_interface6, ipv6_addr, settings.hosts.any_interface));
    sets.push_back(filled_by_rules(set_name::phones, {ipv4_addr}, most_phones));
    sets.push_back(filled_by_rules(set_name::phones6, {ipv6_addr}, most_phones));
    sets.push_back(filled_by_rules(set_name::flows, {ipv4_addr, inet_service, ipv4_addr, inet_service},
                                   most_noted_flows));
    sets.push_back(filled_by_rules(set_name::flows6, {ipv6_addr, inet_service, ipv6_addr, inet_service},
                                   most_noted_flows));
    sets.push_back(
        filled_by_rules(set_name::seen, {ipv4_addr, inet_service, ipv4_addr}, most_seen, {inet_service}));
    const std::vector<Type> flow{inet_proto, ipv4_addr, ipv4_addr, inet_service};
    sets.push_back(filled_by_rules(set_name::unsettled, flow, most_unsettled));
    sets.push_back(filled_by_rules(set_name::uplinks, flow, most_unsettled, {ifname}));
    for (const ElementRow& row : element_rows()) {
        sets.push_back(elements(row.set, row, ipv4_addr));
        if (!row.set6.empty()) sets.push_back(elements(row.set6, row, ipv6_addr));
    }
    return sets;
}

std::uint32_t SetDefinition::flags() const {
    return (intervals ? static_cast<std::uint32_t>(NFT_SET_INTERVAL) : 0) |
           (timeouts ? static_cast<std::uint32_t>(NFT_SET_TIMEOUT) : 0) |
           (most > 0 ? static_cast<std::uint32_t>(NFT_SET_EVAL) : 0) |
           (data_size > 0 ? static_cast<std::uint32_t>(NFT_SET_MAP) : 0);
}

void SetDefinition::add_to(Batch& batch, const std::string& table, std::uint32_t number) const {
    std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
    if (!set) throw std::bad_alloc();
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.data());
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, flags());
    if (most > 0) nftnl_set_set_u32(set.get(), NFTNL_SET_DESC_SIZE, most);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, key_type);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, key_size);
    if (data_size > 0) {
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, data_type);
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, data_size);
    }
    nftnl_set_set_u32(set.get(), NFTNL_SET_ID, number);
    describe(set.get(), *this);
    nlmsghdr* message = batch.open(NFT_MSG_NEWSET, NLM_F_CREATE, NFPROTO_INET, name);
    nftnl_set_nlmsg_build_payload(message, set.get());
}

void SetDefinition::fill(Batch& batch, const std::string& table) const {
    ElementWriter writer(batch, table);
    writer.flush(name);
    for (const Fixed& element : fixed)
        writer.put(ElementWriter::Kind::ensure, Entry{name, element.key, {}, {}, element.ends_interval}, {});
}

std::string SetDefinition::text() const {
    std::string text = std::string(data_size > 0 ? "\tmap " : "\tset ") + std::string(name) + " {\n";
    if (by_route)
        text += "\t\ttypeof fib daddr oifname\n";
    else
        text += (payload ? "\t\ttypeof " : "\t\ttype ") + type + "\n";
    if (most > 0) text += "\t\tsize " + std::to_string(most) + "\n";
    if (intervals) text += "\t\tflags interval\n";
    if (timeouts) text += most > 0 ? "\t\tflags dynamic,timeout\n" : "\t\tflags timeout\n";
    std::string elements;
    constexpr std::size_t in_a_line = 5;  // as nft has it
    for (std::size_t i = 0; i < fixed_text.size(); ++i)
        elements += (i == 0 ? "" : i % in_a_line == 0 ? ",\n\t\t\t     " : ", ") + fixed_text[i];
    if (!elements.empty()) text += "\t\telements = { " + elements + " }\n";
    return text + "\t}\n";
}

}  // namespace sipalg::nft
