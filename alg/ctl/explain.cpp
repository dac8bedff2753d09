#include "alg/ctl/explain.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <vector>

#include "alg/base/escape.hpp"
#include "alg/explain/explanation.hpp"
#include "alg/explain/html.hpp"
#include "alg/explain/ladder.hpp"
#include "alg/facts/json.hpp"

namespace sipalg::ctl {

namespace {

using facts::Json;

std::vector<std::uint8_t> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(escape(path) + ": " + std::strerror(errno));
    if (std::filesystem::is_directory(path)) throw std::runtime_error(escape(path) + ": is a directory");
    std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (file.bad()) throw std::runtime_error(escape(path) + ": cannot be read");
    return bytes;
}

explain::Hints hints_of(const Options& options) {
    explain::Hints hints;
    for (const std::string& text : options.inside) {
        const auto prefix = Prefix::parse(text);
        if (!prefix)
            throw UsageError("--inside '" + escape(text) +
                             "': not a network (expected for example 192.168.1.0/24)");
        hints.inside.push_back(*prefix);
    }
    if (!options.outside.empty()) {
        hints.outside = Address::parse(options.outside);
        if (!hints.outside)
            throw UsageError("--outside '" + escape(options.outside) +
                             "': not an address (expected for example 203.0.113.1)");
    }
    return hints;
}

std::string utc(std::int64_t time_us) {
    const std::time_t seconds = static_cast<std::time_t>(time_us / 1'000'000);
    std::tm parts{};
    char text[40];
    if (gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return {};
    return text;
}

Json to_json(const explain::PinholeLife& life) {
    const call::CallPinhole& one = life.pinhole;
    Json json{{"proto", name(one.pinhole.transport)},
              {"public", one.shown.text()},
              {"inside", one.inside.text()},
              {"remote", one.pinhole.remote ? one.pinhole.remote.text() : "*"},
              {"media", one.signalling ? "signalling" : one.type.text()}};
    if (!one.signalling) json["component"] = one.rtcp ? "rtcp" : "rtp";
    json["opened_s"] = life.opened_s;
    json["closed_s"] = life.closed_s ? Json(*life.closed_s) : Json();
    json["packets"] = life.packets;
    return json;
}

Json to_json(const explain::Conversation& conversation) {
    Json json{{"kind", word(conversation.kind)},
              {"call_id", conversation.call_id},
              {"from", conversation.from},
              {"to", conversation.to},
              {"verdict", word(conversation.verdict)},
              {"summary", conversation.summary},
              {"problems", conversation.problems}};
    Json& pinholes = json["pinholes"] = Json::array();
    for (const explain::PinholeLife& life : conversation.pinholes)
        pinholes.push_back(to_json(life));
    Json& media = json["media"] = Json::array();
    for (const explain::MediaPath& path : conversation.media)
        media.push_back({{"type", path.type},
                         {"component", path.rtcp ? "rtcp" : "rtp"},
                         {"inside", path.inside.text()},
                         {"remote", path.remote.text()},
                         {"from_phone", path.from_phone},
                         {"to_phone", path.to_phone},
                         {"refused", path.refused},
                         {"refused_late", path.refused_late}});
    Json& events = json["events"] = Json::array();
    for (const explain::Entry& entry : conversation.entries) {
        Json row{{"at_s", entry.at_s}, {"frame", entry.frame}};
        row.update(facts::to_json(entry.fact, {.kept = true}));
        events.push_back(std::move(row));
    }
    return json;
}

Json to_json(const explain::Explanation& explanation, const std::string& file) {
    Json json{{"file", file},
              {"began", utc(explanation.began_us)},
              {"length_s", explanation.length_s},
              {"frames", explanation.frames},
              {"messages", explanation.messages},
              {"media_packets", explanation.media_packets},
              {"inside", explanation.inside},
              {"outside", explanation.outside},
              {"notes", explanation.notes},
              {"others", explanation.others},
              {"unread_frames", explanation.unread_count}};
    Json& unread = json["unread"] = Json::array();
    for (const capture::Unread& one : explanation.unread)
        unread.push_back({{"frame", one.frame}, {"why", one.why}});
    Json& conversations = json["conversations"] = Json::array();
    for (const explain::Conversation& conversation : explanation.conversations)
        conversations.push_back(to_json(conversation));
    return json;
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) throw std::runtime_error(escape(path) + ": cannot be written: " + std::strerror(errno));
}

}  // namespace

int explain_file(const Options& options, std::ostream& out) {
    const explain::Hints hints = hints_of(options);
    const std::vector<std::uint8_t> bytes = read_file(options.argument);
    const explain::Explanation explanation = explain::explain(bytes, hints);
    const bool readable = explanation.frames > 0 || explanation.unread_count == 0;
    if (!readable && !explanation.unread.empty())
        throw std::runtime_error(escape(options.argument) + ": " + escape(explanation.unread.front().why));
    if (!options.html.empty()) write_file(options.html, explain::html(explanation, options.argument));
    if (options.json)
        out << to_json(explanation, options.argument).dump(2, ' ', true, Json::error_handler_t::replace)
            << '\n';
    else if (options.html.empty())
        out << explain::ladder(explanation);
    return 0;
}

}  // namespace sipalg::ctl
