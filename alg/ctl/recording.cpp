#include "alg/ctl/recording.hpp"

#include <algorithm>
#include <utility>

#include "alg/base/escape.hpp"
#include "alg/capture/build_packet.hpp"
#include "alg/capture/pcapng_writer.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/facts/json.hpp"

namespace sipalg::ctl {

namespace {

constexpr std::uint32_t inside = 0, outside = 1;
constexpr std::size_t segment_size = 1400;
constexpr std::size_t most_connections = 4096;

std::string text(const Json& object, const char* name) {
    return object.contains(name) && object[name].is_string() ? object[name].get<std::string>()
                                                             : std::string();
}

void join(std::string& all, const std::string& more) {
    if (more.empty()) return;
    all += (all.empty() ? "" : "\n") + more;
}

std::string comment_of(const Json& fact) {
    std::string comment = "sipalg: " + escape(text(fact, "reason"));
    if (flag(fact, "observed")) comment = "sipalg (observe only): " + escape(text(fact, "reason"));
    if (fact.contains("changes") && fact["changes"].is_array())
        for (const Json& change : fact["changes"])
            join(comment, escape(text(change, "place")) + ": " + escape(text(change, "old")) + " => " +
                              escape(text(change, "new")) + " (" + escape(text(change, "rule")) + ")");
    return comment;
}

}  // namespace

std::optional<RecordedMessage> read_message(const Json& fact) {
    if (!fact.is_object() || text(fact, "type") != "message") return std::nullopt;
    RecordedMessage message;
    const auto phone = Endpoint::parse(text(fact, "phone")), peer = Endpoint::parse(text(fact, "peer")),
               shown = Endpoint::parse(text(fact, "public"));
    const auto before = facts::from_base64(text(fact, "before")),
               after = facts::from_base64(text(fact, "after"));
    if (!phone || !peer || !before || !after) return std::nullopt;
    if (phone->address.family() != peer->address.family()) return std::nullopt;
    message.time_us = time_of(fact, 1e6);
    message.from = text(fact, "from") == "inside" ? Side::inside : Side::outside;
    message.transport = text(fact, "transport") == "tcp" ? Transport::tcp : Transport::udp;
    message.phone = *phone;
    message.peer = *peer;
    message.public_endpoint = shown && shown->address.family() == phone->address.family() ? *shown : *phone;
    message.call_id = text(fact, "call_id");
    message.before = *before;
    message.after = after->empty() || flag(fact, "observed") ? *before : *after;
    message.comment = comment_of(fact);
    return message;
}

std::string remark_of(const Json& fact) {
    if (!fact.is_object()) return {};
    const std::string type = text(fact, "type");
    if (type == "lost") return "sipalg: facts were lost before this, because they were not read fast enough";
    if (type == "pinhole")
        return "sipalg: pinhole " + escape(text(fact, "what")) + ": " + escape(text(fact, "media")) + " " +
               escape(text(fact, "component")) + " " + escape(text(fact, "public")) + " from " +
               escape(text(fact, "remote")) + " to " + escape(text(fact, "inside")) + " (" +
               escape(text(fact, "state")) + ")";
    if (type == "event")
        return "sipalg: " + escape(text(fact, "event")) + " " + escape(text(fact, "subject")) + ": " +
               escape(text(fact, "detail"));
    return {};
}

std::string Recording::begin() const {
    return capture::PcapngWriter::begin("sipalgctl record", {"inside", "outside"});
}

std::string Recording::add(const Json& fact) {
    latest_us_ = std::max(latest_us_, time_of(fact, 1e6));
    auto message = read_message(fact);
    if (!message) {
        // Facts about the effects of a message follow it.
        const std::string remark = remark_of(fact);
        if (waiting_)
            join(waiting_->comment, remark);
        else
            join(remarks_, remark);
        return {};
    }
    std::string out = flush();
    ++messages_;
    join(remarks_, message->comment);
    message->comment = std::exchange(remarks_, {});
    waiting_ = std::move(message);
    return out;
}

std::string Recording::flush() {
    std::string out;
    if (waiting_) {
        const RecordedMessage message = std::move(*waiting_);
        waiting_.reset();
        const auto on_inside = [&](const std::string& payload) {
            const bool outward = message.from == Side::inside;
            return write(inside, outward ? message.phone : message.peer,
                         outward ? message.peer : message.phone, outward, message, payload, message.comment);
        };
        const auto on_outside = [&](const std::string& payload) {
            const bool outward = message.from == Side::inside;
            return write(outside, outward ? message.public_endpoint : message.peer,
                         outward ? message.peer : message.public_endpoint, outward, message, payload,
                         message.comment);
        };
        if (message.from == Side::inside) {
            out += on_inside(message.before);
            out += on_outside(message.after);
        } else {
            out += on_outside(message.before);
            out += on_inside(message.after);
        }
    }
    if (!remarks_.empty())
        out += capture::PcapngWriter::comment(outside, latest_us_, std::exchange(remarks_, {}));
    return out;
}

std::string Recording::write(std::uint32_t interface, const Endpoint& source, const Endpoint& destination,
                             bool from_phone, const RecordedMessage& message, const std::string& payload,
                             const std::string& comment) {
    using capture::PcapngWriter;
    if (message.transport == Transport::udp)
        return PcapngWriter::packet(interface, message.time_us,
                                    capture::udp_packet(source, destination, payload), comment);
    std::string out;
    const auto ends = from_phone ? std::pair(source, destination) : std::pair(destination, source);
    if (connections_.size() >= most_connections) connections_.clear();
    const auto [entry, is_new] = connections_.try_emplace({interface, ends});
    Connection& connection = entry->second;
    const auto segment = [&](bool forward, const capture::TcpFields& fields, std::string_view bytes,
                             std::string_view remark) {
        out += PcapngWriter::packet(interface, message.time_us,
                                    capture::tcp_packet(forward ? source : destination,
                                                        forward ? destination : source, fields, bytes),
                                    remark);
    };
    if (is_new) {
        segment(true, {0, 0, true, false, false}, {},
                "sipalg: synthetic handshake; the connection may be older");
        segment(false, {0, 1, true, true, false}, {}, {});
        segment(true, {1, 1, false, true, false}, {}, {});
    }
    std::uint32_t& own = from_phone ? connection.sent : connection.received;
    const std::uint32_t other = from_phone ? connection.received : connection.sent;
    for (std::size_t at = 0; at < payload.size(); at += segment_size) {
        const std::string_view piece = std::string_view(payload).substr(at, segment_size);
        segment(true, {own, other, false, true, true}, piece, at == 0 ? comment : std::string_view());
        own += static_cast<std::uint32_t>(piece.size());
    }
    segment(false, {other, own, false, true, false}, {}, {});
    return out;
}

}  // namespace sipalg::ctl
