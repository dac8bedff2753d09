#include "alg/ctl/follow.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "alg/base/escape.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/ctl/fact_reader.hpp"
#include "alg/ctl/hep.hpp"
#include "alg/ctl/recording.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::ctl {

namespace {

constexpr std::chrono::milliseconds patience{500};  // then the recording so far is written

Json request_of(const Options& options, bool bytes) {
    Json request{{"command", "watch"}};
    if (!options.call.empty()) request["call"] = options.call;
    if (!options.phone.empty()) request["phone"] = options.phone;
    if (bytes) request["bytes"] = true;
    if (options.with_credentials) request["credentials"] = true;
    return request;
}

std::optional<std::chrono::seconds> limit_of(const Options& options) {
    return options.seconds == 0 ? std::nullopt : std::optional(std::chrono::seconds(options.seconds));
}

std::string shown(const Json& fact, const char* name) {
    const std::string text = escape(cell(fact, name));
    return text.empty() ? "-" : text;
}

std::string clock_of(const Json& fact) {
    const std::int64_t milliseconds = time_of(fact, 1000);
    if (milliseconds == 0) return "-";
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    char text[16];
    if (localtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%H:%M:%S", &parts) == 0)
        return "-";
    const std::string rest = std::to_string(1000 + milliseconds % 1000);
    return text + ("." + rest.substr(1));
}

/// A new file that only its owner can read, because it contains private messages.
class OutputFile {
  public:
    explicit OutputFile(const std::string& path)
        : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
        if (!file_) fail();
    }
    void write(std::string_view bytes) const {
        if (!write_all(file_.get(), bytes)) fail();
    }

  private:
    [[noreturn]] void fail() const { throw std::runtime_error(escape(path_) + ": " + std::strerror(errno)); }

    std::string path_;
    Fd file_;
};

void send(HepSender& sender, const RecordedMessage& message) {
    const bool outward = message.from == Side::inside;
    const auto one = [&](std::uint32_t agent, const Endpoint& own, const std::string& payload) {
        const HepPacket packet{message.transport,
                               outward ? own : message.peer,
                               outward ? message.peer : own,
                               message.time_us,
                               agent,
                               message.call_id,
                               payload};
        static_cast<void>(sender.send(hep3(packet)));  // HEP over UDP is lossy
    };
    // 1: as the inside sees it, 2: as the outside does.
    one(outward ? 1 : 2, outward ? message.phone : message.public_endpoint, message.before);
    one(outward ? 2 : 1, outward ? message.public_endpoint : message.phone, message.after);
}

}  // namespace

std::string watch_line(const Json& fact) {
    const std::string type = shown(fact, "type");
    if (type != "message") return clock_of(fact) + "  " + remark_of(fact);
    std::string text = clock_of(fact) + "  " + shown(fact, "phone") +
                       (shown(fact, "from") == "inside" ? " -> " : " <- ") + shown(fact, "peer") + "  " +
                       shown(fact, "title") + "  " + shown(fact, "reason");
    const std::string call_id = shown(fact, "call_id");
    return call_id == "-" ? text : text + "  " + call_id;
}

int watch(const Options& options, std::ostream& out) {
    FactReader reader(options.control, request_of(options, false), limit_of(options));
    std::string line;
    for (;;) {
        const auto news = reader.next(line, std::chrono::hours(1));
        if (news == FactReader::News::end) return 0;
        if (news == FactReader::News::quiet) continue;
        if (options.json) {
            out << line << '\n' << std::flush;
            continue;
        }
        const Json fact = Json::parse(line, nullptr, false);
        if (fact.is_object()) out << watch_line(fact) << '\n' << std::flush;
        if (!out) return 0;
    }
}

// O8
int record(const Options& options, std::ostream& log) {
    std::optional<HepSender> sender;
    if (!options.hep.empty()) sender.emplace(options.hep);
    FactReader reader(options.control, request_of(options, true), limit_of(options));
    std::optional<OutputFile> file;
    if (!options.argument.empty()) file.emplace(options.argument);
    Recording recording;
    if (file) file->write(recording.begin());
    std::uint64_t lost = 0, sent = 0;
    std::string line;
    for (;;) {
        const auto news = reader.next(line, patience);
        if (news == FactReader::News::end) break;
        if (news == FactReader::News::quiet) {
            if (file) file->write(recording.flush());
            continue;
        }
        const Json fact = Json::parse(line, nullptr, false);
        if (!fact.is_object()) continue;
        if (cell(fact, "type") == "lost" && fact.contains("count") && fact["count"].is_number_unsigned())
            lost += fact["count"].get<std::uint64_t>();
        if (file) file->write(recording.add(fact));
        if (!sender) continue;
        if (const auto message = read_message(fact); message && !message->call_id.empty()) {
            send(*sender, *message);
            ++sent;
        }
    }
    if (file) file->write(recording.flush());
    log << (file ? recording.messages() : sent) << " messages recorded";
    if (lost > 0) log << ", " << lost << " facts lost";
    log << '\n';
    return 0;
}

}  // namespace sipalg::ctl
