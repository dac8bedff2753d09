#include "alg/daemon/run/ruleset_guard.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "alg/daemon/config/log.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// Rules that are lost, refused and counted by hand.
struct FakeRules : Rules {
    bool changed_by_others() override {
        ++questions;
        return std::exchange(changed, false);
    }
    nft::Missing missing(std::span<const Change> expected) override {
        ++(expected.empty() ? looks : readings);
        if (unreadable) throw nft::Error("unreadable");
        return !expected.empty() && flushed ? nft::Missing::table : lost;
    }
    std::vector<nft::AcceptPlace> follow() override {
        ++follows;
        std::this_thread::sleep_for(delay);
        return {};
    }
    std::optional<std::string> kernel_helper() override { return helper; }
    std::vector<std::string> offloading_chains() override { return offloading; }
    std::vector<PortRange> source_ports() override { return ports; }
    bool keeps_out_of_flowtables() override { return keeps_out; }
    std::vector<PortForward> port_forwards() override { return forwards; }
    void install() override {
        ++installs;
        if (refuse) throw nft::Error("no such chain");
        done += "install ";
        lost = nft::Missing::nothing;
        flushed = false;
    }
    Result<> apply(std::span<const Change> changes) override {
        done += "apply " + std::to_string(changes.size()) + ' ';
        if (!refuse_elements) return {};
        if (refused) refused();  // as the daemon is told of each refusal
        return Failure{"full"};
    }
    void set_outside(const std::vector<std::string>& names) override {
        ++tells;
        if (lost == nft::Missing::table) throw nft::Error("no such table");
        outside = names;
    }
    void set_hosts(const nft::Hosts& wanted) override {
        if (lost == nft::Missing::table) throw nft::Error("no such table");
        hosts = wanted;
    }

    /// What another program does.
    void lose() {
        lost = nft::Missing::table;
        changed = true;
    }

    nft::Missing lost = nft::Missing::nothing;
    bool changed = false;
    std::optional<std::string> helper;
    std::vector<PortForward> forwards;
    std::vector<std::string> offloading;
    std::vector<PortRange> ports;
    bool keeps_out = false;
    bool flushed = false;                ///< a set of elements is empty
    std::chrono::milliseconds delay{0};  ///< a busy machine: the kernel answers late
    int questions = 0, readings = 0, follows = 0;
    bool unreadable = false, refuse = false, refuse_elements = false;
    int looks = 0, installs = 0, tells = 0;
    std::function<void()> refused;
    std::string done;
    std::vector<std::string> outside;
    nft::Hosts hosts;
};

struct Fixture {
    FakeRules rules;
    RulesetGuard upkeep{
        rules, [this](Time) { rules.done += "end "; },
        [](Time) {
            const Endpoint inside = *Endpoint::parse("192.168.1.10:5060");
            return std::vector<Change>{{Change::Op::add, Diversion{Transport::udp, inside}, Seconds{60}}};
        },
        [this](const std::vector<PortForward>& forwards, Time) {
            ++reports;
            if (std::exchange(refuse_forwards, false)) return false;
            taken = forwards;
            return true;
        },
        [this] { ++renewals; }};
    int renewals = 0;
    std::vector<PortForward> taken;
    int reports = 0;
    bool refuse_forwards = false;
    Time now{1'000'000};

    Fixture() {
        set_log_level(LogLevel::error);
        upkeep.advance(now);
        upkeep.advance(now + RulesetGuard::coalesce);
        rules.looks = rules.questions = rules.readings = rules.follows = 0;
        now += Time{500};
    }
    ~Fixture() { set_log_level(LogLevel::info); }
    Time hear() {
        upkeep.check_soon();
        return upkeep.advance(now);
    }
    std::string take_done() { return std::exchange(rules.done, {}); }
};

constexpr Time moment{1};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "P5 without a notification the kernel is asked once a minute") {
    const Time next = upkeep.advance(now);
    CHECK(next == Time{1'000'000} + RulesetGuard::in_any_case);
    CHECK(upkeep.advance(now + Time{50'000}) == next);
    CHECK(rules.questions == 0);
    rules.lose();
    upkeep.advance(next);
    CHECK(rules.questions == 1);
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(
    Fixture, "A4 notifications that were missed during an own transaction are made up for in two seconds") {
    rules.lose();
    upkeep.note_missed();
    CHECK(upkeep.advance(now) == now + RulesetGuard::every);
    upkeep.note_missed();  // by a later transaction, which does not delay the question
    CHECK(upkeep.advance(now + moment) == now + RulesetGuard::every);
    CHECK(rules.questions == 0);
    upkeep.advance(now + RulesetGuard::every);
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture,
                  "T4: a lost table is restored at once with its elements, after connections were reset") {
    rules.lose();
    CHECK(upkeep.advance(now) > now);
    CHECK(rules.done.empty());
    hear();
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(
    Fixture, "A4: accept rules are followed without touching the table, once for changes within 100 ms") {
    rules.changed = true;
    CHECK(hear() == now + RulesetGuard::coalesce);
    for (Time later{10}; later < RulesetGuard::coalesce; later += Time{10}) {
        rules.changed = true;
        upkeep.check_soon();
        upkeep.advance(now + later);
    }
    CHECK(rules.follows == 0);
    upkeep.advance(now + RulesetGuard::coalesce);
    CHECK(rules.follows == 1);
    CHECK(rules.readings == 1);
    CHECK(rules.done.empty());
}

TEST_CASE_FIXTURE(Fixture, "A4: a reading that waits for the kernel does not delay the next one") {
    rules.delay = std::chrono::milliseconds(60);
    for (int i = 1; i <= 2; ++i) {
        rules.changed = true;
        hear();
        upkeep.advance(now += RulesetGuard::coalesce);
        CHECK(rules.follows == i);
    }
}

TEST_CASE_FIXTURE(Fixture, "A5: a flushed set is restored") {
    rules.flushed = rules.changed = true;
    hear();
    CHECK(rules.done.empty());
    upkeep.advance(now + RulesetGuard::coalesce);
    CHECK(rules.done == "end install apply 1 ");
    CHECK(rules.follows == 1);
}

TEST_CASE_FIXTURE(Fixture, "a ruleset that can't be followed is read again after two seconds") {
    rules.changed = true;
    hear();
    rules.unreadable = true;
    now += RulesetGuard::coalesce;
    upkeep.advance(now);
    CHECK(rules.follows == 0);
    rules.unreadable = false;
    upkeep.advance(now + RulesetGuard::every);
    CHECK(rules.follows == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "P5: the ruleset is read only when another program has changed it, or once a minute") {
    for (int i = 0; i < 20; ++i)
        upkeep.advance(now += RulesetGuard::every);
    CHECK(rules.questions == 0);
    CHECK(rules.looks == 0);
    now += RulesetGuard::in_any_case;
    upkeep.advance(now);
    upkeep.advance(now + RulesetGuard::coalesce);
    CHECK(rules.looks == 1);
    CHECK(rules.follows == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "T4: rules that are removed twice within a moment are restored at once, both times") {
    for (int i = 0; i < 2; ++i, now += moment) {
        rules.lose();
        hear();
        CHECK(take_done() == "end install apply 1 ");
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "X7: after the first few changes by another program, the table is checked every 50 ms") {
    for (int i = 1; i <= RulesetGuard::checks_at_once; ++i) {
        rules.changed = true;
        hear();
        CHECK(rules.looks == i);
    }
    const Time next = now + RulesetGuard::pause;
    rules.changed = true;
    for (now += moment; now < next; now += moment)
        CHECK(hear() == next);
    CHECK(rules.looks == RulesetGuard::checks_at_once);
    rules.lose();
    upkeep.advance(now);
    CHECK(rules.looks == RulesetGuard::checks_at_once + 1);
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture,
                  "X7: rules that another program keeps removing are restored four times in two seconds") {
    int mends = 0;
    const Time start = now;
    for (; now < start + Time{20'000}; now += Time{10}) {
        rules.lose();
        hear();
        if (!take_done().empty()) ++mends;
    }
    CHECK(mends == 4 * 10);
}

TEST_CASE_FIXTURE(Fixture, "after the fourth restore the next one follows later") {
    const Time began = now;
    for (int i = 0; i < RulesetGuard::most_restores; ++i) {
        rules.lose();
        hear();
        CHECK(take_done() == "end install apply 1 ");
        now += RulesetGuard::pause;
    }
    rules.lose();
    hear();
    CHECK(upkeep.advance(began + RulesetGuard::window - moment) == began + RulesetGuard::window);
    CHECK(take_done().empty());
    upkeep.advance(began + RulesetGuard::window);
    CHECK(take_done() == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture,
                  "if a firewall is loaded in several transactions, the one that adds the chain is noticed") {
    rules.lose();
    rules.refuse = true;
    for (int i = 0; i < 20; ++i, now += RulesetGuard::pause)
        hear();
    CHECK(rules.installs == 20);
    rules.refuse = false;
    take_done();
    hear();
    CHECK(take_done() == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture, "a refused change is repeated after two seconds") {
    SUBCASE("reading") {
        rules.unreadable = rules.changed = true;
        hear();
        CHECK(rules.done.empty());
        rules.unreadable = false;
        upkeep.advance(now + RulesetGuard::every);
        CHECK(take_done() == "install apply 1 ");
    }
    SUBCASE("elements") {
        rules.lose();
        rules.refuse_elements = true;
        rules.refused = [this] { upkeep.check_soon(); };
        hear();
        CHECK(take_done() == "end install apply 1 ");
        rules.refuse_elements = false;
        upkeep.advance(now + RulesetGuard::every);
        CHECK(take_done() == "install apply 1 ");
    }
}

TEST_CASE_FIXTURE(Fixture, "changed interfaces and peers are applied at once") {
    upkeep.want_outside({"wan", "wan2"});
    upkeep.want_hosts({{{*Address::parse("203.0.113.0"), 24}}, {{*Address::parse("192.168.9.0"), 24}}});
    CHECK(upkeep.advance(now) <= Time{1'002'000});  // or sooner, for the port forwards of the new interfaces
    CHECK(rules.outside == std::vector<std::string>{"wan", "wan2"});
    CHECK(rules.hosts.allowed.size() == 1);
    CHECK(rules.hosts.any_interface.size() == 1);
    CHECK(rules.looks == 0);
    upkeep.advance(now);
    CHECK(rules.tells == 1);
}

TEST_CASE_FIXTURE(Fixture, "C11: without a table they are applied when it exists") {
    rules.lose();
    upkeep.want_outside({"wan2"});
    CHECK(upkeep.advance(now) == now + RulesetGuard::every);
    CHECK(upkeep.advance(now + moment) == now + RulesetGuard::every);
    CHECK(rules.tells == 1);
    CHECK(rules.outside.empty());
    hear();
    CHECK(rules.outside == std::vector<std::string>{"wan2"});
    CHECK(rules.tells == 2);
    upkeep.advance(now + RulesetGuard::every);
    CHECK(rules.tells == 2);
}

TEST_CASE("X12 port forwards that come later are reported once, and again after a refusal") {
    Fixture f;
    const auto change_ruleset = [&] {
        f.rules.changed = true;
        f.upkeep.check_soon();
        f.upkeep.advance(f.now += RulesetGuard::every);
        f.upkeep.advance(f.now += RulesetGuard::coalesce);
    };
    change_ruleset();
    CHECK(f.reports == 1);
    change_ruleset();
    CHECK(f.reports == 1);
    f.rules.forwards = {{Transport::udp, 5060, 5060, {}, *Address::parse("192.168.1.10"), 0, 0}};
    f.refuse_forwards = true;
    change_ruleset();
    CHECK(f.reports == 2);
    CHECK(f.taken.empty());
    f.upkeep.advance(f.now += RulesetGuard::every);
    CHECK(f.reports == 3);
    CHECK(f.taken == f.rules.forwards);
}

TEST_CASE_FIXTURE(Fixture,
                  "A8 flows that are older than the helper are renewed once for each time that it comes") {
    CHECK(renewals == 0);
    for (const bool keeps : {true, true, false, true}) {
        rules.keeps_out = keeps;
        rules.changed = true;
        upkeep.check_soon();
        for (const int ms : {0, 200})
            upkeep.advance(now += Time{5000 + ms});
    }
    CHECK(renewals == 2);
}
