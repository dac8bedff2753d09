#include "nft/conntrack.hpp"

#include <doctest/doctest.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "nft/ruleset.hpp"
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
