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

void Edits::replace(std::string_view target, const Address& address, Place place) {
    char text[Address::max_text];
    replace(target, std::string_view(text, static_cast<std::size_t>(address.write(text) - text)), place);
}

void Edits::replace_number(std::string_view target, std::uint64_t number, Place place) {
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    replace(target, std::string_view(digits, static_cast<std::size_t>(end - digits)), place);
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
    out.resize(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(bytes_.size()) + growth()));
    char* to = out.data();
    const auto put = [&to](std::string_view text) { to = std::copy_n(text.data(), text.size(), to); };
    std::size_t from = 0;
    for (const Edit& edit : edits_) {
        put(bytes_.substr(from, edit.offset - from));
        put(text(edit));
        from = edit.offset + edit.length;
    }
    put(bytes_.substr(from));
}

}  // namespace sipalg::rewrite
