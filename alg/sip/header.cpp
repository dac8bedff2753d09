#include "alg/sip/header.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

struct Row {
    HeaderId id;
    std::string_view name;
    char compact;  // 0: none
    bool list;
};

// In the order of HeaderId, without `other`.
constexpr std::array rows{
    Row{HeaderId::via, "Via", 'v', true},
    Row{HeaderId::from, "From", 'f', false},
    Row{HeaderId::to, "To", 't', false},
    Row{HeaderId::call_id, "Call-ID", 'i', false},
    Row{HeaderId::cseq, "CSeq", 0, false},
    Row{HeaderId::contact, "Contact", 'm', true},
    Row{HeaderId::route, "Route", 0, true},
    Row{HeaderId::record_route, "Record-Route", 0, true},
    Row{HeaderId::path, "Path", 0, true},
    Row{HeaderId::service_route, "Service-Route", 0, true},
    Row{HeaderId::refer_to, "Refer-To", 'r', false},
    Row{HeaderId::referred_by, "Referred-By", 'b', false},
    Row{HeaderId::p_asserted_identity, "P-Asserted-Identity", 0, true},
    Row{HeaderId::p_preferred_identity, "P-Preferred-Identity", 0, true},
    Row{HeaderId::remote_party_id, "Remote-Party-ID", 0, true},
    Row{HeaderId::diversion, "Diversion", 0, true},
    Row{HeaderId::history_info, "History-Info", 0, true},
    Row{HeaderId::reply_to, "Reply-To", 0, false},
    Row{HeaderId::replaces, "Replaces", 0, false},
    Row{HeaderId::content_type, "Content-Type", 'c', false},
    Row{HeaderId::content_length, "Content-Length", 'l', false},
    Row{HeaderId::content_encoding, "Content-Encoding", 'e', true},
    Row{HeaderId::content_transfer_encoding, "Content-Transfer-Encoding", 0, false},
    Row{HeaderId::content_disposition, "Content-Disposition", 0, false},
    Row{HeaderId::expires, "Expires", 0, false},
    Row{HeaderId::min_expires, "Min-Expires", 0, false},
    Row{HeaderId::session_expires, "Session-Expires", 'x', false},
    Row{HeaderId::require, "Require", 0, true},
    Row{HeaderId::supported, "Supported", 'k', true},
    Row{HeaderId::rack, "RAck", 0, false},
    Row{HeaderId::rseq, "RSeq", 0, false},
    Row{HeaderId::event, "Event", 'o', false},
    Row{HeaderId::subscription_state, "Subscription-State", 0, false},
    Row{HeaderId::authorization, "Authorization", 0, false},
    Row{HeaderId::proxy_authorization, "Proxy-Authorization", 0, false},
    Row{HeaderId::authentication_info, "Authentication-Info", 0, false},
    Row{HeaderId::identity, "Identity", 'y', false},
    Row{HeaderId::user_agent, "User-Agent", 0, false},
    Row{HeaderId::server, "Server", 0, false},
};
static_assert(rows.size() + 1 == static_cast<std::size_t>(HeaderId::count_));

// The slot of a long name, independent of case. The factors were chosen so that no two names in the table
// share a slot. If a new name collides, the index below does not compile, and other factors must be found.
constexpr std::size_t slots = 128;
constexpr std::size_t slot(std::string_view name) {
    const auto letter = [](char c) { return static_cast<std::size_t>(c) & 0x1f; };
    return (name.size() + letter(name.front()) * 19 + letter(name[name.size() / 2]) * 5) % slots;
}

/// A long name in lower case.
struct Pattern {
    HeaderId id = HeaderId::other;
    std::uint8_t size = 0;
    std::array<char, 30> name{};
};

struct Index {
    std::array<Pattern, slots> by_slot{};
    std::array<HeaderId, 32> by_letter{};
};
constexpr Index make_index() {
    Index result;
    for (const Row& row : rows) {
        Pattern& pattern = result.by_slot[slot(row.name)];
        if (pattern.id != HeaderId::other || row.name.size() > pattern.name.size())
            throw "no place for a name";
        pattern.id = row.id;
        pattern.size = static_cast<std::uint8_t>(row.name.size());
        for (std::size_t i = 0; i < row.name.size(); ++i)
            pattern.name[i] = text::lower(row.name[i]);
        if (row.compact != 0) result.by_letter[static_cast<std::size_t>(row.compact) & 0x1f] = row.id;
    }
    return result;
}
constexpr Index index = make_index();

constexpr const Row& row_of(HeaderId id) {
    return rows[static_cast<std::size_t>(id) - 1];
}

}  // namespace

HeaderId header_id(std::string_view name) {
    if (name.empty()) return HeaderId::other;
    if (name.size() == 1) {
        const char c = text::lower(name.front());
        return c >= 'a' && c <= 'z' ? index.by_letter[static_cast<std::size_t>(c) & 0x1f] : HeaderId::other;
    }
    const Pattern& pattern = index.by_slot[slot(name)];
    return text::equals(name, {pattern.name.data(), pattern.size}) ? pattern.id : HeaderId::other;
}

std::string_view long_name(HeaderId id) {
    if (id == HeaderId::other || id >= HeaderId::count_) return "";
    return row_of(id).name;
}

bool is_comma_list(HeaderId id) {
    return id != HeaderId::other && id < HeaderId::count_ && row_of(id).list;
}

namespace {

struct MethodRow {
    std::string_view name;
    Method method;
};
constexpr std::array methods{
    MethodRow{"INVITE", Method::invite},   MethodRow{"ACK", Method::ack},
    MethodRow{"BYE", Method::bye},         MethodRow{"CANCEL", Method::cancel},
    MethodRow{"OPTIONS", Method::options}, MethodRow{"REGISTER", Method::register_},
    MethodRow{"PRACK", Method::prack},     MethodRow{"UPDATE", Method::update},
    MethodRow{"INFO", Method::info},       MethodRow{"SUBSCRIBE", Method::subscribe},
    MethodRow{"NOTIFY", Method::notify},   MethodRow{"REFER", Method::refer},
    MethodRow{"MESSAGE", Method::message}, MethodRow{"PUBLISH", Method::publish},
};

}  // namespace

std::string_view name(Method method) {
    const auto it = std::find_if(methods.begin(), methods.end(),
                                 [&](const MethodRow& row) { return row.method == method; });
    return it == methods.end() ? std::string_view() : it->name;
}

Method method(std::string_view name) {
    for (const MethodRow& row : methods)
        if (row.name == name) return row.method;
    return Method::unknown;
}

Method method_in_any_case(std::string_view name) {
    for (const MethodRow& row : methods)
        if (text::equal_but_case(row.name, name)) return row.method;
    return Method::unknown;
}

}  // namespace sipalg::sip
