#include "alg/daemon/run/network.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// The kernel's part: one uplink, whose address the test chooses.
struct Kernel {
    const char* address = "203.0.113.1";
    bool fails = false;
    bool in_vrf = false;
    int reads = 0;
    Routing::Changes changes;
};

class FakeRouting : public Routing {
  public:
    explicit FakeRouting(Kernel& kernel) : kernel_(kernel) {}
    Interfaces read() override {
        ++kernel_.reads;
        if (kernel_.fails) throw std::runtime_error("no buffer space");
        Interfaces interfaces;
        interfaces.all = {{2, "wan", false, {{*Address::parse(kernel_.address), {}, false, true}}},
                          {3, "lan", false, {{*Address::parse("192.168.1.1"), {}, false, true}}}};
        interfaces.default_routes = {2};
        interfaces.all[0].in_vrf = kernel_.in_vrf;
        return interfaces;
    }
    std::optional<unsigned> route(const RouteQuery&) override { return 2; }
    int descriptor() const override { return -1; }
    Changes changes() override { return std::exchange(kernel_.changes, {}); }

  private:
    Kernel& kernel_;
};

struct Router {
    Kernel kernel;
    Network network{Options{}, std::make_unique<FakeRouting>(kernel)};
    Address address() { return network.egress().ends().at(0).egress.address; }
};

}  // namespace

TEST_CASE("C11 a notification about an address is followed") {
    Router router;
    router.kernel.address = "203.0.113.2";
    router.kernel.changes.interfaces = true;
    const auto news = router.network.refresh(Time(1000));
    REQUIRE(news);
    CHECK(news->interfaces);
    CHECK_FALSE(news->outside);
    CHECK(router.address().text() == "203.0.113.2");
    CHECK_FALSE(router.network.retry_at());
}

TEST_CASE("C11 a failed read of the interfaces is repeated at growing intervals") {
    Router router;
    router.kernel.address = "203.0.113.2";
    router.kernel.changes.interfaces = true;
    router.kernel.fails = true;
    Time now(1000);
    const auto failed = router.network.refresh(now);
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == "no buffer space");
    REQUIRE(router.network.retry_at());
    CHECK(*router.network.retry_at() == now + Network::first_retry);

    const int reads = router.kernel.reads;
    CHECK(router.network.refresh(now + Time(1)));  // not due
    CHECK(router.kernel.reads == reads);
    for (int i = 0; i < 10; ++i) {
        const Time before = now;
        now = *router.network.retry_at();
        CHECK(now - before <= Network::last_retry);
        CHECK_FALSE(router.network.refresh(now));
    }
    CHECK(*router.network.retry_at() == now + Network::last_retry);

    router.kernel.fails = false;
    const auto news = router.network.refresh(*router.network.retry_at());
    REQUIRE(news);
    CHECK(news->interfaces);
    CHECK(router.address().text() == "203.0.113.2");
    CHECK_FALSE(router.network.retry_at());
}

TEST_CASE("C11 a notification during the wait causes a read at once") {
    Router router;
    router.kernel.changes.interfaces = true;
    router.kernel.fails = true;
    REQUIRE_FALSE(router.network.refresh(Time(1000)));
    router.kernel.fails = false;
    router.kernel.address = "203.0.113.3";
    router.kernel.changes.interfaces = true;
    CHECK(router.network.refresh(Time(1001)));
    CHECK(router.address().text() == "203.0.113.3");
}

TEST_CASE("A9 an outside interface in a VRF is refused") {
    Kernel kernel;
    kernel.in_vrf = true;
    CHECK_THROWS_AS(Network(Options{}, std::make_unique<FakeRouting>(kernel)), std::runtime_error);
    Options options;
    options.outside = {Setting{"outside", "wan", {}}};
    CHECK_THROWS_AS(Network(options, std::make_unique<FakeRouting>(kernel)), UsageError);
}
