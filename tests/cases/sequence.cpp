#include "tests/cases/sequence.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "tests/cases/invariants.hpp"

namespace sipalg::test {

namespace {

constexpr std::array phones{"192.168.1.10", "192.168.1.11", "2001:db8:1::10"};
constexpr std::array peers{"203.0.113.10", "203.0.113.20"};
constexpr std::array media{"203.0.113.10", "203.0.113.12", "203.0.113.20"};
constexpr std::array strangers{"203.0.113.66", "198.51.100.66"};
constexpr std::array first_methods{"INVITE", "INVITE", "INVITE", "REGISTER", "REGISTER", "OPTIONS"};
constexpr std::array later_methods{"INVITE", "ACK", "BYE", "PRACK", "UPDATE", "ACK", "CANCEL", "REFER"};
constexpr std::array statuses{"100 a", "180 a", "183 a", "200 a", "200 a", "200 a",
                              "302 a", "401 a", "408 a", "481 a", "486 a", "491 a"};
constexpr std::array phone_ports{":5060", ":5060", "", ":5070", ":1024"};
constexpr std::array waits{1, 20, 32, 100, 200, 300, 700, 3600};
constexpr std::array addresses{"203.0.113.1", "203.0.113.2"};

bool is_v6(const std::string& host) {
    return host.find(':') != std::string::npos;
}

// The same host in the family of the other end.
std::string in_family_of(const std::string& phone, std::string host) {
    if (!is_v6(phone)) return host;
    return "2001:db8:2::" + host.substr(host.rfind('.') + 1);
}

Address address(const std::string& text) {
    return Address::parse(text).value();
}

// A stranger's INVITE to a phone that the core knows may make an unproven call, with a record and a mapping.
// Neither lets anybody in (X11), and nothing else may change.
bool is_harmless(const Change& change) {
    if (std::holds_alternative<Record>(change.element)) return true;
    return change.op != Change::Op::remove && (std::holds_alternative<Mapping>(change.element) ||
                                               std::holds_alternative<Diversion>(change.element));
}

Policy chosen_policy(std::uint8_t kind) {
    Policy chosen;
    if (kind & 1) {  // small, so that the limits are reached
        chosen.media_low = 20000;
        chosen.media_high = 20031;
        chosen.max_mappings = 40;
        chosen.max_mappings_per_phone = 30;
        chosen.max_calls = 6;
        chosen.max_calls_per_phone = 4;
        chosen.max_calls_per_peer = 5;
        chosen.max_unanswered_per_phone = 3;
        chosen.max_bindings = 4;
        chosen.max_bindings_per_phone = 3;
    }
    chosen.drop_malformed = (kind & 2) != 0;
    if (kind & 4) chosen.treatments.media_source = MediaSource::latch;
    if (kind & 8) chosen.treatments.mode = Mode::rewrite;
    return chosen;
}

}  // namespace

Sequence::Sequence(std::span<const std::uint8_t> bytes) : choices_(bytes), outside_(address(addresses[0])) {
    const std::uint8_t kind = choices_.next();
    Policy chosen = chosen_policy(kind);
    if (kind & 16) {
        Section section;
        section.prefix = *Prefix::parse(peers[1]);
        section.treatment.allowed = true;
        chosen.treatments.peers.push_back(section);
        promises_.allow(address(peers[1]));
    }
    router_.set_policy(chosen);
    for (HostileRequest& request : requests_) {
        request.phone = phones[0];
        request.peer = peers[0];
    }
}

void Sequence::play() {
    while (!choices_.empty()) {
        step();
        check();
    }
}

void Sequence::step() {
    const std::uint8_t kind = choices_.next();
    switch (kind % 16) {
        case 0:
        case 1:
        case 2: return begin();
        case 3:
        case 4: return go_on();
        case 5:
        case 6: return intrude();
        case 7: return send(known(), {});
        case 8: return wait(Seconds{waits[kind / 16 % 8]});
        case 9: return change_settings();
        case 10: return raw_packet();
        default: return answer();
    }
}

HostileRequest& Sequence::known() {
    const std::uint8_t back = choices_.next();
    return requests_[(latest_ + requests_.size() - (back < 128 ? 0 : back % requests_.size())) %
                     requests_.size()];
}

void Sequence::keep(HostileRequest request) {
    latest_ = (latest_ + 1) % requests_.size();
    requests_[latest_] = std::move(request);
}

void Sequence::begin() {
    const std::uint8_t who = choices_.next(), what = choices_.next();
    HostileRequest request;
    request.method = first_methods[what % first_methods.size()];
    request.by_phone = request.method == "REGISTER" || who % 2 == 0;
    request.phone = phones[who / 2 % phones.size()];
    request.peer = in_family_of(request.phone, peers[who / 64 % 2]);
    request.port = phone_ports[who / 8 % phone_ports.size()];
    request.call_id = "call" + std::to_string(what / 8 % 4);
    request.cseq = 1 + what / 32 % 2;
    request.branch = "z9hG4bK" + std::to_string(what / 64);
    request.phone_tag = request.by_phone ? "l0" : "";
    request.peer_tag = request.by_phone ? "" : "r0";
    keep(request);
    send(request, {});
}

// Stores the tag of the response, so that later requests are in that dialog.
void Sequence::answer() {
    HostileRequest& request = known();
    const std::uint8_t how = choices_.next();
    std::string& tag = request.by_phone ? request.peer_tag : request.phone_tag;
    if (tag.empty()) tag = (request.by_phone ? "r" : "l") + std::to_string(how / 16 % 2);
    if (how >= 240) tag = "other";
    send(request, statuses[how % statuses.size()]);
}

void Sequence::go_on() {
    HostileRequest request = known();
    const std::uint8_t how = choices_.next();
    request.method = later_methods[how % later_methods.size()];
    if (how / 8 % 4 == 0 && request.method != "ACK") request.by_phone = !request.by_phone;
    if (request.method != "ACK" && request.method != "CANCEL") {
        request.cseq += how / 32 % 4 == 0 ? 0 : 1;
        request.branch += 'x';
    }
    keep(request);
    send(request, {});
}

// A stranger sends a request or a response of a call that it knows everything about. No phone has ever sent
// to it, so it changes nothing in the kernel.
void Sequence::intrude() {
    HostileRequest request = known();
    const std::uint8_t how = choices_.next();
    const std::string real = request.peer;
    if (how / 2 % 2) request.peer = in_family_of(request.phone, strangers[how % 2]);
    const bool response = how / 4 % 2;
    if (response) request.by_phone = true;
    if (!response) {
        request.by_phone = false;
        if (how / 8 % 2) request.method = choices_.of(later_methods);
        if (how / 16 % 2) request.cseq += 1;
    }
    const std::string status = response ? statuses[how / 8 % statuses.size()] : "";
    const std::string text =
        hostile_message(request, status, is_v6(request.phone) ? request.phone : outside_.text(),
                        in_family_of(request.phone, choices_.of(media)), choices_);
    const std::string from = in_family_of(request.phone, strangers[how % 2]);
    pass(Side::outside, {address(request.phone), 5060}, {address(from), 5060}, text);
    if (request.peer != real) request.peer = real;
}

void Sequence::send(const HostileRequest& request, std::string_view status) {
    const bool inside = request.by_phone == status.empty();
    const std::string own = inside || is_v6(request.phone) ? request.phone : outside_.text();
    const std::string text =
        hostile_message(request, status, own, in_family_of(request.phone, choices_.of(media)), choices_);
    const bool other_port = request.port == ":5070";
    pass(inside ? Side::inside : Side::outside,
         {address(request.phone), static_cast<std::uint16_t>(other_port ? 5070 : 5060)},
         {address(request.peer), 5060}, text);
}

void Sequence::raw_packet() {
    const std::uint8_t kind = choices_.next();
    const std::string text = choices_.bytes(kind);
    const std::string phone = phones[kind / 2 % phones.size()];
    pass(kind % 2 ? Side::inside : Side::outside, {address(phone), 5060},
         {address(in_family_of(phone, peers[0])), 5060}, text);
}

void Sequence::pass(Side from, const Endpoint& phone, const Endpoint& peer, const std::string& text) {
    const bool outward = from == Side::inside;
    const Endpoint& source = outward ? phone : peer;
    const Endpoint& destination = outward ? peer : phone;
    const bool established = flows_.pass(from, source, destination, router_.now());
    promises_.note(from, phone.address, peer.address, text, established);
    const bool refuses = router_.refuses();
    const std::string sent = router_.send(from, source, destination, text, established);
    const Decision& decision = router_.decision();
    if (!outward && !promises_.is_known(phone.address, peer.address))
        for (const Change& change : decision.changes)
            if (!is_harmless(change))
                throw std::runtime_error("promise: X3: a stranger changes the kernel: " + peer.text());
    if (decision.rewritten && !(refuses && !decision.changes.empty()))
        Promises::check_rewrite(text, decision.payload);
    check();
    if (decision.reason == Reason::limit_reached || router_.refuses()) return;
    if (refuses) return;
    // C10: a retransmission leaves with the same bytes.
    if (router_.send(from, source, destination, text, established) != sent)
        throw std::runtime_error("promise: C10: a repeated message is written in another way");
}

void Sequence::change_settings() {
    const std::uint8_t kind = choices_.next();
    switch (kind % 8) {
        case 0: return router_.refuse();
        case 1: return router_.flush();
        case 2:
        case 3: router_.restart(Seconds{kind / 8 % 4 == 0 ? 40 : 0}, std::nullopt); return wait(Seconds{0});
        case 4: outside_ = address(addresses[kind / 8 % 2]); return router_.set_outside(outside_);
        default: return scan();
    }
}

// Flows of signalling and media, some of which a peer has answered (C12).
void Sequence::scan() {
    std::vector<ConntrackEntry> flows;
    const std::uint8_t kind = choices_.next();
    for (std::size_t i = 0; i < kind % 3U; ++i) {
        ConntrackEntry flow;
        flow.original_source = {address(phones[kind / 4 % 2]),
                                static_cast<std::uint16_t>(choices_.next() % 2 ? 5060 : 16000)};
        flow.original_destination = {address(choices_.of(media)), 5060};
        flow.reply_source = flow.original_destination;
        flow.reply_destination = {outside_, static_cast<std::uint16_t>(kind & 64 ? 5060 : 20002)};
        flow.replied = choices_.next() % 2;
        flow.idle = Seconds{20};
        promises_.note_flow(flow.original_source.address, flow.original_destination.address, flow.replied);
        flows.push_back(flow);
    }
    router_.set_conntrack(std::move(flows));
    router_.scan();
}

void Sequence::wait(Seconds time) {
    const bool refuses = router_.refuses();
    router_.wait(time);
    if (refuses && !router_.refuses()) router_.wait(Seconds{2});  // the refused transaction is repeated
}

void Sequence::check() {
    check_invariants(router_.state(), router_.kernel(), router_.now());
    promises_.check(router_.kernel(), router_.now());
}

void Sequence::end() {
    router_.set_conntrack({});
    router_.scan();
    wait(Seconds{2 * 24 * 3600});
    check();
    const Totals left = totals(router_.state());
    if (left.calls || left.bindings || left.mappings || left.pinholes || !router_.kernel().elements().empty())
        throw std::runtime_error(
            "something is left: " + std::to_string(left.calls) + " calls, " + std::to_string(left.bindings) +
            " bindings, " + std::to_string(left.mappings) + " mappings, " + std::to_string(left.pinholes) +
            " pinholes, in the kernel " + std::to_string(router_.kernel().elements().size()));
    if (!router_.state().scan.idle() || router_.state().next_deadline())
        throw std::runtime_error("something is waited for");
}

}  // namespace sipalg::test
