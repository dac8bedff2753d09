#include "alg/rewrite/edits.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sipalg::rewrite {

void Edits::start(std::string_view bytes) {
    bytes_ = bytes;
    texts_.clear();
    edits_.clear();
    notes_.clear();
    written_ = {};
}

void Edits::plan(std::string_view target, std::size_t text_offset, std::size_t text_length, Place place) {
    Edit& edit = edits_.emplace_back();
    edit.offset = static_cast<std::uint32_t>(target.data() - bytes_.data());
    edit.length = static_cast<std::uint32_t>(target.size());
    edit.text_offset = static_cast<std::uint32_t>(text_offset);
    edit.text_length = static_cast<std::uint32_t>(text_length);
    edit.place = place;
}

void Edits::replace(std::string_view target, std::string_view text, Place place) {
    if (target == text) return keep(target, place, Kept::same);
    plan(target, texts_.size(), text.size(), place);
    texts_.append(text);
}

void Edits::replace(std::string_view target, const Address& address, Place place) {
    if (address != written_) {
        char text[Address::max_text];
        written_ = address;
        written_offset_ = texts_.size();
        written_length_ = static_cast<std::size_t>(address.write(text) - text);
        texts_.append(text, written_length_);
    }
    if (target == std::string_view(texts_).substr(written_offset_, written_length_))
        return keep(target, place, Kept::same);
    plan(target, written_offset_, written_length_, place);
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

namespace {

// Most new texts are an address or a port, for which the call of a copy function is too expensive. Two
// overlapping halves cover all lengths.
char* put(char* to, const char* from, std::size_t size) {
    if (size >= 8 && size <= 16) {
        std::memcpy(to, from, 8);
        std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4 && size < 8) {
        std::memcpy(to, from, 4);
        std::memcpy(to + size - 4, from + size - 4, 4);
    } else {
        std::memcpy(to, from, size);
    }
    return to + size;
}

}  // namespace

namespace {

constexpr auto comes_first = [](const Edit& a, const Edit& b) { return a.offset < b.offset; };

}  // namespace

void Edits::sort() {
    std::sort(edits_.begin(), edits_.end(), comes_first);
}

void Edits::apply(std::string& out) {
    std::sort(edits_.begin(), edits_.end(), comes_first);
    out.resize(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(bytes_.size()) + growth()));
    char* to = out.data();
    std::size_t from = 0;
    for (const Edit& edit : edits_) {
        to = put(to, bytes_.data() + from, edit.offset - from);
        to = put(to, texts_.data() + edit.text_offset, edit.text_length);
        from = edit.offset + edit.length;
    }
    put(to, bytes_.data() + from, bytes_.size() - from);
}

}  // namespace sipalg::rewrite
