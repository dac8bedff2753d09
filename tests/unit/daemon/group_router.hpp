// An engine whose verdicts are noted, for tests of packets that wait together (P4).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "alg/daemon/run/engine.hpp"

namespace sipalg::test {

inline const Address wan = *Address::parse("203.0.113.1");

/// Holds the elements, and refuses transactions with a mapping of one inside port.
struct ElementKernel : daemon::Kernel {
    std::set<Element> elements;
    std::vector<std::size_t> transactions;  ///< the number of changes in each
    std::uint16_t refused_port = 0;
    bool broken = false;
    std::optional<std::uint16_t> port;  ///< behind public port 14830
    std::function<void()> before_answer;

    void erase(std::span<const ConntrackTuple>) override {
        if (broken) throw std::runtime_error("netlink is gone");
    }
    Result<> apply(std::span<const Change> changes) override {
        if (broken) throw std::runtime_error("netlink is gone");
        if (before_answer) before_answer();
        transactions.push_back(changes.size());
        for (const Change& change : changes) {
            const auto* mapping = std::get_if<Mapping>(&change.element);
            if (mapping && mapping->inside.port == refused_port) return Failure{std::string("no")};
        }
        for (const Change& change : changes) {
            std::erase_if(elements, [&](const Element& known) {
                const auto *a = std::get_if<Record>(&known), *b = std::get_if<Record>(&change.element);
                return known == change.element || (a && b && a->id == b->id && a->part == b->part);
            });
            if (change.op != Change::Op::remove) elements.insert(change.element);
        }
        return {};
    }
    std::optional<std::uint16_t> inside_port(const PortQuestion& question) override {
        return question.outside.port == 14830 ? port : std::nullopt;
    }
};

struct Verdict {
    Output::Kind kind = Output::Kind::pass;
    std::vector<std::uint8_t> packet;  ///< unless it passes as it arrived
    std::string payload;
    friend bool operator==(const Verdict&, const Verdict&) = default;
};

struct Router {
    State state{Policy{}};
    ElementKernel kernel;
    std::map<std::uint64_t, Verdict> verdicts;  ///< by token
    std::vector<std::uint64_t> order;           ///< of the emitted ones
    std::vector<std::vector<std::uint8_t>> injected;
    daemon::Engine engine{state, kernel, Policy{}, [this](const Output& output) { note(output); }};
    Time now{1'000'000};

    static std::string payload(Bytes bytes) {
        const auto packet = parse_packet(bytes);
        return packet ? std::string(packet->payload) : std::string();
    }
    std::uint64_t count(Reason reason) const { return engine.counters()[static_cast<std::size_t>(reason)]; }
    /// True: the packet waits.
    bool gather(const std::vector<std::uint8_t>& packet, std::uint64_t token, std::size_t longest = 65531,
                Side from = Side::inside) {
        return note(engine.gather(arrival(packet, token, from), now, longest), token);
    }
    bool handle(const std::vector<std::uint8_t>& packet, std::uint64_t token, Side from = Side::inside) {
        return note(engine.handle(arrival(packet, token, from), now, 65531), token);
    }
    static Arrival arrival(const std::vector<std::uint8_t>& packet, std::uint64_t token, Side from) {
        Arrival arrival(from, packet, {wan, wan}, false, token);
        arrival.established = from == Side::outside;
        return arrival;
    }
    bool note(const daemon::Action& action, std::uint64_t token) {
        using Kind = daemon::Action::Kind;
        if (action.kind == Kind::wait) return true;
        const auto kind = action.kind == Kind::replace ? Output::Kind::replace
                          : action.kind == Kind::drop  ? Output::Kind::drop
                                                       : Output::Kind::pass;
        verdicts[token] = {kind, {action.packet.begin(), action.packet.end()}, payload(action.packet)};
        return false;
    }
    void note(const Output& output) {
        if (output.kind == Output::Kind::inject) return injected.push_back(output.bytes);
        order.push_back(output.token);
        verdicts[output.token] = {output.kind, output.bytes, payload(output.bytes)};
    }
    /// What the kernel should hold.
    std::set<Element> expected() {
        std::set<Element> all;
        for (const Change& change : state.elements(now))
            all.insert(change.element);
        return all;
    }
};

}  // namespace sipalg::test
