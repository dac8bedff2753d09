#include "alg/daemon/control/warnings.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// A daemon without any reason for a warning.
Status healthy() {
    Status status;
    const Address wan = *Address::parse("203.0.113.1");
    status.ends = {{2, "wan", {wan, wan}}};
    status.media_counted = true;
    return status;
}

std::string only_warning(const Status& status) {
    const auto found = warnings(status);
    REQUIRE(found.size() == 1);
    return found.front();
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("O3 a healthy daemon has no warnings") {
    CHECK(warnings(healthy()).empty());
}

TEST_CASE("O3 each warning names its remedy or its consequence") {
    Status status = healthy();
    status.media_counted = false;
    CHECK(contains(only_warning(status), "sysctl -w net.netfilter.nf_conntrack_acct=1"));
    status = healthy();
    status.ends.front().egress = {};
    CHECK(contains(only_warning(status), "no outside interface has an IPv4 address"));
    status = healthy();
    status.offloading_chains = {"inet fw forward"};  // A8
    status.sip_ports = {5060};
    CHECK(contains(only_warning(status), "`th dport != { 5060, 5061 } th sport != { 5060, 5061 }`"));
    status = healthy();
    status.media_ports_left = 255;  // X12
    CHECK(contains(only_warning(status),
                   "leave 255 ports for media; choose a range without forwards; run: sipalgd --media-ports"));
    status.public_ports = {{4112, 4127}};  // few by nature
    CHECK(warnings(status).empty());
    status.public_ports.clear();
    status.media_ports_left = 256;
    CHECK(warnings(status).empty());
    status = healthy();
    status.source_ports = {{4112, 4127}, {8208, 8223}};  // A3
    CHECK(contains(only_warning(status),
                   "run: printf '%s\\n' 'public-ports = 4112-4127' 'public-ports = 8208-8223'"));
    status.public_ports = {{8208, 8223}};
    CHECK(warnings(status).empty());
    status.public_ports = {{8208, 8224}};
    CHECK(contains(only_warning(status), "translates to the ports 4112-4127, 8208-8223 only"));
    status.public_ports.clear();
    status.source_ports = {{1024, 65535}};
    CHECK(warnings(status).empty());
    status = healthy();
    status.for_restart = {"queue"};
    CHECK(contains(only_warning(status), "option queue has changed"));
    status = healthy();
    status.lost_verdicts = 3;
    CHECK(contains(only_warning(status), "3 verdicts never reached the kernel"));
    status = healthy();
    status.counters[static_cast<std::size_t>(Reason::limit_reached)] = 7;
    CHECK(contains(only_warning(status), "sipalgctl limits"));
}
