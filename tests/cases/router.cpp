#include "tests/cases/router.hpp"

#include <algorithm>
#include <stdexcept>

#include "alg/core/renumber.hpp"
#include "alg/core/static_phones.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg::test {

Router::Router() {
    start();
}

void Router::start() {
    state_.emplace(policy_);
    state_->set_own_addresses({wan_, *Address::parse("192.168.1.1")});
}

Egress Router::egress() const {
    return {wan_, external_ ? external_ : wan_};
}

// The same choice as the daemon's EgressChooser.
Egress Router::egress(const Endpoint& phone) const {
    return routed_ || phone.address.is_v6() ? Egress{phone.address, phone.address} : egress();
}

std::string Router::send(Side from, const Endpoint& source, const Endpoint& destination,
                         const std::string& payload, std::optional<bool> established) {
    const auto bytes = udp_packet(source.text(), destination.text(), payload);
    Arrival arrival{from, bytes, egress(from == Side::inside ? source : destination)};
    const bool seen = flows_.pass(from, source, destination, now_);
    arrival.established = established.value_or(seen);
    inspect(*state_, arrival, now_, decision_);
    asked_ = !decision_.asked.empty();
    if (asked_) {
        state_->cancel();
        check_invariants(*state_, kernel_, now_);
        answer();
        arrival.answered = true;
        inspect(*state_, arrival, now_, decision_);
        if (!decision_.asked.empty()) throw std::runtime_error("the message asks twice");
    }
    return put_in_force() && decision_.rewritten ? decision_.payload : payload;
}

// As the daemon does from the map `seen`, which has the phone's own UDP flows.
void Router::answer() {
    for (const PortQuestion& question : decision_.asked)
        for (const ConntrackEntry& flow : conntrack_)
            if (flow.transport == Transport::udp && flow.reply_destination == question.outside &&
                flow.original_source.address == question.phone)
                state_->mappings.existing_nat().note_seen(
                    {Transport::udp, flow.original_source, question.outside});
}

std::string Router::way_back(const std::string& message, const Endpoint& phone, const Endpoint& peer) {
    const auto bytes = udp_packet(peer.text(), phone.text(), message);
    Decision back;
    inspect(*state_, Arrival{Side::outside, bytes, egress(phone)}, now_, back);
    state_->cancel();
    return back.rewritten ? back.payload : message;
}

bool Router::put_in_force() {
    return kernel_.put_in_force(*state_, decision_.changes, now_);
}

void Router::wait(Seconds time) {
    if (renumbering_refused_) follow_address();
    const Time end = now_ + time;
    for (int i = 0; i < 100'000; ++i) {
        const auto next = state_->next_deadline();
        if (!next || *next > end) break;
        now_ = std::max(now_, *next);
        kernel_.expire(now_);
        advance();
    }
    now_ = end;
    kernel_.expire(now_);
}

void Router::advance() {
    expire(*state_, now_, decision_);
    put_in_force();
}

void Router::leave_record(std::uint32_t id, const std::string& note) {
    const Change add{Change::Op::add, Record{id, 0, note}, Seconds{600}};
    kernel_.apply({&add, 1}, now_);
}

void Router::flush() {
    kernel_.flush();
    kernel_.apply(state_->elements(now_), now_);
}

void Router::stay_down(Seconds later) {
    now_ += later;
    kernel_.expire(now_);
    start();
}

void Router::restart(Seconds later, const std::optional<Address>& outside) {
    if (outside) wan_ = *outside;
    now_ += later;
    kernel_.expire(now_);
    start();
    const auto changes = state_->restore(
        kernel_.read(now_),
        [this](const Address& address) { return address == wan_ ? egress().advertised : address; }, now_);
    kernel_.apply(changes, now_);
    follow_address();
}

void Router::set_outside(const Address& address) {
    wan_ = address;
    follow_address();
}

void Router::add_forward(const PortForward& forward) {
    std::vector<PortForward> forwards = state_->mappings.forwards();
    forwards.push_back(forward);
    state_->mappings.set_forwards(std::move(forwards));
    leave_forwarded_ports(*state_, now_, decision_);
    put_in_force();
}

void Router::set_external(const Address& address) {
    external_ = address;
    follow_address();
}

// Moves everything as the daemon does with one outside interface.
void Router::follow_address() {
    state_->set_own_addresses({wan_, *Address::parse("192.168.1.1")});
    std::vector<AddressChange> moves;
    for (const Egress& used : state_->egresses()) {
        const bool listed = std::any_of(moves.begin(), moves.end(),
                                        [&](const AddressChange& move) { return move.from == used.address; });
        if (used != egress() && !listed) moves.push_back({used.address, egress()});
    }
    if (moves.empty()) return decision_.clear();
    renumber(*state_, moves, now_, decision_);
    renumbering_refused_ = !put_in_force();
}

void Router::set_limit(std::size_t Policy::*member, std::size_t limit) {
    policy_.*member = limit;
    start();
}

void Router::set_policy(const Policy& policy) {
    policy_ = policy;
    start();
}

void Router::change_treatments(const std::function<void(Treatments&)>& change) {
    change(policy_.treatments);
    state_->set_treatments(policy_.treatments);
}

void Router::listen(const Endpoint& phone) {
    const StaticPhone wanted{{Transport::udp, phone}, egress(phone)};
    map_static_phones(*state_, {&wanted, 1}, now_, decision_);
    put_in_force();
}

void Router::accept_by_latch(const Endpoint& outside, const Address& remote) {
    const Latch latch{Transport::udp, outside};
    if (!kernel_.elements().contains(latch)) throw std::runtime_error("there is no latch");
    const LatchedSource source{Transport::udp, remote, outside};
    const Change accepted[] = {{Change::Op::remove, latch, {}}, {Change::Op::add, source, Seconds{60}}};
    kernel_.apply(accepted, now_);
    if (!state_->awaits_latched(now_)) throw std::runtime_error("the state expects no latched source");
    note_latched(*state_, {&source, 1}, now_, decision_);
    put_in_force();
    if (kernel_.elements().contains(source))
        throw std::runtime_error("the latched source is still in the kernel");
}

void Router::scan() {
    state_->scan.begin(now_);
    std::erase_if(conntrack_, [this](const ConntrackEntry& flow) { return state_->scan.entry(flow, now_); });
    events_ = state_->scan.end();
}

bool Router::scan_one(const ConntrackEntry& flow) {
    state_->scan.begin(now_);
    const bool deleted = state_->scan.entry(flow, now_);
    state_->scan.end();
    return deleted;
}

}  // namespace sipalg::test
