#include "tests/cases/promises.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "alg/nat/ports.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::test {

namespace {

// Registrations and sessions last a day at most, with their grace periods.
constexpr Time longest_timeout{std::chrono::hours(25)};

[[noreturn]] void broken(const std::string& what) {
    throw std::runtime_error("promise: " + what);
}

bool in_address(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':';
}

// Every address in the text, also where other text touches it: "x203.0.113.1:5060".
void add_addresses(std::string_view text, std::set<Address>& found) {
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && in_address(text[end]))
            ++end;
        for (std::size_t first = at; first < end && first < at + 4; ++first)
            for (std::size_t last = end; last > first; --last)
                if (const auto address = Address::parse(text.substr(first, last - first))) {
                    found.insert(*address);
                    break;
                }
        at = end + 1;
    }
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return result;
}

bool may_change(std::string_view line) {
    // Blanks around the letter of a description do not count.
    std::string start(line.substr(0, line.find('=')));
    std::erase_if(start, [](char c) { return c == ' ' || c == '\t'; });
    start += line.substr(std::min(line.find('='), line.size()));
    constexpr std::array starts{"c=", "m=", "o=", "a=rtcp", "a=candidate", "a=path", "a=altc"};
    for (const std::string_view each : starts)
        if (start.starts_with(each)) return true;
    constexpr std::array headers{"via",
                                 "v",
                                 "from",
                                 "f",
                                 "to",
                                 "t",
                                 "contact",
                                 "m",
                                 "route",
                                 "record-route",
                                 "path",
                                 "refer-to",
                                 "r",
                                 "referred-by",
                                 "b",
                                 "diversion",
                                 "reply-to",
                                 "l",
                                 "p-asserted-identity",
                                 "p-preferred-identity",
                                 "remote-party-id",
                                 "history-info",
                                 "content-length"};
    std::string name = lower(line.substr(0, line.find(':')));
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
        name.pop_back();
    return std::find(headers.begin(), headers.end(), name) != headers.end();
}

}  // namespace

void Promises::note_flow(const Address& phone, const Address& peer, bool answered) {
    phones_.insert(phone);
    sent_to_.insert({phone, peer});
    if (answered) answered_.insert({phone, peer});
}

void Promises::note(Side from, const Address& phone, const Address& peer, const std::string& payload,
                    bool established) {
    if (from == Side::inside) {
        phones_.insert(phone);
        sent_to_.insert({phone, peer});
        add_addresses(payload, named_by_phone_[phone]);
        return;
    }
    if (established) answered_.insert({phone, peer});
    add_addresses(payload, named_[{phone, peer}]);
}

bool Promises::is_known(const Address& phone, const Address& peer) const {
    if (allowed_.contains(peer) || sent_to_.contains({phone, peer})) return true;
    const auto by_phone = named_by_phone_.find(phone);
    if (by_phone != named_by_phone_.end() && by_phone->second.contains(peer)) return true;
    return std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
        return entry.first.first == phone && answered_.contains(entry.first) && entry.second.contains(peer);
    });
}

void Promises::check_rewrite(const std::string& before, const std::string& after) {
    const auto old_lines = lines_of(before), new_lines = lines_of(after);
    if (old_lines.size() != new_lines.size()) broken("S1: the number of lines has changed");
    bool allowed = true, begun = false, body = false;  // in a body, no line is folded
    for (std::size_t i = 0; i < old_lines.size(); ++i) {
        const std::string_view line = old_lines[i];
        const bool folded = i > 0 && !body && (line.front() == ' ' || line.front() == '\t');
        const bool start_line = !begun && line.find_first_not_of("\r\n") != std::string_view::npos;
        begun = begun || start_line;
        body = body || (begun && line.find_first_not_of("\r\n") == std::string_view::npos);
        if (!folded || start_line) allowed = start_line || may_change(line);
        if (line != new_lines[i] && !allowed) broken("S5: a line was changed: " + std::string(line));
    }
    sip::Message old_message, new_message;
    const bool readable = old_message.parse(before) == sip::ParseError::none;
    if (!readable || new_message.parse(after) != sip::ParseError::none)
        broken("S9: a message that cannot be read was written");
    const auto same = [](std::string_view a, std::string_view b, const char* what) {
        if (a != b) broken(std::string("S5: changed: ") + what);
    };
    same(old_message.call_id(), new_message.call_id(), "Call-ID");
    same(old_message.from_tag(), new_message.from_tag(), "From tag");
    same(old_message.to_tag(), new_message.to_tag(), "To tag");
    same(old_message.top_via().branch, new_message.top_via().branch, "branch");
    const auto tail = [](const sip::Message& message, const std::string& all) {
        return all.size() - message.head().size() - message.body().size();
    };
    if (tail(old_message, before) != tail(new_message, after))
        broken("S6: another part of the bytes is the body");
}

void Promises::check_inside(const Endpoint& inside) const {
    if (!phones_.contains(inside.address)) broken("X1: a host that never sent is mapped: " + inside.text());
    if (nat::is_forbidden_port(inside.port)) broken("X2: a forbidden port is mapped: " + inside.text());
}

// X11
void Promises::check_admitted(const Address& phone, const Address& remote) const {
    if (allowed_.contains(remote)) return;
    for (const auto& [pair, named] : named_)
        if (pair.first == phone && (answered_.contains(pair) || allowed_.contains(pair.second)) &&
            (pair.second == remote || named.contains(remote)))
            return;
    if (answered_.contains({phone, remote})) return;
    broken("X11: open for " + remote.text() + ", which no peer that has answered " + phone.text() + " names");
}

void Promises::check(const TableKernel& kernel, Time now) const {
    std::map<Endpoint, Endpoint> inside_of;
    for (const auto& [element, until] : kernel.elements())
        if (const auto* mapping = std::get_if<Mapping>(&element)) {
            inside_of[mapping->outside] = mapping->inside;
            check_inside(mapping->inside);
            if (nat::is_forbidden_port(mapping->outside.port))
                broken("X2: a forbidden port is given away: " + mapping->outside.text());
        }
    for (const auto& [element, until] : kernel.elements()) {
        if (until > now + longest_timeout) broken("X8: an element stays for more than a day");
        const auto* pinhole = std::get_if<Pinhole>(&element);
        if (!pinhole) continue;
        const auto mapped = inside_of.find(pinhole->outside);
        const Endpoint inside = mapped == inside_of.end() ? pinhole->outside : mapped->second;
        check_inside(inside);
        if (!pinhole->remote) broken("C5: open for every address: " + inside.text());
        check_admitted(inside.address, pinhole->remote);
    }
}

}  // namespace sipalg::test
