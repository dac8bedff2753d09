// What the kernel tells over netlink: interfaces, routes and conntrack. A newer kernel may send other
// attributes of other lengths. Nothing is read outside a message, and what cannot be understood is left out.
// Dumps of nftables are not read here: libnftnl ends the program when an attribute has another length.
#include <linux/rtnetlink.h>

#include <memory>
#include <optional>

#include "alg/daemon/run/rtnetlink.hpp"
#include "nft/conntrack.hpp"
#include "nft/ruleset.hpp"
#include "tests/fuzz/inside.hpp"
#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using fuzz::require;
using test::FakeKernel;

namespace {

/// Answers each request with the next messages of the input: a byte with their number, then for each one a
/// byte with its length in units of four. The rest of the input is left for the next request.
class Script {
  public:
    explicit Script(std::string_view input) : rest_(input) {}

    std::unique_ptr<FakeKernel> channel() {
        auto kernel = std::make_unique<FakeKernel>();
        FakeKernel* said = kernel.get();
        kernel->on_request = [this, said](const nlmsghdr* request) { answer(*said, request); };
        return kernel;
    }

  private:
    std::uint8_t next() {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }

    void answer(FakeKernel& kernel, const nlmsghdr* request) {
        const bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        const std::uint8_t kind = next();
        for (int i = kind % 8; i > 0 && !rest_.empty(); --i) {
            const std::size_t length = std::min<std::size_t>(next() * 4U, rest_.size());
            const std::vector<char> payload(rest_.begin(),
                                            rest_.begin() + static_cast<std::ptrdiff_t>(length));
            rest_.remove_prefix(length);
            // Conntrack's answers, and those about routes, are known by their types.
            const auto type = static_cast<std::uint16_t>(request->nlmsg_type & 0xff00U);
            const bool route = request->nlmsg_type == RTM_GETROUTE;
            kernel.answer_with(request, route ? std::uint16_t{RTM_NEWROUTE} : type, payload,
                               kind & 8 ? NLM_F_DUMP_INTR : std::uint16_t{0});
        }
        const int error = kind >= 224 ? std::array{ENOENT, EPERM, EBUSY, EINTR}[kind % 4] : 0;
        if (dump)
            kernel.done(request, error);
        else
            kernel.error(request, error);
    }

    std::string_view rest_;
};

const ConntrackTuple flow{Transport::udp, *Endpoint::parse("192.168.1.10:5060"),
                          *Endpoint::parse("203.0.113.10:5060")};

void read_routes(Script& script) {
    daemon::Rtnetlink kernel(script.channel(), script.channel());
    static_cast<void>(kernel.read());
    daemon::RouteQuery query;
    query.phone = flow.source.address;
    query.peer = flow.destination.address;
    static_cast<void>(kernel.route(query));
}

void read_conntrack(Script& script) {
    nft::ConntrackDump dump(script.channel());
    dump.read(
        [](const ConntrackEntry& entry) {
            require(entry.original_source.address.family() == entry.original_destination.address.family(),
                    "a flow has one family");
        },
        true, true);
    nft::Conntrack single(script.channel());
    static_cast<void>(single.public_address(flow));
    static_cast<void>(single.counts({&flow, 1}));
    static_cast<void>(single.known({&flow, 1}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    Script script({reinterpret_cast<const char*>(data) + 1, size - 1});
    try {
        if (data[0] % 2 == 0)
            read_routes(script);
        else
            read_conntrack(script);
    } catch (const nft::Error&) {
        // The kernel refuses.
    } catch (const std::system_error&) {
        // The same for routes.
    }
    return 0;
}
