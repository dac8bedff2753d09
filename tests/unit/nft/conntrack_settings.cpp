#include "nft/conntrack_settings.hpp"

#include <doctest/doctest.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sipalg;
using namespace sipalg::nft;

namespace {

/// A directory with settings, as /proc/sys/net/netfilter has them.
struct Settings {
    std::string path = [] {
        char name[] = "/tmp/sipalg-settings-XXXXXX";
        return std::string(mkdtemp(name)) + "/";
    }();
    ~Settings() { std::filesystem::remove_all(path); }
    void set(const char* name, const char* value) { std::ofstream(path + name) << value << "\n"; }
};

}  // namespace

TEST_CASE("C6 conntrack's timeouts are read, with the kernel's defaults for missing ones") {
    Settings settings;
    settings.set("nf_conntrack_udp_timeout_stream", "600");
    const UdpTimeouts timeouts = read_udp_timeouts(settings.path);
    CHECK(timeouts.stream == Seconds{600});
    CHECK(timeouts.single == Seconds{30});
}

TEST_CASE("C6 the idle time of a flow is its timeout minus the remaining time") {
    const UdpTimeouts timeouts{Seconds{60}, Seconds{600}};
    CHECK(timeouts.idle(IPS_CONFIRMED, Seconds{45}) == Seconds{15});
    CHECK(timeouts.idle(IPS_CONFIRMED | IPS_SEEN_REPLY, Seconds{45}) == Seconds{15});
    CHECK(timeouts.idle(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED, Seconds{590}) == Seconds{10});
    CHECK(timeouts.idle(IPS_CONFIRMED, Seconds{590}) == Seconds{0});  // another program has set it
}

TEST_CASE("O5 the setting for packet counters is read") {
    Settings settings;
    CHECK_FALSE(conntrack_counts(settings.path));
    settings.set("nf_conntrack_acct", "0");
    CHECK_FALSE(conntrack_counts(settings.path));
    settings.set("nf_conntrack_acct", "1");
    CHECK(conntrack_counts(settings.path));
}
