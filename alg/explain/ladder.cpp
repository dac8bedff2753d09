#include "alg/explain/ladder.hpp"

#include <algorithm>
#include <cstdio>

#include "alg/base/escape.hpp"

namespace sipalg::explain {

namespace {

using facts::Message;
using facts::PinholeChange;

constexpr std::size_t lane = 30;  // columns between two lines of the ladder

std::string number(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%9.3f", value);
    return text;
}

std::string cut(std::string text, std::size_t most) {
    if (width(text) <= most) return text;
    // At a code point.
    std::size_t end = 0, count = 0;
    while (end < text.size() && count + 3 < most) {
        ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
            ++end;
        ++count;
    }
    return text.substr(0, end) + "...";
}

// "  INVITE ----------->"; every arrow is `lane` wide.
std::string arrow(const std::string& title, bool right) {
    const std::string text = cut(title, lane - 8);
    const std::string dashes(lane - 4 - width(text), '-');
    return right ? " " + text + " " + dashes + "> " : " <" + dashes + " " + text + " ";
}

std::string joined(const std::vector<Address>& all) {
    std::string text;
    for (const Address& address : all)
        text += (text.empty() ? "" : ", ") + address.text();
    return text;
}

class Writer {
  public:
    explicit Writer(const Explanation& explanation) : all_(explanation) {}

    std::string run() {
        head();
        for (const Conversation& conversation : all_.conversations)
            write(conversation);
        if (!all_.conversations.empty()) summary();
        return std::move(out_);
    }

  private:
    void line(const std::string& text = {}) { out_ += text + '\n'; }

    void head() {
        line(std::to_string(all_.frames) + " frames, " + std::to_string(all_.messages) + " messages, " +
             std::to_string(all_.conversations.size()) + " conversations");
        for (const std::string& note : all_.notes)
            line("note: " + escape(note));
        if (!all_.others.empty()) {
            std::string text;
            for (const auto& [word, count] : all_.others)
                text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + word;
            line("not SIP, or not readable: " + text);
        }
        for (const std::string& unread : unread_lines(all_))
            line(escape(unread));
    }

    void write(const Conversation& conversation) {
        line();
        line("== " + std::string(word(conversation.kind)) + " " + cut(escape(conversation.call_id), 90));
        line("   " + escape(conversation.from) + " -> " + escape(conversation.to));
        const std::string phones = cut(joined(conversation.phones), lane - 2);
        line("     time  phone " + phones + std::string(lane - width(phones) - 2, ' ') + "router   peer " +
             joined(conversation.peers));
        for (const Entry& entry : conversation.entries) {
            if (const auto* message = std::get_if<Message>(&entry.fact.what))
                write(entry, *message);
            else if (const auto* change = std::get_if<PinholeChange>(&entry.fact.what))
                write(entry, *change);
            else
                write(entry, std::get<Event>(entry.fact.what));
        }
        pinholes(conversation);
        media(conversation);
        line("   verdict: " + std::string(word(conversation.verdict)) + ": " + escape(conversation.summary));
        for (const std::string& problem : conversation.problems)
            line("   ! " + escape(problem));
    }

    void write(const Entry& entry, const Message& message) {
        const bool outward = message.seen.from == Side::inside;
        const bool changed = !message.seen.after.empty();
        const std::string text = arrow(escape(message.title()), outward);
        line(number(entry.at_s) + " |" + text + (changed ? "#" : "|") + text + "|  frame " +
             std::to_string(entry.frame));
        for (const Explained& place : message.seen.places) {
            if (place.offset > message.seen.before.size()) continue;
            const std::string old = message.seen.before.substr(place.offset, place.length);
            const std::string head = "              " + std::string(rewrite::name(place.place)) + ": ";
            if (place.kept == rewrite::Kept::changed)
                line(head + escape(old) + " => " + escape(place.text) + "  (" +
                     std::string(rewrite::rule(place.place)) + ")");
            else if (outward && is_telling(place, old, message.seen))
                line(head + escape(old) + " stays: " + std::string(rewrite::sentence(place.kept)));
        }
        if (message.seen.reason != Reason::rewritten && message.seen.reason != Reason::unchanged)
            line("              " + std::string(sentence(message.seen.reason)));
    }

    // The unchanged places of a phone's message that a reader may expect to change.
    static bool is_telling(const Explained& place, const std::string& old, const SeenMessage& seen) {
        using rewrite::Kept;
        using rewrite::Place;
        if (place.kept == Kept::sealed || place.kept == Kept::half || place.kept == Kept::too_many ||
            place.kept == Kept::unreadable)
            return true;
        if (place.kept != Kept::foreign && place.kept != Kept::no_mapping) return false;
        if (place.place == Place::identity || place.place == Place::record_route ||
            place.place == Place::via_sent_by)
            return false;
        const auto address = Address::parse(old);
        return address && address->is_private() && *address != seen.peer.address;
    }

    void write(const Entry& entry, const PinholeChange& change) {
        const char* sign = change.kind == PinholeChange::Kind::opened   ? "+"
                           : change.kind == PinholeChange::Kind::closed ? "-"
                                                                        : "~";
        line(number(entry.at_s) + " " + sign + " pinhole " + std::string(facts::word(change.kind)) + ": " +
             describe(change.pinhole));
    }

    static std::string describe(const call::CallPinhole& one) {
        const std::string what =
            one.signalling ? "signalling" : escape(one.type.text()) + (one.rtcp ? " RTCP" : "");
        return what + " " + one.shown.text() + " from " +
               (one.pinhole.remote ? one.pinhole.remote.text() : "anywhere") + " to " + one.inside.text() +
               (one.early ? " (early)" : "");
    }

    void write(const Entry& entry, const Event& event) {
        std::string text(facts::word(event.kind));
        std::replace(text.begin(), text.end(), '_', ' ');
        line(number(entry.at_s) + " * " + text + (event.detail.empty() ? "" : ": " + escape(event.detail)));
    }

    // The life of each on one time line, as wide as the conversation is long.
    void pinholes(const Conversation& conversation) {
        std::vector<const PinholeLife*> shown;
        for (const PinholeLife& life : conversation.pinholes)
            if (!life.pinhole.signalling) shown.push_back(&life);
        if (shown.empty()) return;
        const double begin = conversation.entries.front().at_s;
        double end = conversation.entries.back().at_s;
        for (const PinholeLife* life : shown)
            end = std::max({end, life->closed_s.value_or(end), life->last_s});
        constexpr double columns = 40;
        const auto column = [&](double at) {
            const double share = end > begin ? (at - begin) / (end - begin) : 0;
            return static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * (columns - 1));
        };
        line("   pinholes ([ open ] = packets seen):");
        for (const PinholeLife* life : shown) {
            std::string bar(static_cast<std::size_t>(columns), ' ');
            const std::size_t from = column(life->opened_s), to = column(life->closed_s.value_or(end));
            for (std::size_t i = from; i <= to; ++i)
                bar[i] = '.';
            if (life->packets > 0)
                for (std::size_t i = column(life->first_s); i <= column(life->last_s); ++i)
                    bar[i] = '=';
            bar[from] = '[';
            bar[to] = life->closed_s ? ']' : '>';
            line("     " + bar + "  " + describe(life->pinhole) + ", " + std::to_string(life->packets) +
                 " packets");
        }
    }

    void media(const Conversation& conversation) {
        for (const MediaPath& path : conversation.media) {
            std::string text = "   media " + escape(path.type) + (path.rtcp ? " RTCP" : "") + ": " +
                               path.inside.text() + " to " + path.remote.text() + " " +
                               std::to_string(path.from_phone) + ", back " + std::to_string(path.to_phone) +
                               " packets";
            if (path.refused > 0) text += ", " + std::to_string(path.refused) + " without pinhole";
            if (path.refused_late > 0) text += ", " + std::to_string(path.refused_late) + " after the end";
            line(text);
        }
    }

    void summary() {
        line();
        for (const Conversation& conversation : all_.conversations) {
            const std::string verdict(word(conversation.verdict));
            line(verdict + std::string(12 - verdict.size(), ' ') + std::string(word(conversation.kind)) +
                 " " + cut(escape(conversation.call_id), 40) + ": " + escape(conversation.summary));
        }
    }

    const Explanation& all_;
    std::string out_;
};

}  // namespace

std::string ladder(const Explanation& explanation) {
    return Writer(explanation).run();
}

std::vector<std::string> unread_lines(const Explanation& explanation) {
    const std::vector<capture::Unread>& all = explanation.unread;
    std::vector<std::string> lines;
    for (std::size_t first = 0, last = 0; first < all.size(); first = last + 1) {
        const capture::Unread& one = all[first];
        for (last = first; last + 1 < all.size(); ++last)
            if (all[last + 1].why != one.why || all[last + 1].frame != all[last].frame + 1) break;
        std::string frames = one.frame == 0 ? std::string() : "frame " + std::to_string(one.frame) + ": ";
        if (last > first)
            frames = "frames " + std::to_string(one.frame) + " to " + std::to_string(all[last].frame) + ": ";
        lines.push_back("not read: " + frames + one.why);
    }
    if (explanation.unread_count > all.size())
        lines.push_back("and " + std::to_string(explanation.unread_count - all.size()) + " more");
    return lines;
}

}  // namespace sipalg::explain
