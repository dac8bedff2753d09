#include "nft/conntrack.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "nft/settings.hpp"
#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using namespace sipalg::nft;
using sipalg::test::FakeKernel;

namespace {

const ConntrackTuple flow{Transport::udp, *Endpoint::parse("192.168.1.2:5060"),
                          *Endpoint::parse("203.0.113.5:5060")};
const ConntrackTuple none{};

// Numbers and types of the messages of a datagram that asks for several flows at once.
std::vector<std::uint32_t> numbers_of(const nlmsghdr* first, std::size_t count) {
    std::vector<std::uint32_t> numbers;
    for (const nlmsghdr* message = first; numbers.size() < count;
         message = reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const char*>(message) +
                                                     MNL_ALIGN(message->nlmsg_len)))
        numbers.push_back(message->nlmsg_seq);
    return numbers;
}

template <class Asker>
struct Fixture {
    Fixture() {
        auto channel = std::make_unique<FakeKernel>();
        kernel = channel.get();
        asker = std::make_unique<Asker>(std::move(channel));
    }
    std::unique_ptr<Asker> asker;
    FakeKernel* kernel = nullptr;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture<Conntrack>, "C7 entries that are gone already are no error, other failures are") {
    int failure = ENOENT;
    kernel->on_request = [&](const nlmsghdr* request) {
        for (const std::uint32_t number : numbers_of(request, 2)) {
            nlmsghdr copy = *request;
            copy.nlmsg_seq = number;
            kernel->error(&copy, failure);
        }
    };
    const std::vector<ConntrackTuple> flows{flow, none, flow};
    CHECK_NOTHROW(asker->erase(flows));
    failure = EPERM;
    CHECK_THROWS_AS(asker->erase(flows), Error);
    kernel->fail_send(EPIPE);
    CHECK_THROWS_AS(asker->erase(flows), Error);
    kernel->on_request = [](const nlmsghdr*) {};
    CHECK_NOTHROW(asker->erase(flows));
    CHECK_NOTHROW(asker->erase({&none, 1}));
}

TEST_CASE("C7 the kernel leaves out that an entry to be deleted is missing, and no other answer") {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) == 0);
    const Fd ours(ends[0]), kernel(ends[1]);
    leave_out_missing(ours.get());
    const auto arrives = [&](std::uint16_t type, int error, int request) {
        struct {
            nlmsghdr header{};
            nlmsgerr body{};
        } answer;
        answer.header.nlmsg_type = type;
        answer.body.error = -error;
        answer.body.msg.nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | request);
        REQUIRE(send(kernel.get(), &answer, sizeof answer, 0) == sizeof answer);
        std::array<char, 256> room{};
        return recv(ours.get(), room.data(), room.size(), MSG_DONTWAIT) == sizeof answer;
    };
    CHECK_FALSE(arrives(NLMSG_ERROR, ENOENT, IPCTNL_MSG_CT_DELETE));
    CHECK(arrives(NLMSG_ERROR, EPERM, IPCTNL_MSG_CT_DELETE));
    CHECK(arrives(NLMSG_ERROR, ENOENT, IPCTNL_MSG_CT_GET));
    CHECK(arrives(NLMSG_DONE, ENOENT, IPCTNL_MSG_CT_DELETE));
}

TEST_CASE_FIXTURE(Fixture<Conntrack>, "a flow is unknown only where the kernel says so") {
    kernel->on_request = [&](const nlmsghdr* request) {
        const auto numbers = numbers_of(request, 3);
        nlmsghdr copy = *request;
        copy.nlmsg_seq = numbers[0] - 1;  // of an earlier question
        kernel->error(&copy, ENOENT);
        copy.nlmsg_seq = numbers[1];
        kernel->error(&copy, ENOENT);
        copy.nlmsg_seq = numbers[2];
        kernel->error(&copy, EPERM);
    };
    const std::vector<ConntrackTuple> flows{flow, none, flow, flow};
    CHECK(asker->known(flows) == std::vector<bool>{true, true, false, true});
}

TEST_CASE_FIXTURE(Fixture<Conntrack>, "O1 the counts of a flow are those of its own direction") {
    bool counted = true;
    kernel->on_request = [&](const nlmsghdr* request) {
        alignas(nlmsghdr) std::array<char, 512> room{};
        nlmsghdr* entry = mnl_nlmsg_put_header(room.data());
        mnl_nlmsg_put_extra_header(entry, sizeof(nfgenmsg));
        const auto put_tuple = [&](std::uint16_t type, const ConntrackTuple& tuple) {
            nlattr* nest = mnl_attr_nest_start(entry, type);
            nlattr* addresses = mnl_attr_nest_start(entry, CTA_TUPLE_IP);
            mnl_attr_put(entry, CTA_IP_V4_SRC, 4, tuple.source.address.bytes().data());
            mnl_attr_put(entry, CTA_IP_V4_DST, 4, tuple.destination.address.bytes().data());
            mnl_attr_nest_end(entry, addresses);
            nlattr* ports = mnl_attr_nest_start(entry, CTA_TUPLE_PROTO);
            mnl_attr_put_u8(entry, CTA_PROTO_NUM, 17);
            mnl_attr_put_u16(entry, CTA_PROTO_SRC_PORT, htons(tuple.source.port));
            mnl_attr_put_u16(entry, CTA_PROTO_DST_PORT, htons(tuple.destination.port));
            mnl_attr_nest_end(entry, ports);
            mnl_attr_nest_end(entry, nest);
        };
        const auto put_counters = [&](std::uint16_t type, std::uint64_t packets) {
            nlattr* nest = mnl_attr_nest_start(entry, type);
            mnl_attr_put_u64(entry, CTA_COUNTERS_PACKETS, htobe64(packets));
            mnl_attr_put_u64(entry, CTA_COUNTERS_BYTES, htobe64(packets * 100));
            mnl_attr_nest_end(entry, nest);
        };
        put_tuple(CTA_TUPLE_ORIG, flow);
        put_tuple(CTA_TUPLE_REPLY, {Transport::udp, flow.destination, *Endpoint::parse("203.0.113.1:4000")});
        if (counted) {
            put_counters(CTA_COUNTERS_ORIG, 3);
            put_counters(CTA_COUNTERS_REPLY, 5);
        }
        for (const std::uint32_t number : numbers_of(request, 2)) {
            entry->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
            entry->nlmsg_seq = number;
            kernel->say({room.data(), room.data() + entry->nlmsg_len});
        }
    };
    const std::vector<ConntrackTuple> flows{
        flow, {Transport::udp, flow.destination, *Endpoint::parse("203.0.113.1:4000")}};
    const auto counts = asker->counts(flows);
    CHECK(counts[0] == FlowCount{3, 300, 5, 500});
    CHECK(counts[1] == FlowCount{5, 500, 3, 300});
    counted = false;
    CHECK(asker->counts(flows) == std::vector<std::optional<FlowCount>>(2));
    kernel->on_request = [](const nlmsghdr*) {};
    CHECK(asker->counts({&none, 1}) == std::vector<std::optional<FlowCount>>(1));
}

TEST_CASE_FIXTURE(Fixture<ConntrackDump>,
                  "a busy or interrupted conntrack table is read again, at most four times") {
    for (const int busy : {EBUSY, EAGAIN}) {
        int readings = 0;
        kernel->on_request = [&](const nlmsghdr* request) {
            if (++readings == 1)
                kernel->error(request, busy);
            else
                kernel->done(request, 0, readings == 2 ? NLM_F_DUMP_INTR : 0);
        };
        CHECK_NOTHROW(asker->read([](const ConntrackEntry&) {}, false));
        CHECK(readings == 3);
    }
    int readings = 0;
    kernel->on_request = [&](const nlmsghdr* request) {
        ++readings;
        kernel->error(request, EBUSY);
    };
    CHECK_THROWS_AS(asker->read([](const ConntrackEntry&) {}, false), Error);
    CHECK(readings == 4);
}

TEST_CASE_FIXTURE(Fixture<ConntrackDump>, "a conntrack list that the kernel breaks off is an error") {
    kernel->on_request = [&](const nlmsghdr* request) { kernel->error(request, ENOMEM); };
    CHECK_THROWS_AS(asker->read([](const ConntrackEntry&) {}, true), Error);
    kernel->on_request = [&](const nlmsghdr*) {};
    CHECK_THROWS_AS(asker->read([](const ConntrackEntry&) {}, true), Error);
}
