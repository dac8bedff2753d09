#include "alg/call/call.hpp"

#include <algorithm>
#include <utility>

namespace sipalg::call {

Transaction* Invite::transaction(std::string_view branch) {
    return const_cast<Transaction*>(std::as_const(*this).transaction(branch));
}

const Transaction* Invite::transaction(std::string_view branch) const {
    for (const Transaction& transaction : transactions)
        if (transaction.branch == branch) return &transaction;
    return nullptr;
}

bool Invite::open() const {
    return std::any_of(transactions.begin(), transactions.end(),
                       [](const Transaction& transaction) { return transaction.open; });
}

bool Invite::rings() const {
    return std::any_of(transactions.begin(), transactions.end(), [](const Transaction& transaction) {
        return transaction.open && !transaction.cancelled;
    });
}

void CallPinhole::add_flows(std::vector<ConntrackTuple>& flows) const {
    if (remote_port == 0) return;
    const Endpoint from{pinhole.remote, remote_port};
    flows.push_back({pinhole.transport, inside, from});
    flows.push_back({pinhole.transport, from, pinhole.outside});
}

const nat::MappingKey* mapping_of(const Call& call, const Socket& inside) {
    for (const nat::MappingKey& key : call.mappings)
        if (key.inside == inside) return &key;
    return nullptr;
}

Dialog* Call::dialog(std::string_view local_tag, std::string_view remote_tag) {
    return const_cast<Dialog*>(std::as_const(*this).dialog(local_tag, remote_tag));
}

const Dialog* Call::dialog(std::string_view local_tag, std::string_view remote_tag) const {
    for (const Dialog& dialog : dialogs)
        if (dialog.local_tag == local_tag && dialog.remote_tag == remote_tag) return &dialog;
    return nullptr;
}

CallPeer* Call::peer(const Address& address) {
    for (CallPeer& one : peers)
        if (one.address == address) return &one;
    return nullptr;
}

bool Call::has_peer(const Address& address) const {
    return std::any_of(peers.begin(), peers.end(),
                       [&](const CallPeer& peer) { return peer.address == address; });
}

bool Call::is_unproven() const {
    return std::none_of(peers.begin(), peers.end(), [](const CallPeer& peer) { return peer.admitted; });
}

bool Call::is_finished() const {
    return state == State::confirmed &&
           std::none_of(dialogs.begin(), dialogs.end(),
                        [](const Dialog& dialog) { return dialog.state == Dialog::State::confirmed; });
}

bool Call::alive() const {
    return std::any_of(dialogs.begin(), dialogs.end(),
                       [](const Dialog& d) { return d.state != Dialog::State::ended; });
}

bool Call::on_hold() const {
    const auto quiet = [](const SharedSession& session) {
        return !session || std::all_of(session->begin(), session->end(), [](const Stream& s) {
            return s.on_hold || s.one_way || s.hairpin || !s.receives();
        });
    };
    return std::all_of(dialogs.begin(), dialogs.end(), [&](const Dialog& d) {
        return d.state != Dialog::State::confirmed || quiet(d.local) || quiet(d.remote);
    });
}

bool Call::has_session_timer() const {
    return std::all_of(dialogs.begin(), dialogs.end(), [](const Dialog& d) {
        return d.state != Dialog::State::confirmed || d.has_session_timer();
    });
}

}  // namespace sipalg::call
