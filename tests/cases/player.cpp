#include "tests/cases/player.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "tests/cases/expectation.hpp"
#include "tests/cases/invariants.hpp"

namespace sipalg::test {

namespace {

// INSIDE > REMOTE as PUBLIC: a flow opened by the phone. REMOTE > PUBLIC to INSIDE: a flow opened by a peer.
// After that, the packets in each direction if conntrack counts them, else "replied" if there was a reply.
ConntrackEntry flow_of(const std::string& line) {
    std::istringstream in(line);
    std::string source, arrow, destination, kind, translated;
    in >> source >> arrow >> destination >> kind >> translated;
    ConntrackEntry flow;
    flow.original_source = endpoint(source);
    flow.original_destination = endpoint(destination);
    flow.reply_source = kind == "as" ? flow.original_destination : endpoint(translated);
    flow.reply_destination = kind == "as" ? endpoint(translated) : flow.original_source;
    std::string word;
    for (std::uint64_t count = 0; in >> word >> count;) {
        flow.counted = true;
        flow.replied = true;
        (word == "sent" ? flow.original_packets : flow.reply_packets) = count;
    }
    if (!flow.counted) flow.replied = word == "replied";
    return flow;
}

}  // namespace

void Player::play(const Step& step) {
    if (step.verb == "record") {
        const auto id = static_cast<std::uint32_t>(std::stoul(step.argument(0)));
        router_.leave_record(id, step.argument(1));
        return;  // the state does not know the record before a restart
    }
    if (!play_event(step) && !change_setting(step) && !is_met(step, router_))
        throw std::runtime_error("no such step: " + step.verb);
    check_reports(router_);
    check_invariants(router_.state(), router_.kernel(), router_.now());
}

bool Player::play_event(const Step& step) {
    if (step.verb == "out" || step.verb == "in") {
        packet(step);
    } else if (step.verb == "proven") {
        const auto at = [&](std::size_t i) {
            return Endpoint{Address::parse(step.argument(i)).value(), 5060};
        };
        router_.send(Side::outside, at(1), at(0), "\r\n", true);
    } else if (step.verb == "wait") {
        router_.wait(Seconds{std::stoi(step.argument(0))});
    } else if (step.verb == "latch-accepts") {
        router_.accept_by_latch(endpoint(step.argument(0)), Address::parse(step.argument(2)).value());
    } else if (step.verb == "listen") {
        router_.listen(endpoint(step.argument(0)));
    } else if (step.verb == "refuse") {
        router_.refuse();
    } else if (step.verb == "restart") {
        restart(step);
    } else if (step.verb == "flush") {
        router_.flush();
    } else if (step.verb == "down") {
        router_.stay_down(Seconds{std::stoi(step.argument(0))});
    } else if (step.verb == "scan-flow") {
        scan_flow(step);
    } else if (step.verb == "conntrack:") {
        std::vector<ConntrackEntry> flows;
        for (const std::string& line : step.rows)
            flows.push_back(flow_of(line));
        router_.set_conntrack(std::move(flows));
    } else if (step.verb == "scan") {
        router_.scan();
    } else {
        return false;
    }
    return true;
}

bool Player::change_setting(const Step& step) {
    if (step.verb == "external") {
        router_.set_external(Address::parse(step.argument(0)).value());
    } else if (step.verb == "address") {
        router_.set_outside(Address::parse(step.argument(0)).value());
    } else if (step.verb == "routed") {
        router_.set_routed();
    } else if (step.verb == "occupied") {
        router_.set_occupied({transport(step.argument(0)), endpoint(step.argument(1))});
    } else if (step.verb == "forward") {
        router_.add_forward({transport(step.argument(0)), endpoint(step.argument(1)).port,
                             endpoint(step.argument(1)).port, endpoint(step.argument(1)).address,
                             endpoint(step.argument(2)).address, endpoint(step.argument(2)).port,
                             endpoint(step.argument(2)).port});
    } else if (step.verb == "limit") {
        set_limit(step.argument(0), std::stoul(step.argument(1)));
    } else if (step.verb == "media-source") {
        set_media_source(step);
    } else if (step.verb == "mode") {
        set_mode(step);
    } else if (step.verb == "delegates") {
        router_.change_treatments([&](Treatments& all) {
            Section& section = all.phones.emplace_back(Section{Prefix::parse(step.argument(0)).value(), {}});
            for (std::size_t i = 1; i < step.arguments.size(); ++i)
                section.treatment.delegates.push_back(Prefix::parse(step.argument(i)).value());
        });
    } else if (step.verb == "allowed") {
        router_.change_treatments([&](Treatments& all) {
            Section& section = all.peers.emplace_back(Section{Prefix::parse(step.argument(0)).value(), {}});
            section.treatment.allowed = true;
        });
    } else {
        return false;
    }
    return true;
}

void Player::packet(const Step& step) {
    if (step.arguments.size() < 3) throw std::runtime_error("needs FROM > TO");
    const Endpoint source = endpoint(step.arguments[0]);
    const Endpoint destination = endpoint(step.arguments[2]);
    const Versions versions = message_of(step);
    const bool refused = router_.refuses();
    const Side side = step.verb == "out" ? Side::inside : Side::outside;
    std::optional<bool> established;
    for (const char* word : {"new", "established"})
        if (std::find(step.arguments.begin() + 3, step.arguments.end(), word) != step.arguments.end())
            established = word == std::string_view("established");
    const std::string result = router_.send(side, source, destination, versions.before, established);
    same_text("message", versions.after, result);
    const bool foreign =
        std::find(step.arguments.begin() + 3, step.arguments.end(), "foreign") != step.arguments.end();
    // S4: the message that went out comes back unchanged.
    if (side == Side::inside && !refused && !foreign)
        same_text("the message on its way back", versions.before,
                  router_.way_back(result, source, destination));
}

void Player::restart(const Step& step) {
    Seconds later{0};
    std::optional<Address> outside;
    for (const std::string& word : step.arguments) {
        if (const auto address = Address::parse(word))
            outside = address;
        else if (word != "at")
            later += Seconds{std::stoi(word)};
    }
    router_.restart(later, outside);
}

void Player::scan_flow(const Step& step) {
    const auto& a = step.arguments;
    if (a.size() < 6) throw std::runtime_error("needs two directions");
    ConntrackEntry flow;
    flow.original_source = endpoint(a[0]);
    flow.original_destination = endpoint(a[2].substr(0, a[2].size() - 1));
    flow.reply_source = endpoint(a[3]);
    flow.reply_destination = endpoint(a[5]);
    const bool deleted = a.size() > 6 && a[6] == "deleted";
    if (deleted && !router_.state().scan.wanted(router_.now())) throw std::runtime_error("no scan is due");
    if (router_.scan_one(flow) != deleted)
        throw std::runtime_error(deleted ? "the scan kept the flow" : "the scan deleted the flow");
}

void Player::set_limit(const std::string& name, std::size_t limit) {
    struct Limit {
        const char* name;
        std::size_t Policy::*member;
    };
    constexpr Limit limits[]{{"calls", &Policy::max_calls},
                             {"calls-per-phone", &Policy::max_calls_per_phone},
                             {"calls-per-peer", &Policy::max_calls_per_peer},
                             {"unanswered-per-phone", &Policy::max_unanswered_per_phone},
                             {"unproven-calls", &Policy::max_unproven_calls},
                             {"proven-pairs", &Policy::max_proven_pairs},
                             {"proven-pairs-per-phone", &Policy::max_proven_pairs_per_phone},
                             {"mappings", &Policy::max_mappings},
                             {"mappings-per-phone", &Policy::max_mappings_per_phone},
                             {"bindings", &Policy::max_bindings},
                             {"bindings-per-phone", &Policy::max_bindings_per_phone}};
    for (const Limit& each : limits)
        if (name == each.name) return router_.set_limit(each.member, limit);
    throw std::runtime_error("no such limit: " + name);
}

void Player::set_mode(const Step& step) {
    const auto& a = step.arguments;
    const auto mode = [](const std::string& text) {
        for (const Mode each : {Mode::automatic, Mode::rewrite, Mode::pinhole, Mode::observe, Mode::off})
            if (word(each) == text) return each;
        throw std::runtime_error("no mode: " + text);
    };
    router_.change_treatments([&](Treatments& all) {
        if (a.size() == 3) {
            auto& sections = a[0] == "peer" ? all.peers : all.phones;
            Section& section = sections.emplace_back(Section{Prefix::parse(a[1]).value(), {}});
            section.treatment.mode = mode(a[2]);
        } else {
            all.mode = mode(a.at(0));
        }
    });
}

void Player::set_media_source(const Step& step) {
    const auto& a = step.arguments;
    if (a.size() != 3) throw std::runtime_error("needs SIDE, ADDRESS and POLICY");
    const MediaSource source = a[2] == "any"     ? MediaSource::any
                               : a[2] == "latch" ? MediaSource::latch
                                                 : MediaSource::negotiated;
    router_.change_treatments([&](Treatments& all) {
        auto& sections = a[0] == "peer" ? all.peers : all.phones;
        const Prefix prefix = Prefix::parse(a[1]).value();
        std::erase_if(sections, [&](const Section& section) { return section.prefix == prefix; });
        Section& section = sections.emplace_back(Section{prefix, {}});
        section.treatment.media_source = source;
    });
}

}  // namespace sipalg::test
