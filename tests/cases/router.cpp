#include "tests/cases/router.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "tests/cases/invariants.hpp"
#include "tests/unit/core/packets.hpp"

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

void same_text(const char* what, const std::string& expected, const std::string& found) {
    if (expected != found)
        throw std::runtime_error(std::string(what) + " expected:\n" + expected + "\n  found:\n" + found);
}

Endpoint endpoint(const std::string& text) {
    const auto value = Endpoint::parse(text);
    if (!value) throw std::runtime_error("no endpoint: " + text);
    return *value;
}

std::string row(const PinholeReport& p) {
    return std::string(name(p.transport)) + " " + p.public_endpoint.text() + " > " + p.inside.text() +
           " from " + p.remote + " " + p.media + " " + p.component + " " + p.state;
}

}  // namespace

Router::Router() : state_(fresh_state()) {}

State Router::fresh_state() const {
    State state{policy_};
    state.set_own_addresses({wan_, *Address::parse("192.168.1.1")});
    return state;
}

Egress Router::egress() const {
    return {wan_, external_ ? external_ : wan_};
}

// As the daemon's EgressChooser has it.
Egress Router::egress(const Endpoint& phone) const {
    return routed_ || phone.address.is_v6() ? Egress{phone.address, phone.address} : egress();
}

void Router::play(const Step& step) {
    const auto argument = [&](std::size_t i) -> const std::string& {
        if (i >= step.arguments.size()) throw std::runtime_error("an argument is missing");
        return step.arguments[i];
    };
    if (step.verb == "out" || step.verb == "in") {
        packet(step);
    } else if (step.verb == "pinholes:") {
        std::vector<std::string> found;
        for (const PinholeReport& p : state_.pinholes(now_))
            found.push_back(row(p));
        same("pinholes", step.rows, found);
    } else if (step.verb == "calls:") {
        std::vector<std::string> found;
        for (const CallReport& call : state_.calls(now_))
            found.push_back(call.call_id + " " + call.state);
        same("calls", step.rows, found);
    } else if (step.verb == "bindings:") {
        std::vector<std::string> found;
        for (const BindingReport& b : state_.bindings(now_))
            found.push_back(b.aor + " " + b.public_endpoint.text() + " > " + b.inside.text() + " by " +
                            b.registrar + " " + std::to_string(b.expires_s));
        same("bindings", step.rows, found);
    } else if (step.verb == "stale:" || step.verb == "ended:") {
        std::vector<std::string> found;
        for (const Flow& flow : step.verb == "stale:" ? decision_.stale : decision_.ended)
            found.push_back(flow.source.text() + " > " + flow.destination.text());
        same(step.verb == "stale:" ? "stale flows" : "ended flows", step.rows, found);
    } else if (step.verb == "silent:") {
        std::vector<std::string> found;
        for (const CallReport& call : state_.calls(now_))
            for (const MediaReport& stream : call.media)
                if (!stream.silent.empty())
                    found.push_back(call.call_id + " " + stream.type + " " + stream.silent);
        same("silent", step.rows, found);
    } else if (step.verb == "missing:") {
        std::vector<std::string> found;
        for (const Event& event : events_)
            found.push_back(event.subject + " " + event.detail);
        same("missing media", step.rows, found);
    } else if (step.verb == "reason") {
        same_text("reason", argument(0), std::string(word(decision_.reason)));
    } else if (step.verb == "quiet") {
        if (!decision_.changes.empty()) throw std::runtime_error("the kernel was asked for changes");
    } else if (step.verb == "admits" || step.verb == "denies") {
        const Address remote = argument(3) == "*" ? Address{} : Address::parse(argument(3)).value();
        const bool open = kernel_.elements().contains(
            Pinhole{argument(0) == "udp" ? Transport::udp : Transport::tcp, remote, endpoint(argument(1))});
        if (open != (step.verb == "admits")) throw std::runtime_error(open ? "it is open" : "it is not open");
    } else if (step.verb == "routed") {
        routed_ = true;
    } else if (step.verb == "identical") {
        if (decision_.rewritten) throw std::runtime_error("the message was written anew");
    } else if (step.verb == "ceiling") {
        bound(argument(0), std::stoul(argument(1)));
    } else if (step.verb == "media-source") {
        treat(step);
    } else if (step.verb == "mode") {
        set_mode(step);
    } else if (step.verb == "delegates") {
        auto& section =
            policy_.treatments.phones.emplace_back(Section{Prefix::parse(argument(0)).value(), {}});
        for (std::size_t i = 1; i < step.arguments.size(); ++i)
            section.treatment.delegates.push_back(Prefix::parse(argument(i)).value());
        state_.set_treatments(policy_.treatments);
    } else if (step.verb == "allows") {
        Section& section =
            policy_.treatments.peers.emplace_back(Section{Prefix::parse(argument(0)).value(), {}});
        section.treatment.allowed = true;
        state_.set_treatments(policy_.treatments);
    } else if (step.verb == "listens") {
        const Endpoint phone = endpoint(argument(0));
        const Listening wanted{{Transport::udp, phone}, egress(phone)};
        sipalg::listen(state_, {&wanted, 1}, now_, decision_);
        put_in_force();
    } else if (step.verb == "reachable" || step.verb == "unreachable") {
        const bool there = kernel_.elements().contains(Reachable{Transport::udp, endpoint(argument(0))});
        if (there != (step.verb == "reachable"))
            throw std::runtime_error(there ? "it is reachable" : "it is not reachable");
    } else if (step.verb == "minds") {
        static constexpr const char* who[] = {"nobody", "phone", "peer"};
        const Handling handling =
            state_.handling(Address::parse(argument(0)).value(), Address::parse(argument(1)).value());
        same_text("who minds NAT", argument(2), who[static_cast<std::size_t>(handling.minds)]);
    } else if (step.verb == "latched" || step.verb == "unlatched") {
        const bool latched = kernel_.elements().contains(Latch{Transport::udp, endpoint(argument(0))});
        if (latched != (step.verb == "latched"))
            throw std::runtime_error(latched ? "there is a latch" : "there is no latch");
    } else if (step.verb == "learns") {
        learn(endpoint(argument(0)), Address::parse(argument(2)).value());
    } else if (step.verb == "maps") {
        if (!kernel_.elements().contains(
                Mapping{Transport::udp, endpoint(argument(0)), endpoint(argument(2))}))
            throw std::runtime_error("it is not mapped");
    } else if (step.verb == "wait") {
        wait(Seconds{std::stoi(argument(0))});
    } else if (step.verb == "refuse") {
        refuse_ = true;
    } else if (step.verb == "record") {
        const auto id = static_cast<std::uint32_t>(std::stoul(argument(0)));
        const Change add{Change::Op::add, Record{id, 0, argument(1)}, Seconds{600}};
        kernel_.apply({&add, 1}, now_);
        return;
    } else if (step.verb == "restart") {
        for (const std::string& word : step.arguments) {
            if (const auto address = Address::parse(word))
                wan_ = *address;
            else if (word != "at")
                now_ += Seconds{std::stoi(word)};
        }
        kernel_.expire(now_);
        restart();
    } else if (step.verb == "flush") {
        kernel_ = TableKernel{};
        kernel_.apply(state_.elements(now_), now_);
    } else if (step.verb == "die") {
        now_ += Seconds{std::stoi(argument(0))};
        kernel_.expire(now_);
        state_ = fresh_state();
    } else if (step.verb == "external") {
        external_ = Address::parse(argument(0)).value();
        follow_address();
    } else if (step.verb == "address") {
        wan_ = Address::parse(argument(0)).value();
        follow_address();
    } else if (step.verb == "events:") {
        std::vector<std::string> found;
        for (const Event& event : decision_.events)
            found.push_back(event.subject + " " + event.detail);
        same("events", step.rows, found);
    } else if (step.verb == "occupied") {
        state_.set_occupied(
            {{argument(0) == "udp" ? Transport::udp : Transport::tcp, endpoint(argument(1))}});
    } else if (step.verb == "seen") {
        seen(step);
    } else if (step.verb == "conntrack:") {
        know(step);
    } else if (step.verb == "sweep") {
        sweep();
    } else if (step.verb == "asked" || step.verb == "unasked") {
        if (asked_ != (step.verb == "asked"))
            throw std::runtime_error(asked_ ? "conntrack was looked through" : "conntrack was not asked");
    } else if (step.verb == "empty") {
        if (!kernel_.elements().empty())
            throw std::runtime_error("the kernel still holds " + std::to_string(kernel_.elements().size()));
    } else {
        throw std::runtime_error("no such step: " + step.verb);
    }
    check_reports();
    check_invariants(state_, kernel_, now_);
}

std::string Router::send(Side from, const Endpoint& source, const Endpoint& destination,
                         const std::string& payload) {
    const auto bytes = udp_packet(source.text(), destination.text(), payload);
    const Egress way = egress(from == Side::inside ? source : destination);
    inspect(state_, Arrival{from, bytes, way}, now_, decision_);
    asked_ = decision_.sweep_first;
    if (asked_) {
        state_.cancel();
        check_invariants(state_, kernel_, now_);
        sweep();
        inspect(state_, Arrival{from, bytes, way, true}, now_, decision_);
        if (decision_.sweep_first) throw std::runtime_error("a second sweep is asked for");
    }
    return put_in_force() && decision_.rewritten ? decision_.payload : payload;
}

// As the daemon does it: false when the kernel refused.
bool Router::put_in_force() {
    if (refuse_ && !decision_.changes.empty()) {
        refuse_ = false;
        state_.cancel();
        return false;
    }
    kernel_.apply(decision_.changes, now_);
    state_.commit();
    return true;
}

void Router::packet(const Step& step) {
    if (step.arguments.size() < 3) throw std::runtime_error("needs FROM > TO");
    const Endpoint source = endpoint(step.arguments[0]);
    const Endpoint destination = endpoint(step.arguments[2]);
    const Versions versions = message_of(step);
    const bool refused = refuse_;
    const Side side = step.verb == "out" ? Side::inside : Side::outside;
    const std::string result = send(side, source, destination, versions.before);
    same_text("message", versions.after, result);
    const bool foreign = step.arguments.size() > 3 && step.arguments[3] == "foreign";
    if (side == Side::inside && !refused && !foreign)
        check_inverse(result, versions.before, source, destination);
}

// S4: what went out comes back as it was. Asked of the translation alone: what inspect() staged is cancelled.
void Router::check_inverse(const std::string& out, const std::string& original, const Endpoint& phone,
                           const Endpoint& peer) {
    const auto bytes = udp_packet(peer.text(), phone.text(), out);
    Decision back;
    inspect(state_, Arrival{Side::outside, bytes, egress(phone)}, now_, back);
    state_.cancel();
    same_text("the message, on its way back,", original, back.rewritten ? back.payload : out);
}

void Router::wait(Seconds time) {
    if (to_follow_) follow_address();
    const Time end = now_ + time;
    for (int i = 0; i < 100'000; ++i) {
        const auto next = state_.next_deadline();
        if (!next || *next > end) break;
        now_ = std::max(now_, *next);
        kernel_.expire(now_);
        advance();
    }
    now_ = end;
    kernel_.expire(now_);
}

// On an empty router.
void Router::bound(const std::string& what, std::size_t most) {
    struct Ceiling {
        const char* name;
        std::size_t Policy::*member;
    };
    constexpr Ceiling ceilings[]{{"calls", &Policy::max_calls},
                                 {"calls-per-phone", &Policy::max_calls_per_phone},
                                 {"calls-per-peer", &Policy::max_calls_per_peer},
                                 {"unanswered-per-phone", &Policy::max_unanswered_per_phone},
                                 {"mappings", &Policy::max_mappings},
                                 {"mappings-per-phone", &Policy::max_mappings_per_phone},
                                 {"bindings", &Policy::max_bindings},
                                 {"bindings-per-phone", &Policy::max_bindings_per_phone}};
    for (const Ceiling& ceiling : ceilings)
        if (what == ceiling.name) {
            policy_.*ceiling.member = most;
            state_ = fresh_state();
            return;
        }
    throw std::runtime_error("no such ceiling: " + what);
}

void Router::set_mode(const Step& step) {
    const auto& a = step.arguments;
    const auto mode = [](const std::string& text) {
        for (const Mode each : {Mode::automatic, Mode::rewrite, Mode::pinhole, Mode::observe, Mode::off})
            if (word(each) == text) return each;
        throw std::runtime_error("no mode: " + text);
    };
    if (a.size() == 3) {
        auto& sections = a[0] == "peer" ? policy_.treatments.peers : policy_.treatments.phones;
        Section& section = sections.emplace_back(Section{Prefix::parse(a[1]).value(), {}});
        section.treatment.mode = mode(a[2]);
    } else {
        policy_.treatments.mode = mode(a.at(0));
    }
    state_.set_treatments(policy_.treatments);
}

void Router::treat(const Step& step) {
    const auto& a = step.arguments;
    if (a.size() != 3) throw std::runtime_error("needs SIDE, ADDRESS and POLICY");
    const MediaSource source = a[2] == "any"     ? MediaSource::any
                               : a[2] == "latch" ? MediaSource::latch
                                                 : MediaSource::negotiated;
    auto& sections = a[0] == "peer" ? policy_.treatments.peers : policy_.treatments.phones;
    const Prefix prefix = Prefix::parse(a[1]).value();
    std::erase_if(sections, [&](const Section& section) { return section.prefix == prefix; });
    Section& section = sections.emplace_back(Section{prefix, {}});
    section.treatment.media_source = source;
    state_.set_treatments(policy_.treatments);
}

// The kernel takes the latch away with the first packet and says who sent it.
void Router::learn(const Endpoint& outside, const Address& remote) {
    const Latch latch{Transport::udp, outside};
    if (!kernel_.elements().contains(latch)) throw std::runtime_error("there is no latch");
    const Learned learned{Transport::udp, remote, outside};
    const Change caught[] = {{Change::Op::remove, latch, {}}, {Change::Op::add, learned, Seconds{60}}};
    kernel_.apply(caught, now_);
    if (!state_.learning(now_)) throw std::runtime_error("nobody asks what the kernel has learned");
    sipalg::learn(state_, {&learned, 1}, now_, decision_);
    put_in_force();
    if (kernel_.elements().contains(learned)) throw std::runtime_error("what was learned is still there");
}

void Router::advance() {
    expire(state_, now_, decision_);
    put_in_force();
}

void Router::restart() {
    State fresh = fresh_state();
    const auto changes = fresh.restore(
        kernel_.read(now_),
        [this](const Address& address) { return address == wan_ ? egress().advertised : address; }, now_);
    kernel_.apply(changes, now_);
    state_ = std::move(fresh);
    follow_address();
}

// As the daemon does it with one outside interface.
void Router::follow_address() {
    state_.set_own_addresses({wan_, *Address::parse("192.168.1.1")});
    std::vector<Readdress> moves;
    for (const Egress& used : state_.egresses()) {
        const bool listed = std::any_of(moves.begin(), moves.end(),
                                        [&](const Readdress& move) { return move.from == used.address; });
        if (used != egress() && !listed) moves.push_back({used.address, egress()});
    }
    if (moves.empty()) return decision_.clear();
    readdress(state_, moves, now_, decision_);
    to_follow_ = !put_in_force();
}

// INSIDE > REMOTE as PUBLIC: a flow that the phone began. REMOTE > PUBLIC to INSIDE: one that a peer began.
// Behind it: packets each way if conntrack counts, or whether it was replied to.
void Router::know(const Step& step) {
    conntrack_.clear();
    for (const std::string& line : step.rows) {
        std::istringstream in(line);
        std::string source, arrow, destination, kind, translated;
        in >> source >> arrow >> destination >> kind >> translated;
        FlowSeen flow;
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
        conntrack_.push_back(flow);
    }
}

void Router::sweep() {
    state_.begin_sweep(now_);
    std::erase_if(conntrack_, [this](const FlowSeen& flow) { return state_.sweep_entry(flow, now_); });
    events_ = state_.end_sweep();
}

void Router::seen(const Step& step) {
    const auto& a = step.arguments;
    if (a.size() < 6) throw std::runtime_error("needs two directions");
    FlowSeen flow;
    flow.original_source = endpoint(a[0]);
    flow.original_destination = endpoint(a[2].substr(0, a[2].size() - 1));
    flow.reply_source = endpoint(a[3]);
    flow.reply_destination = endpoint(a[5]);
    const bool erased = a.size() > 6 && a[6] == "erased";
    if (erased && !state_.sweep_wanted(now_)) throw std::runtime_error("no sweep is wanted");
    state_.begin_sweep(now_);
    const bool result = state_.sweep_entry(flow, now_);
    state_.end_sweep();
    if (result != erased) throw std::runtime_error(erased ? "the flow stays" : "the flow is erased");
}

// What people are shown is what there is.
void Router::check_reports() const {
    const std::vector<Egress> egresses = state_.egresses();
    for (const PinholeReport& p : state_.pinholes(now_)) {
        const auto at = std::find_if(egresses.begin(), egresses.end(), [&](const Egress& used) {
            return used.advertised == p.public_endpoint.address;
        });
        const bool translated = p.public_endpoint != p.inside;
        if (translated && at == egresses.end())
            throw std::runtime_error("reported at nobody's address: " + row(p));
        const Address remote = p.remote == "*" ? Address{} : Address::parse(p.remote).value();
        const Address outside = translated ? at->address : p.inside.address;
        const Pinhole pinhole{p.transport, remote, {outside, p.public_endpoint.port}};
        const Mapping mapping{p.transport, p.inside, pinhole.outside};
        if (!kernel_.elements().contains(pinhole) || kernel_.elements().contains(mapping) != translated)
            throw std::runtime_error("reported but not in the kernel: " + row(p));
    }
}

}  // namespace sipalg::test
