#include "alg/tcp/sequence_map.hpp"

#include <algorithm>

namespace sipalg::tcp {

namespace {

Position size(const SequenceMap::Edit& edit) {
    return static_cast<Position>(edit.text.size());
}

std::int64_t growth(const SequenceMap::Edit& edit) {
    return size(edit) - (edit.end - edit.begin);
}

}  // namespace

std::int64_t SequenceMap::length() const {
    std::int64_t total = base_;
    for (const Edit& edit : edits_)
        total += growth(edit);
    return total;
}

void SequenceMap::add(Edit edit) {
    edits_.push_back(std::move(edit));
}

void SequenceMap::forget(Position acknowledged) {
    std::size_t gone = 0;
    for (; gone < edits_.size() && edits_[gone].end <= acknowledged; ++gone)
        base_ += growth(edits_[gone]);
    edits_.erase(edits_.begin(), edits_.begin() + static_cast<std::ptrdiff_t>(gone));
}

Position SequenceMap::out(Position in) const {
    std::int64_t grown = base_;
    for (const Edit& edit : edits_) {
        if (in <= edit.begin) break;
        if (in < edit.end) return edit.begin + grown + std::min(in - edit.begin, size(edit));
        grown += growth(edit);
    }
    return in + grown;
}

Position SequenceMap::arrived(Position out) const {
    std::int64_t grown = base_;
    for (const Edit& edit : edits_) {
        const Position begin = edit.begin + grown;
        if (out < begin || (out == begin && !edit.text.empty())) break;
        // The same offset in the range as in the text, so that a sender that continues from there makes
        // progress.
        if (out < begin + size(edit)) return edit.begin + std::min(out - begin, edit.end - edit.begin - 1);
        grown += growth(edit);
    }
    return out - grown;
}

Position SequenceMap::begins(Position out) const {
    std::int64_t grown = base_;
    for (const Edit& edit : edits_) {
        const Position begin = edit.begin + grown;
        if (out <= begin) break;
        if (out <= begin + size(edit)) return std::min(edit.begin + out - begin, edit.end);
        grown += growth(edit);
    }
    return out - grown;
}

void SequenceMap::write(Position begin, std::string_view bytes, std::string& to) const {
    const Position end = begin + static_cast<Position>(bytes.size());
    const auto copy = [&](Position from, Position until) {
        to.append(
            bytes.substr(static_cast<std::size_t>(from - begin), static_cast<std::size_t>(until - from)));
    };
    Position at = begin;
    for (const Edit& edit : edits_) {
        if (edit.begin >= end) break;
        if (edit.end <= at) continue;
        if (edit.begin > at) copy(at, edit.begin);
        const Position first = std::max(at, edit.begin), last = std::min(end, edit.end);
        // The last byte of the range carries the rest of a longer text.
        const Position from = std::min(first - edit.begin, size(edit));
        const Position until = last == edit.end ? size(edit) : std::min(last - edit.begin, size(edit));
        to.append(edit.text, static_cast<std::size_t>(from), static_cast<std::size_t>(until - from));
        at = last;
    }
    if (at < end) copy(at, end);
}

}  // namespace sipalg::tcp
