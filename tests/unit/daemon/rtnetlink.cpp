#include "alg/daemon/run/rtnetlink.hpp"

#include <doctest/doctest.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using namespace sipalg::daemon;
using sipalg::test::FakeKernel;

namespace {

/// The header and attributes of a message, as bytes.
template <class Header>
struct Payload {
    explicit Payload(const Header& header) {
        nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
        *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header))) = header;
    }
    Payload& add(std::uint16_t type, const void* data, std::size_t size) {
        mnl_attr_put(reinterpret_cast<nlmsghdr*>(bytes.data()), type, size, data);
        return *this;
    }
    Payload& add(std::uint16_t type, std::uint32_t number) { return add(type, &number, sizeof number); }
    std::vector<char> get() const {
        const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
        return {bytes.begin() + MNL_NLMSG_HDRLEN, bytes.begin() + message->nlmsg_len};
    }
    alignas(nlmsghdr) std::array<char, 256> bytes{};
};

std::vector<char> link(int index, const char* name) {
    ifinfomsg header{};
    header.ifi_index = index;
    return Payload<ifinfomsg>(header).add(IFLA_IFNAME, name, std::strlen(name) + 1).get();
}

std::vector<char> default_route(std::uint32_t interface) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_type = RTN_UNICAST;
    return Payload<rtmsg>(header).add(RTA_OIF, interface).get();
}

std::vector<char> route_by(std::uint32_t interface) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    return Payload<rtmsg>(header).add(RTA_OIF, interface).get();
}

struct Fixture {
    Fixture() {
        auto questions = std::make_unique<FakeKernel>();
        kernel = questions.get();
        auto notifications = std::make_unique<FakeKernel>();
        events = notifications.get();
        rtnetlink = std::make_unique<Rtnetlink>(std::move(notifications), std::move(questions));
        kernel->on_request = [this](const nlmsghdr* request) { list(request); };
    }

    /// Two links, no address, a default route by the second.
    void list(const nlmsghdr* request, std::uint16_t flags = 0) {
        if (request->nlmsg_type == RTM_GETLINK) {
            kernel->answer_with(request, RTM_NEWLINK, link(1, "lo"));
            kernel->answer_with(request, RTM_NEWLINK, link(2, "wan"), flags);
        }
        if (request->nlmsg_type == RTM_GETROUTE &&
            static_cast<const rtmsg*>(mnl_nlmsg_get_payload(request))->rtm_family == AF_INET)
            kernel->answer_with(request, RTM_NEWROUTE, default_route(2));
        kernel->done(request);
    }

    std::unique_ptr<Rtnetlink> rtnetlink;
    FakeKernel* kernel = nullptr;
    FakeKernel* events = nullptr;
    const RouteQuery query{*Address::parse("192.168.1.2"), *Address::parse("203.0.113.5"), 3};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "interfaces and default routes are read") {
    const Interfaces interfaces = rtnetlink->read();
    CHECK(interfaces.all.size() == 2);
    CHECK(interfaces.with_default_route() == std::vector<std::string>{"wan"});
}

TEST_CASE_FIXTURE(Fixture, "A9 a new policy rule changes routes, and possibly their dependence on marks") {
    for (const auto type : {RTM_NEWRULE, RTM_DELRULE}) {
        nlmsghdr cause{};
        events->answer_with(&cause, static_cast<std::uint16_t>(type), route_by(2));
        const Routing::Changes changes = rtnetlink->changes();
        CHECK(changes.routes);
        CHECK(changes.interfaces);
    }
    for (const bool marked : {false, true}) {
        kernel->on_request = [&](const nlmsghdr* request) {
            if (request->nlmsg_type != RTM_GETRULE) return list(request);
            Payload<fib_rule_hdr> rule({});
            rule.add(FRA_PRIORITY, std::uint32_t{100});
            if (marked) rule.add(FRA_FWMARK, std::uint32_t{1});
            kernel->answer_with(request, RTM_NEWRULE, rule.get());
            kernel->done(request);
        };
        CHECK(rtnetlink->read().marks_decide == marked);
    }
}

TEST_CASE_FIXTURE(Fixture, "an incomplete dump is an error, not a shorter list") {
    kernel->on_request = [this](const nlmsghdr* request) {
        if (request->nlmsg_type != RTM_GETLINK) return list(request);
        kernel->answer_with(request, RTM_NEWLINK, link(1, "lo"));
        kernel->error(request, ENOBUFS);
    };
    CHECK_THROWS_AS(rtnetlink->read(), std::system_error);
    kernel->on_request = [this](const nlmsghdr* request) { list(request); };
    CHECK(rtnetlink->read().all.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "interfaces that change during the reading are read again") {
    int readings = 0;
    kernel->on_request = [&](const nlmsghdr* request) {
        const bool first = request->nlmsg_type == RTM_GETLINK && ++readings == 1;
        if (!first) return list(request);
        kernel->answer_with(request, RTM_NEWLINK, link(1, "lo"), NLM_F_DUMP_INTR);
        kernel->done(request);
    };
    CHECK(rtnetlink->read().all.size() == 2);
    CHECK(readings == 2);
}

TEST_CASE_FIXTURE(Fixture, "a silent kernel is an error") {
    kernel->on_request = [](const nlmsghdr*) {};
    CHECK_THROWS_AS(rtnetlink->read(), std::system_error);
    CHECK(rtnetlink->route(query) == std::nullopt);
}

TEST_CASE_FIXTURE(Fixture, "N1 a late answer is not taken for that of the next request") {
    std::vector<char> late;
    kernel->on_request = [&](const nlmsghdr* request) {
        late.assign(reinterpret_cast<const char*>(request),
                    reinterpret_cast<const char*>(request) + request->nlmsg_len);
    };
    CHECK(rtnetlink->route(query) == std::nullopt);
    const auto* earlier = reinterpret_cast<const nlmsghdr*>(late.data());
    kernel->answer_with(earlier, RTM_NEWROUTE, route_by(7));
    kernel->error(earlier, 0);
    kernel->on_request = [this](const nlmsghdr* request) {
        kernel->answer_with(request, RTM_NEWROUTE, route_by(8));
        kernel->error(request, 0);
    };
    CHECK(rtnetlink->route(query) == 8U);
}

TEST_CASE_FIXTURE(Fixture, "N1 without a route there is no interface") {
    kernel->on_request = [this](const nlmsghdr* request) { kernel->error(request, ENETUNREACH); };
    CHECK(rtnetlink->route(query) == std::nullopt);
    kernel->fail_send(ENOBUFS);
    CHECK(rtnetlink->route(query) == std::nullopt);
}
