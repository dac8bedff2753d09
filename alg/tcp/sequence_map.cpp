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

void SequenceMap::add(Edit edit) {
    grown_.push_back(length_);
    length_ += growth(edit);
    edits_.push_back(std::move(edit));
}

void SequenceMap::forget(Position acknowledged) {
    std::ptrdiff_t gone = 0;
    for (const Edit& edit : edits_) {
        if (edit.end > acknowledged) break;
        base_ += growth(edit);
        ++gone;
    }
    edits_.erase(edits_.begin(), edits_.begin() + gone);
    grown_.erase(grown_.begin(), grown_.begin() + gone);
}

// The number of edits before the first one for which `is_before` is false. A busy connection has hundreds.
template <class IsBefore>
std::size_t SequenceMap::count_before(IsBefore is_before) const {
    std::size_t low = 0, high = edits_.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (is_before(edits_[middle], edits_[middle].begin + grown_[middle]))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

std::int64_t SequenceMap::grown_after(std::size_t count) const {
    return count < edits_.size() ? grown_[count] : length_;
}

Position SequenceMap::out(Position in) const {
    const std::size_t count = count_before([&](const Edit& edit, Position) { return edit.begin < in; });
    if (count > 0 && in < edits_[count - 1].end) {
        const Edit& edit = edits_[count - 1];
        return edit.begin + grown_[count - 1] + std::min(in - edit.begin, size(edit));
    }
    return in + grown_after(count);
}

Position SequenceMap::arrived(Position out) const {
    const std::size_t count = count_before(
        [&](const Edit& edit, Position begin) { return begin < out || (begin == out && edit.text.empty()); });
    if (count > 0) {
        const Edit& edit = edits_[count - 1];
        const Position begin = edit.begin + grown_[count - 1];
        // The same offset in the range as in the text, so that a sender that continues from there makes
        // progress.
        if (out < begin + size(edit)) return edit.begin + std::min(out - begin, edit.end - edit.begin - 1);
    }
    return out - grown_after(count);
}

Position SequenceMap::begins(Position out) const {
    const std::size_t count = count_before([&](const Edit&, Position begin) { return begin < out; });
    if (count > 0) {
        const Edit& edit = edits_[count - 1];
        const Position begin = edit.begin + grown_[count - 1];
        if (out <= begin + size(edit)) return std::min(edit.begin + out - begin, edit.end);
    }
    return out - grown_after(count);
}

void SequenceMap::write(Position begin, std::string_view bytes, std::string& to) const {
    const Position end = begin + static_cast<Position>(bytes.size());
    const auto copy = [&](Position from, Position until) {
        to.append(
            bytes.substr(static_cast<std::size_t>(from - begin), static_cast<std::size_t>(until - from)));
    };
    Position at = begin;
    for (std::size_t i = count_before([&](const Edit&edit, Position) { return edit.end <= begin; });
         i < edits_.size() && edits_[i].begin < end; ++i) {
        const Edit& edit = edits_[i];
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
