#include "alg/explain/html.hpp"

#include <algorithm>
#include <cstdio>

#include "alg/base/escape.hpp"
#include "alg/explain/ladder.hpp"
#include "alg/explain/page.hpp"
#include "alg/facts/mask.hpp"

namespace sipalg::explain {

namespace {

using facts::Message;
using facts::PinholeChange;

std::string markup(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

/// One line of text from the network.
std::string safe(std::string_view text) {
    return markup(escape(text));
}

/// Lines of a message: their ends stay, everything else that is not text becomes visible.
std::string safe_lines(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
        out += safe(line);
        if (end == std::string_view::npos) break;
        out += '\n';
        text.remove_prefix(end + 1);
    }
    return out;
}

std::string number(double value, int decimals = 3) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

std::string joined(const std::vector<Address>& all) {
    std::string text;
    for (const Address& address : all)
        text += (text.empty() ? "" : ", ") + address.text();
    return text;
}

std::string describe(const call::CallPinhole& one) {
    const std::string what =
        one.signalling ? "signalling" : safe(one.type.text()) + (one.rtcp ? " RTCP" : "");
    return what + " " + one.shown.text() + " from " +
           (one.pinhole.remote ? one.pinhole.remote.text() : "anywhere") + " to " + one.inside.text() +
           (one.early ? " (early)" : "");
}

class Page {
  public:
    Page(const Explanation& explanation, std::string_view title) : all_(explanation), title_(title) {}

    std::string run() {
        out_ = page_begin(safe(title_));
        head();
        list();
        out_ += "<main>\n";
        for (std::size_t i = 0; i < all_.conversations.size(); ++i)
            section(all_.conversations[i], i + 1);
        out_ += "</main>\n";
        out_ += page_end();
        return std::move(out_);
    }

  private:
    void head() {
        out_ += "<header>\n<h1>" + safe(title_) + "</h1>\n<p>" + std::to_string(all_.frames) + " frames, " +
                std::to_string(all_.messages) + " messages, " + std::to_string(all_.conversations.size()) +
                " conversations, " + std::to_string(all_.media_packets) + " media packets in " +
                number(all_.length_s, 1) + " s</p>\n";
        std::string items;
        for (const std::string& note : all_.notes)
            items += "<li>" + safe(note) + "</li>\n";
        for (const auto& [word, count] : all_.others)
            items += "<li>" + std::to_string(count) + " packets that are not readable SIP: " + safe(word) +
                     "</li>\n";
        for (const std::string& unread : unread_lines(all_))
            items += "<li>" + safe(unread) + "</li>\n";
        if (!items.empty()) out_ += "<ul class=\"notes\">\n" + items + "</ul>\n";
        out_ += "</header>\n";
    }

    void list() {
        if (all_.conversations.empty()) return;
        out_ +=
            "<nav aria-label=\"Conversations\">\n<p><label>Search <input type=\"search\" id=\"q\" "
            "placeholder=\"number, address, Call-ID, any text\"></label> <span id=\"n\"></span></p>\n<ul>\n";
        for (std::size_t i = 0; i < all_.conversations.size(); ++i) {
            const Conversation& one = all_.conversations[i];
            out_ += "<li><a href=\"#c" + std::to_string(i + 1) + "\">" + badge(one) + " " +
                    std::string(word(one.kind)) + " " + safe(one.from) + " to " + safe(one.to) + ": " +
                    safe(one.summary) + "</a></li>\n";
        }
        out_ += "</ul>\n</nav>\n";
    }

    static std::string badge(const Conversation& one) {
        const std::string verdict(word(one.verdict));
        return "<span class=\"badge " + verdict + "\">" + verdict + "</span>";
    }

    void section(const Conversation& one, std::size_t index) {
        const std::string id = "c" + std::to_string(index);
        out_ += "<section id=\"" + id + "\">\n<h2>" + badge(one) + " " + std::string(word(one.kind)) + " " +
                safe(one.from) + " to " + safe(one.to) + " <a class=\"anchor\" href=\"#" + id +
                "\" aria-label=\"link to this conversation\">#</a></h2>\n<p class=\"id\">Call-ID " +
                safe(one.call_id) + "</p>\n<p>" + safe(one.summary) + "</p>\n";
        if (!one.problems.empty()) {
            out_ += "<ul class=\"problems\">\n";
            for (const std::string& problem : one.problems)
                out_ += "<li>" + safe(problem) + "</li>\n";
            out_ += "</ul>\n";
        }
        out_ += "<div class=\"lanes\"><span>time</span><span>phone " + joined(one.phones) +
                "</span><span>router</span><span>peer " + joined(one.peers) + "</span></div>\n";
        for (const Entry& entry : one.entries)
            row(entry);
        bars(one);
        media(one);
        out_ += "</section>\n";
    }

    void row(const Entry& entry) {
        if (const auto* message = std::get_if<Message>(&entry.fact.what)) return arrow(entry, *message);
        const auto* pinhole = std::get_if<PinholeChange>(&entry.fact.what);
        if (pinhole && pinhole->pinhole.signalling) return;
        out_ += "<p class=\"step\"><span class=\"t\">" + number(entry.at_s) + "</span> ";
        if (const auto* change = std::get_if<PinholeChange>(&entry.fact.what)) {
            out_ += "<span class=\"" + std::string(facts::word(change->kind)) + "\">pinhole " +
                    std::string(facts::word(change->kind)) + "</span> " + describe(change->pinhole);
        } else {
            const auto& event = std::get<Event>(entry.fact.what);
            std::string text(facts::word(event.kind));
            std::replace(text.begin(), text.end(), '_', ' ');
            out_ += "<span class=\"event\">" + text + "</span> " + safe(event.detail);
        }
        out_ += "</p>\n";
    }

    void arrow(const Entry& entry, const Message& message) {
        const bool changed = !message.seen.after.empty();
        out_ += "<details><summary><span class=\"t\">" + number(entry.at_s) + "</span><span class=\"a " +
                (message.seen.from == Side::inside ? "out" : "in") + (changed ? " changed" : "") + "\"><b>" +
                safe(message.title()) + "</b></span></summary>\n<p class=\"reason\">frame " +
                std::to_string(entry.frame) + ", " + std::string(name(message.seen.transport)) + ", " +
                message.seen.phone.text() + (message.seen.from == Side::inside ? " to " : " from ") +
                message.seen.peer.text() + ": " + std::string(sentence(message.seen.reason)) + "</p>\n<pre>";
        difference(message.seen);
        out_ += "</pre>\n</details>\n";
    }

    void difference(const SeenMessage& seen) {
        const std::string before = facts::mask_credentials(seen.before);
        const std::string_view all = before;
        std::size_t at = 0;
        for (const Explained& place : seen.places) {
            if (place.kept != rewrite::Kept::changed || place.offset < at || place.offset > all.size())
                continue;
            const std::string_view old = all.substr(place.offset, place.length);
            out_ += safe_lines(all.substr(at, place.offset - at));
            if (!old.empty()) out_ += "<del>" + safe_lines(old) + "</del>";
            if (!place.text.empty())
                out_ += "<ins title=\"" + std::string(rewrite::name(place.place)) + ", rule " +
                        std::string(rewrite::rule(place.place)) + "\">" + safe_lines(place.text) + "</ins>";
            at = place.offset + old.size();
        }
        out_ += safe_lines(all.substr(at));
    }

    void bars(const Conversation& one) {
        const auto is_media = [](const PinholeLife& life) { return !life.pinhole.signalling; };
        if (std::none_of(one.pinholes.begin(), one.pinholes.end(), is_media) || one.entries.empty()) return;
        const double begin = one.entries.front().at_s;
        double end = one.entries.back().at_s;
        for (const PinholeLife& life : one.pinholes)
            end = std::max({end, life.closed_s.value_or(end), life.last_s});
        const double length = std::max(end - begin, 0.001);
        const auto part = [&](double from, double to) {
            const double left = std::clamp((from - begin) / length, 0.0, 1.0) * 100;
            const double right = std::clamp((to - begin) / length, 0.0, 1.0) * 100;
            return "style=\"left:" + number(left, 2) + "%;width:" + number(std::max(right - left, 0.5), 2) +
                   "%\"";
        };
        out_ += "<div class=\"bars\">\n<h3>Pinholes</h3>\n";
        for (const PinholeLife& life : one.pinholes) {
            if (!is_media(life)) continue;
            out_ += "<p>" + describe(life.pinhole) + ", " + number(life.opened_s) + " s to " +
                    (life.closed_s ? number(*life.closed_s) + " s" : "the end of the capture") + ", " +
                    std::to_string(life.packets) +
                    " packets seen</p>\n<div class=\"track\"><span class=\"life\" " +
                    part(life.opened_s, life.closed_s.value_or(end)) + ">open</span>";
            if (life.packets > 0)
                out_ += "<span class=\"seen\" " + part(life.first_s, life.last_s) + ">packets</span>";
            out_ += "</div>\n";
        }
        out_ += "</div>\n";
    }

    void media(const Conversation& one) {
        if (one.media.empty()) return;
        out_ +=
            "<div class=\"wide\"><table>\n<caption>Media "
            "packets</caption>\n<thead><tr><th>stream</th><th>phone</th>"
            "<th>remote</th><th>from phone</th><th>to phone</th><th>without "
            "pinhole</th></tr></thead>\n<tbody>\n";
        for (const MediaPath& path : one.media)
            out_ += "<tr><td>" + safe(path.type) + (path.rtcp ? " RTCP" : "") + "</td><td>" +
                    path.inside.text() + "</td><td>" + path.remote.text() + "</td><td>" +
                    std::to_string(path.from_phone) + "</td><td>" + std::to_string(path.to_phone) +
                    "</td><td>" + std::to_string(path.refused) + "</td></tr>\n";
        out_ += "</tbody>\n</table></div>\n";
    }

    const Explanation& all_;
    std::string_view title_;
    std::string out_;
};

}  // namespace

std::string html(const Explanation& explanation, std::string_view title) {
    return Page(explanation, title).run();
}

}  // namespace sipalg::explain
