#include "alg/rewrite/edits.hpp"

#include <algorithm>
#include <charconv>

namespace sipalg::rewrite {

void Edits::start(std::string_view bytes) {
    bytes_ = bytes;
    texts_.clear();
    edits_.clear();
    notes_.clear();
}

void Edits::replace(std::string_view target, std::string_view text, Place place) {
    if (target == text) return keep(target, place, Kept::same);
    Edit edit;
    edit.offset = static_cast<std::uint32_t>(target.data() - bytes_.data());
    edit.length = static_cast<std::uint32_t>(target.size());
    edit.text_offset = static_cast<std::uint32_t>(texts_.size());
    edit.text_length = static_cast<std::uint32_t>(text.size());
    edit.place = place;
    texts_.append(text);
    edits_.push_back(edit);
}

void Edits::note(std::string_view target, Place place, Kept kept) {
    if (target.data() == nullptr) return;
    notes_.push_back({static_cast<std::uint32_t>(target.data() - bytes_.data()),
                      static_cast<std::uint32_t>(target.size()), place, kept});
}

bool Edits::discard(std::size_t first, Kept kept) {
    if (edits_.size() <= first) return false;
    for (std::size_t i = first; i < edits_.size(); ++i)
        keep(bytes_.substr(edits_[i].offset, edits_[i].length), edits_[i].place, kept);
    edits_.resize(first);
    return true;
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
