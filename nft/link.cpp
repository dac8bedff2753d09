#include "nft/link.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "alg/sys/attributes.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

// The longest batch. This is only a limit and reserves no memory; ten thousand elements take about 1 MB.
constexpr int largest_batch = 32 << 20;

[[noreturn]] void fail(const std::string& action, int error) {
    if (error == EPERM || error == EACCES)
        throw Error(action +
                    ": not permitted. sipalgd needs CAP_NET_ADMIN: start it as root, or give it "
                    "AmbientCapabilities=CAP_NET_ADMIN in its systemd unit, or "
                    "`setcap cap_net_admin+ep` on the program");
    if (error == EPROTONOSUPPORT || error == EOPNOTSUPP)
        throw Error(action + ": this kernel has no nf_tables (try `modprobe nf_tables`)");
    throw Error(action + ": " + std::strerror(error));
}

Failure<Refusal> refused(int error, std::string reason) {
    return Failure{Refusal{error, std::move(reason)}};
}

struct Request {
    Request(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow)
        : header(mnl_nlmsg_put_header(bytes.data())) {
        header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
        auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
        generic->nfgen_family = family;
        generic->version = NFNETLINK_V0;
        if (narrow) narrow(header);
    }
    alignas(nlmsghdr) std::array<char, 2048> bytes{};
    nlmsghdr* header;
};

bool exists(std::error_code error) {
    if (error && error.value() != ENOENT) fail("reading the kernel's nftables", error.value());
    return !error;
}

}  // namespace

std::unique_ptr<netlink::Channel> open_netfilter(int send_buffer, int receive_buffer) {
    try {
        return std::make_unique<netlink::Channel>(netlink::ChannelOptions{
            .protocol = NETLINK_NETFILTER, .send_buffer = send_buffer, .receive_buffer = receive_buffer});
    } catch (const std::system_error& error) {
        fail("opening a netfilter socket", error.code().value());
    }
}

Link::Link() : Link(open_netfilter(largest_batch)) {}

Link::Link(std::unique_ptr<netlink::Channel> channel) : channel_(std::move(channel)), talk_(*channel_) {}

Committed Link::send(Batch& batch, bool commit) {
    if (batch.empty()) return {};
    const auto count = static_cast<std::uint32_t>(batch.size()) + 2;  // with the two markers
    const std::uint32_t first = talk_.reserve(count);
    const std::uint32_t last = first + count - 2;  // the message that asks for an acknowledgement
    if (const auto error = talk_.send(batch.seal(first, commit)))
        return refused(error.value(), "sending to the kernel: " + error.message());

    // The kernel answers in the order of the messages. A failure of the commit itself carries the number of
    // the begin marker.
    std::optional<Refusal> refusal;
    bool acknowledged = false;
    talk_.answers(first, last, [&](const nlmsghdr* answer) {
        if (answer->nlmsg_type != NLMSG_ERROR) return true;
        const int error = netlink::error_of(answer);
        if (error == 0) {
            acknowledged = answer->nlmsg_seq == last;
            return !acknowledged;
        }
        if (!refusal) {
            const std::string words = netlink::explanation_of(answer);
            refusal =
                Refusal{error, "the kernel refuses " + std::string(batch.label(answer->nlmsg_seq - first)) +
                                   ": " + std::strerror(error) + (words.empty() ? "" : " (" + words + ")")};
        }
        return true;
    });
    if (refusal) return Failure{*std::move(refusal)};
    if (!acknowledged) return refused(ENOBUFS, "the kernel did not answer a transaction");
    return {};
}

Committed Link::commit(Batch& batch) {
    auto outcome = send(batch, true);
    if (outcome && !batch.empty()) ++generation_;
    return outcome;
}

bool Link::changed_by_others() {
    std::uint32_t generation = 0;
    ask(NFT_MSG_GETGEN, AF_UNSPEC, {}, [&](const nlmsghdr* message) {
        for (const nlattr* attribute : netlink::Attributes(message, sizeof(nfgenmsg)))
            if (mnl_attr_get_type(attribute) == NFTA_GEN_ID)
                generation = ntohl(netlink::number_of<std::uint32_t>(attribute));
    });
    return std::exchange(generation_, generation) != generation;
}

bool Link::list(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
                const std::function<void(const nlmsghdr*)>& each) {
    Request request(type, family, narrow);
    return exists(talk_.dump(request.header, each));
}

bool Link::ask(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
               const std::function<void(const nlmsghdr*)>& answer) {
    Request request(type, family, narrow);
    return exists(talk_.ask(request.header, answer));
}

}  // namespace sipalg::nft
