#include "tests/stream/party.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace sipalg::test {

void Party::begin(std::uint32_t number) {
    const Endpoint endpoint = own;
    const std::size_t before = longest;
    *this = Party{};
    own = endpoint;
    longest = before;
    initial = number;
}

void Party::say(const std::string& as_sent, const std::string& as_heard) {
    text += as_sent;
    said.emplace_back(as_sent, as_heard);
}

void Party::hear(const tcp::Segment& segment, std::uint32_t peer_initial) {
    if (segment.timestamps) peer_clock = segment.timestamps->first;
    const auto have = static_cast<tcp::Position>(heard.size());
    const tcp::Position begin = tcp::position(segment.sequence, peer_initial, have);
    const tcp::Position end = begin + static_cast<tcp::Position>(segment.payload.size());
    if (segment.is_fin() && end >= 0) end_at_ = std::min(end_at_, static_cast<std::size_t>(end));
    if (begin >= 0 && end > have) {
        std::string& known = early_[static_cast<std::size_t>(begin)];
        if (known.size() < segment.payload.size()) known = segment.payload;
    }
    for (auto it = early_.begin(); it != early_.end() && it->first <= heard.size(); it = early_.erase(it)) {
        const std::size_t old = heard.size() - it->first;
        if (old < it->second.size()) heard += it->second.substr(old);
    }
    if (heard.size() == end_at_) heard_end = true;
}

bool is_what_was_said(const std::string& heard,
                      const std::vector<std::pair<std::string, std::string>>& said) {
    std::set<std::size_t> places{0};  // where the next message may begin
    for (const auto& [plain, written] : said) {
        std::set<std::size_t> next;
        for (const std::size_t at : places)
            for (const std::string* way : {&plain, &written}) {
                const std::string_view rest = std::string_view(heard).substr(at);
                const std::string_view part = std::string_view(*way).substr(0, rest.size());
                if (rest.substr(0, part.size()) != part) continue;
                if (rest.size() <= way->size()) return true;
                next.insert(at + way->size());
            }
        places = std::move(next);
    }
    return heard.empty() || places.contains(heard.size());
}

}  // namespace sipalg::test
