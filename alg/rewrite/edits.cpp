#include "alg/rewrite/edits.hpp"

#include <algorithm>
#include <charconv>

namespace sipalg::rewrite {

std::string_view rule(Place place) {
    switch (place) {
        case Place::request_uri:
        case Place::route:
        case Place::via_received:
        case Place::via_rport: return "S4";
        case Place::via_sent_by:
        case Place::contact:
        case Place::record_route:
        case Place::path:
        case Place::identity: return "S3";
        case Place::sdp_origin:
        case Place::sdp_connection:
        case Place::sdp_port:
        case Place::sdp_rtcp: return "D1";
        case Place::content_length: return "S6";
    }
    return "";
}

void Edits::start(std::string_view bytes) {
    bytes_ = bytes;
    texts_.clear();
    edits_.clear();
}

void Edits::replace(std::string_view target, std::string_view text, Place place) {
    if (target == text) return;
    Edit edit;
    edit.offset = static_cast<std::uint32_t>(target.data() - bytes_.data());
    edit.length = static_cast<std::uint32_t>(target.size());
    edit.text_offset = static_cast<std::uint32_t>(texts_.size());
    edit.text_length = static_cast<std::uint32_t>(text.size());
    edit.place = place;
    texts_.append(text);
    edits_.push_back(edit);
}

std::ptrdiff_t Edits::growth(std::size_t first) const {
    std::ptrdiff_t sum = 0;
    for (std::size_t i = first; i < edits_.size(); ++i)
        sum += static_cast<std::ptrdiff_t>(edits_[i].text_length) -
               static_cast<std::ptrdiff_t>(edits_[i].length);
    return sum;
}

void Edits::apply(std::string& out) {
    std::sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) { return a.offset < b.offset; });
    out.clear();
    std::size_t from = 0;
    for (const Edit& edit : edits_) {
        out.append(bytes_.substr(from, edit.offset - from));
        out.append(text(edit));
        from = edit.offset + edit.length;
    }
    out.append(bytes_.substr(from));
}

void append(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

void append(std::string& out, const Address& address) {
    if (!address.is_v4()) {
        out += address.text();
        return;
    }
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) out += '.';
        append(out, static_cast<std::uint64_t>(address.bytes()[i]));
    }
}

}  // namespace sipalg::rewrite
