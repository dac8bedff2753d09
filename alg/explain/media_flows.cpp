#include "alg/explain/media_flows.hpp"

#include <algorithm>

namespace sipalg::explain {

namespace {

constexpr std::size_t most_paths = 64;  // of one call

PinholeLife* pinhole_for(Conversation& call, const MediaFlows::FlowId& id) {
    for (PinholeLife& life : call.pinholes)
        if (!life.closed_s && !life.pinhole.signalling && life.pinhole.inside == id.first &&
            (!life.pinhole.pinhole.remote || life.pinhole.pinhole.remote == id.second.address))
            return &life;
    return nullptr;
}

}  // namespace

void MediaFlows::note(const facts::PinholeChange& change) {
    if (!change.pinhole.signalling)
        owners_[change.pinhole.inside] = {change.call_id, std::string(change.pinhole.type.text()),
                                          change.pinhole.rtcp};
}

bool MediaFlows::take(Conversations& conversations, const Oriented& way, const Endpoint& inside, Time now,
                      double at_s) {
    const FlowId id{inside, way.peer};
    const auto owner = owners_.find(inside);
    if (owner == owners_.end()) return false;
    Conversation* call = conversations.find(owner->second.call_id);
    if (!call) return false;
    if (way.from == Side::outside) {
        if (!way.as_outside && seen_outside_.contains(id)) return false;
        if (way.as_outside && seen_outside_.size() < most_flows) seen_outside_.insert(id);
    }
    if (flows_.size() >= most_flows && !flows_.contains(id)) return true;
    MediaPath* path = path_of(*call, owner->second, id, at_s);
    if (!path) return true;
    path->last_s = at_s;
    if (way.from == Side::inside) {
        MediaFlow& flow = flow_of(id, true, now);
        ++flow.from_phone;
        ++path->from_phone;
        path->phone_began = path->phone_began || flow.phone_began;
        return true;
    }
    PinholeLife* life = pinhole_for(*call, id);
    if (!life && !flows_.contains(id)) {
        const bool over = std::none_of(call->pinholes.begin(), call->pinholes.end(),
                                       [](const PinholeLife& one) { return !one.closed_s; });
        ++(over ? path->refused_late : path->refused);
        return true;
    }
    ++flow_of(id, false, now).to_phone;
    ++path->to_phone;
    if (!life) return true;
    if (life->packets++ == 0) life->first_s = at_s;
    life->last_s = at_s;
    return true;
}

void MediaFlows::forget(const Endpoint& source, const Endpoint& destination) {
    remove_if([&](const FlowId& id, const MediaFlow&) {
        return id.second == source || (id.first == source && id.second == destination);
    });
}

void MediaFlows::remove_if(const std::function<bool(const FlowId& id, const MediaFlow& flow)>& gone) {
    std::erase_if(flows_, [&](const auto& row) { return gone(row.first, row.second); });
}

MediaFlow& MediaFlows::flow_of(const FlowId& id, bool phone_began, Time now) {
    const auto [it, is_new] = flows_.try_emplace(id);
    if (is_new) it->second.phone_began = phone_began;
    it->second.last = now;
    return it->second;
}

MediaPath* MediaFlows::path_of(Conversation& call, const Owner& owner, const FlowId& id, double at_s) {
    for (MediaPath& path : call.media)
        if (path.inside == id.first && path.remote == id.second) return &path;
    if (call.media.size() >= most_paths) return nullptr;
    MediaPath path;
    path.type = owner.type;
    path.rtcp = owner.rtcp;
    path.inside = id.first;
    path.remote = id.second;
    path.first_s = at_s;
    return &call.media.emplace_back(std::move(path));
}

}  // namespace sipalg::explain
