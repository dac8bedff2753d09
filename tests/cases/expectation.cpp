#include "tests/cases/expectation.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <variant>
#include <vector>

#include "alg/core/report.hpp"

namespace sipalg::test {

namespace {

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += "    " + line + "\n";
    return text.empty() ? "    (none)\n" : text;
}

void same(const char* what, std::vector<std::string> expected, std::vector<std::string> found) {
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    if (expected != found)
        throw std::runtime_error(std::string(what) + " expected:\n" + join(expected) + "  found:\n" +
                                 join(found));
}

std::string row(const PinholeReport& p) {
    return std::string(name(p.transport)) + " " + p.public_endpoint.text() + " > " + p.inside.text() +
           " from " + p.remote + " " + p.media + " " + p.component + " " + p.state;
}

// Expectations that are met or not.
bool is_plain(const Step& step, Router& router) {
    const auto& elements = router.kernel().elements();
    const Decision& decision = router.decision();
    if (step.verb == "reason") {
        same_text("reason", step.argument(0), std::string(word(decision.reason)));
    } else if (step.verb == "to-port") {
        const auto port = decision.destination_port;
        same_text("port", step.argument(0), port ? std::to_string(*port) : "same");
    } else if (step.verb == "no-changes") {
        if (!decision.changes.empty()) throw std::runtime_error("the packet changed the kernel's elements");
    } else if (step.verb == "unmodified") {
        if (decision.rewritten) throw std::runtime_error("the message was rewritten");
    } else if (step.verb == "admits" || step.verb == "denies") {
        const Address remote = step.argument(3) == "*" ? Address{} : Address::parse(step.argument(3)).value();
        const bool open =
            elements.contains(Pinhole{transport(step.argument(0)), remote, endpoint(step.argument(1))});
        if (open != (step.verb == "admits")) throw std::runtime_error(open ? "it is open" : "it is not open");
    } else if (step.verb == "reachable" || step.verb == "unreachable") {
        const bool there = elements.contains(Reachable{Transport::udp, endpoint(step.argument(0))});
        if (there != (step.verb == "reachable"))
            throw std::runtime_error(there ? "it is reachable" : "it is not reachable");
    } else if (step.verb == "latch-open" || step.verb == "latch-closed") {
        const bool open = elements.contains(Latch{Transport::udp, endpoint(step.argument(0))});
        if (open != (step.verb == "latch-open"))
            throw std::runtime_error(open ? "there is a latch" : "there is no latch");
    } else if (step.verb == "mapping") {
        if (!elements.contains(
                Mapping{Transport::udp, endpoint(step.argument(0)), endpoint(step.argument(2))}))
            throw std::runtime_error("the kernel has no such mapping");
    } else if (step.verb == "empty") {
        if (!elements.empty())
            throw std::runtime_error("the kernel still has " + std::to_string(elements.size()) + " elements");
    } else if (step.verb == "nat-handling") {
        static constexpr const char* ends[] = {"none", "phone", "peer"};
        const Handling handling = router.state().handling(Address::parse(step.argument(0)).value(),
                                                          Address::parse(step.argument(1)).value());
        same_text("the end that handles NAT", step.argument(2),
                  ends[static_cast<std::size_t>(handling.handler)]);
    } else if (step.verb == "asked" || step.verb == "not-asked") {
        const bool needed = router.asked();
        if (needed != (step.verb == "asked"))
            throw std::runtime_error(needed ? "the message asked about a flow"
                                            : "the message asked about no flow");
    } else {
        return false;
    }
    return true;
}

// Expectations that list rows, in any order.
bool lists(const Step& step, Router& router) {
    State& state = router.state();
    const Time now = router.now();
    const Decision& decision = router.decision();
    const char* what = "";
    std::vector<std::string> found;
    if (step.verb == "pinholes:") {
        what = "pinholes";
        for (const PinholeReport& p : report_pinholes(state, now))
            if (p.serves == PinholeReport::Serves::media) found.push_back(row(p));
    } else if (step.verb == "calls:") {
        what = "calls";
        for (const CallReport& call : report_calls(state))
            found.push_back(call.call_id + " " + call.state);
    } else if (step.verb == "bindings:") {
        what = "bindings";
        for (const BindingReport& b : report_bindings(state, now))
            found.push_back(b.aor + " " + b.public_endpoint.text() + " > " + b.inside.text() + " by " +
                            b.registrar + " " + std::to_string(b.expires_s));
    } else if (step.verb == "stale:" || step.verb == "ended:") {
        const bool stale = step.verb == "stale:";
        what = stale ? "stale flows" : "ended flows";
        for (const ConntrackTuple& flow : stale ? decision.stale : decision.ended)
            found.push_back(flow.source.text() + " > " + flow.destination.text());
    } else if (step.verb == "silent:") {
        what = "silent";
        for (const CallReport& call : report_calls(state))
            for (const MediaReport& stream : call.media)
                if (!stream.silent.empty())
                    found.push_back(call.call_id + " " + stream.type + " " + stream.silent);
    } else if (step.verb == "scan-events:" || step.verb == "events:") {
        const bool of_scan = step.verb == "scan-events:";
        what = of_scan ? "events of the scan" : "events";
        for (const Event& event : of_scan ? router.scan_events() : decision.events)
            found.push_back(event.subject + " " + event.detail);
    } else {
        return false;
    }
    same(what, step.rows, found);
    return true;
}

}  // namespace

void same_text(const char* what, const std::string& expected, const std::string& found) {
    if (expected != found)
        throw std::runtime_error(std::string(what) + " expected:\n" + expected + "\n  found:\n" + found);
}

bool is_met(const Step& step, Router& router) {
    return is_plain(step, router) || lists(step, router);
}

// All that is open is reported, and nothing else, but for latches: one that a source has used is reported
// until its time is over, and one of an earlier daemon, which is in no call, is not.
void check_reports(Router& router) {
    const State& state = router.state();
    const auto& elements = router.kernel().elements();
    const std::vector<Egress> egresses = state.egresses();
    std::set<Element> reported;
    for (const PinholeReport& p : report_pinholes(state, router.now())) {
        const auto at = std::find_if(egresses.begin(), egresses.end(), [&](const Egress& used) {
            return used.advertised == p.public_endpoint.address;
        });
        const bool translated = p.public_endpoint != p.inside;
        if (translated && at == egresses.end())
            throw std::runtime_error("reported at an address that is not the router's: " + row(p));
        const Endpoint outside{translated ? at->address : p.inside.address, p.public_endpoint.port};
        const Address remote = p.remote == "*" || p.serves == PinholeReport::Serves::allowed_peer
                                   ? Address{}
                                   : Address::parse(p.remote).value();
        const bool latch = p.serves == PinholeReport::Serves::latch;
        Element element = Pinhole{p.transport, remote, outside};
        if (latch) element = Latch{p.transport, outside};
        if (p.serves == PinholeReport::Serves::allowed_peer) element = Reachable{p.transport, outside};
        const Mapping mapping{p.transport, p.inside, outside};
        if ((!latch && !elements.contains(element)) || elements.contains(mapping) != translated)
            throw std::runtime_error("reported but not in the kernel: " + row(p));
        reported.insert(element);
    }
    for (const auto& [element, until] : elements) {
        const bool is_latch = std::holds_alternative<Latch>(element);
        const bool admits = std::holds_alternative<Pinhole>(element) || is_latch ||
                            std::holds_alternative<Reachable>(element);
        if (is_latch && state.calls.latches_open_until() > router.now()) continue;
        if (admits && !reported.contains(element)) throw std::runtime_error("open, but not reported");
    }
}

}  // namespace sipalg::test
