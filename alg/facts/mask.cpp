#include "alg/facts/mask.hpp"

#include <algorithm>
#include <array>

namespace sipalg::facts {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equals(std::string_view a, std::string_view lowered) {
    return std::equal(a.begin(), a.end(), lowered.begin(), lowered.end(),
                      [](char x, char y) { return lower(x) == y; });
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    return text;
}

bool carries_credentials(std::string_view line) {
    const std::string_view name = trim(line.substr(0, line.find(':')));
    return equals(name, "authorization") || equals(name, "proxy-authorization");
}

void blank(std::string& text, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < text.size(); ++i)
        if (text[i] != '\r' && text[i] != '\n') text[i] = 'x';
}

// In digest credentials only the response is secret (RFC 8760); in other schemes everything is.
void mask_value(std::string& text, std::size_t begin, std::size_t end) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (begin < end && is_blank(text[begin]))
        ++begin;
    std::size_t scheme_end = begin;
    while (scheme_end < end && !is_blank(text[scheme_end]))
        ++scheme_end;
    if (!equals(std::string_view(text).substr(begin, scheme_end - begin), "digest"))
        return blank(text, scheme_end, end);
    std::size_t at = scheme_end;
    while (at < end) {
        while (at < end && (is_blank(text[at]) || text[at] == ','))
            ++at;
        const std::size_t name_begin = at;
        while (at < end && text[at] != '=' && text[at] != ',')
            ++at;
        const std::string_view name = trim(std::string_view(text).substr(name_begin, at - name_begin));
        if (at >= end || text[at] != '=') continue;
        ++at;
        while (at < end && is_blank(text[at]))
            ++at;
        const bool quoted = at < end && text[at] == '"';
        std::size_t value_begin = at, value_end;
        if (quoted) {
            value_begin = ++at;
            while (at < end && text[at] != '"')
                at += text[at] == '\\' ? 2 : 1;
            value_end = std::min(at, end);
            at = std::min(at + 1, end);
        } else {
            while (at < end && text[at] != ',')
                ++at;
            value_end = at;
        }
        if (equals(name, "response")) blank(text, value_begin, value_end);
    }
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The number in text[begin, end), the user part of a URI.
void mask_number(std::string& text, std::size_t begin, std::size_t end) {
    const auto digits =
        static_cast<std::size_t>(std::count_if(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                               text.begin() + static_cast<std::ptrdiff_t>(end), is_digit));
    if (digits < 5 || digits * 2 < end - begin) return;
    for (int left = 3; end > begin && left > 0; --end)
        if (is_digit(text[end - 1])) {
            text[end - 1] = 'x';
            --left;
        }
}

}  // namespace

std::string mask_numbers(std::string_view original) {
    std::string text(original);
    for (std::size_t colon = text.find(':'); colon != std::string::npos; colon = text.find(':', colon + 1)) {
        const std::string_view before = std::string_view(text).substr(0, colon);
        const auto scheme = [&](std::string_view name) {
            return before.size() >= name.size() && equals(before.substr(before.size() - name.size()), name);
        };
        const bool telephone = scheme("tel");
        if (!telephone && !scheme("sip") && !scheme("sips")) continue;
        const std::size_t end = std::min(text.find_first_of("@;>?,\"' \t\r\n", colon + 1), text.size());
        // Without a user part, it is a host.
        if (telephone || (end < text.size() && text[end] == '@')) mask_number(text, colon + 1, end);
    }
    return text;
}

std::string mask_credentials(std::string_view message) {
    std::string text(message);
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = text.find('\n', at);
        end = end == std::string::npos ? text.size() : end + 1;
        if (text[at] == '\n' || text[at] == '\r') {
            // The empty line ends the head; line ends before the start line do not.
            if (at != 0 && text.find_first_not_of("\r\n") < at) break;
            at = end;
            continue;
        }
        // A folded header goes on in lines that begin with white space.
        while (end < text.size() && (text[end] == ' ' || text[end] == '\t')) {
            const std::size_t next = text.find('\n', end);
            end = next == std::string::npos ? text.size() : next + 1;
        }
        const std::string_view line = std::string_view(text).substr(at, end - at);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && carries_credentials(line))
            mask_value(text, at + colon + 1, end);
        at = end;
    }
    return text;
}

}  // namespace sipalg::facts
