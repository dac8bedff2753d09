#include "alg/daemon/run/ruleset_guard.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <utility>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// Rules that are lost, refused and counted by hand.
struct FakeRules : Rules {
    nft::Missing missing() override {
        ++looks;
        if (unreadable) throw nft::Error("unreadable");
        return lost;
    }
    void install() override {
        ++installs;
        if (refuse) throw nft::Error("no such chain");
        done += "install ";
        lost = nft::Missing::nothing;
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
    void set_allowed(const std::vector<nft::Peers>& peers) override {
        if (lost == nft::Missing::table) throw nft::Error("no such table");
        allowed = peers;
    }

    nft::Missing lost = nft::Missing::nothing;
    bool unreadable = false, refuse = false, refuse_elements = false;
    int looks = 0, installs = 0, tells = 0;
    std::function<void()> refused;
    std::string done;
    std::vector<std::string> outside;
    std::vector<nft::Peers> allowed;
};

struct Fixture {
    FakeRules rules;
    RulesetGuard upkeep{
        rules, [this](Time) { rules.done += "end "; },
        [](Time) {
            const Endpoint inside = *Endpoint::parse("192.168.1.10:5060");
            return std::vector<Change>{{Change::Op::add, Diversion{Transport::udp, inside}, Seconds{60}}};
        }};
    Time now{1'000'000};

    Fixture() {
        spdlog::set_level(spdlog::level::off);
        upkeep.advance(now);
        rules.looks = 0;
        now += Time{500};
    }
    ~Fixture() { spdlog::set_level(spdlog::level::info); }
    Time hear() {
        upkeep.check_soon();
        return upkeep.advance(now);
    }
    std::string take_done() { return std::exchange(rules.done, {}); }
};

constexpr Time moment{1};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "without a word from the kernel it looks every two seconds") {
    const Time next = upkeep.advance(now);
    CHECK(next == Time{1'002'000});
    CHECK(upkeep.advance(next - moment) == next);
    CHECK(rules.looks == 0);
    CHECK(upkeep.advance(next) == next + RulesetGuard::every);
    CHECK(rules.looks == 1);
    rules.lost = nft::Missing::table;
    upkeep.advance(next + RulesetGuard::every);
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture,
                  "T4: a lost table comes back at once with its elements, and connections end first") {
    rules.lost = nft::Missing::table;
    CHECK(upkeep.advance(now) > now);
    CHECK(rules.done.empty());
    CHECK(hear() == now + RulesetGuard::every);
    CHECK(rules.done == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture, "connections go on where only an accept rule was lost") {
    rules.lost = nft::Missing::accept_rules;
    hear();
    CHECK(rules.done == "install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture, "what others change elsewhere costs a look, and not more than one in 50 ms") {
    hear();
    CHECK(rules.looks == 1);
    const Time next = now + RulesetGuard::pause;
    for (now += moment; now < next; now += moment)
        CHECK(hear() == next);
    CHECK(rules.looks == 1);
    rules.lost = nft::Missing::table;
    upkeep.advance(now);
    CHECK(rules.looks == 2);
    CHECK(rules.done == "end install apply 1 ");
    CHECK(upkeep.advance(now + RulesetGuard::pause) == now + RulesetGuard::every);
    CHECK(rules.looks == 2);
}

TEST_CASE_FIXTURE(
    Fixture,
    "X7: against a program that takes them again and again they are put back four times in two seconds") {
    int mends = 0;
    const Time start = now;
    for (; now < start + Time{20'000}; now += Time{10}) {
        rules.lost = nft::Missing::table;
        hear();
        if (!take_done().empty()) ++mends;
    }
    CHECK(mends == 4 * 10);
}

TEST_CASE_FIXTURE(Fixture, "after the last of four the next is not forgotten") {
    const Time began = now;
    for (int i = 0; i < RulesetGuard::most_restores; ++i) {
        rules.lost = nft::Missing::table;
        hear();
        CHECK(take_done() == "end install apply 1 ");
        now += RulesetGuard::pause;
    }
    rules.lost = nft::Missing::table;
    CHECK(hear() == began + RulesetGuard::window);
    CHECK(upkeep.advance(began + RulesetGuard::window - moment) == began + RulesetGuard::window);
    CHECK(take_done().empty());
    upkeep.advance(began + RulesetGuard::window);
    CHECK(take_done() == "end install apply 1 ");
}

TEST_CASE_FIXTURE(
    Fixture,
    "a firewall that is loaded in pieces: the one that brings the chain is enough, whichever it is") {
    rules.lost = nft::Missing::table;
    rules.refuse = true;
    for (int i = 0; i < 20; ++i, now += RulesetGuard::pause)
        CHECK(hear() == now + RulesetGuard::every);
    CHECK(rules.installs == 20);
    rules.refuse = false;
    take_done();
    CHECK(hear() == now + RulesetGuard::every);
    CHECK(take_done() == "end install apply 1 ");
}

TEST_CASE_FIXTURE(Fixture, "what the kernel refuses is tried again after two seconds") {
    SUBCASE("reading") {
        rules.unreadable = true;
        const Time next = hear();
        CHECK(next == now + RulesetGuard::every);
        rules.unreadable = false;
        upkeep.advance(next);
        CHECK(take_done() == "install apply 1 ");
    }
    SUBCASE("elements") {
        rules.lost = nft::Missing::table;
        rules.refuse_elements = true;
        rules.refused = [this] { upkeep.check_soon(); };
        const Time next = hear();
        CHECK(next == now + RulesetGuard::every);
        CHECK(take_done() == "end install apply 1 ");
        rules.refuse_elements = false;
        CHECK(upkeep.advance(next) == next + RulesetGuard::every);
        CHECK(take_done() == "install apply 1 ");
    }
}

TEST_CASE_FIXTURE(Fixture, "other interfaces and peers are told at once") {
    upkeep.want_outside({"wan", "wan2"});
    upkeep.want_allowed({{*Address::parse("203.0.113.0"), 24}});
    CHECK(upkeep.advance(now) == Time{1'002'000});
    CHECK(rules.outside == std::vector<std::string>{"wan", "wan2"});
    CHECK(rules.allowed.size() == 1);
    CHECK(rules.looks == 0);
    upkeep.advance(now);
    CHECK(rules.tells == 1);
}

TEST_CASE_FIXTURE(Fixture, "C11: and told again when there was no table, as soon as there is one") {
    rules.lost = nft::Missing::table;
    upkeep.want_outside({"wan2"});
    CHECK(upkeep.advance(now) == Time{1'002'000});
    CHECK(upkeep.advance(now + moment) == Time{1'002'000});
    CHECK(rules.tells == 1);
    CHECK(rules.outside.empty());
    hear();
    CHECK(rules.outside == std::vector<std::string>{"wan2"});
    CHECK(rules.tells == 2);
    upkeep.advance(now + RulesetGuard::every);
    CHECK(rules.tells == 2);
}
