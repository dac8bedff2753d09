#include "alg/daemon/config/log.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

namespace {

enum class Target : std::uint8_t { terminal, journal, syslog };

/// The log of the process.
struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    Target target = Target::terminal;
    std::string journal_path;
    Fd journal;  ///< connected, unless journald was not there
};

Log& process_log() {
    static Log log;
    return log;
}

// JOURNAL_STREAM is inherited by programs whose stderr goes elsewhere, so device and inode are compared.
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

Fd connect_to_journal(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

void write_to_stderr(std::string line) {
    line += '\n';
    (void)write_all(STDERR_FILENO, line);  // there is nowhere to report a failure
}

// journald may have been restarted since the last line.
bool send_to_journal(Log& log, const std::string& datagram) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!log.journal) log.journal = connect_to_journal(log.journal_path);
        if (!log.journal) return false;
        if (::send(log.journal.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) return true;
        if (errno == EAGAIN) return false;
        log.journal = Fd();
    }
    return false;
}

}  // namespace

void log_to_stderr(const std::string& journal) {
    Log& log = process_log();
    log.journal_path = journal;
    log.journal = Fd();
    log.target = stderr_is_journal() ? Target::journal : Target::terminal;
    if (log.target == Target::journal) log.journal = connect_to_journal(journal);
}

void log_to_syslog() {
    openlog("sipalgd", LOG_PID, LOG_DAEMON);
    process_log().target = Target::syslog;
}

void set_log_level(LogLevel level) {
    process_log().level = level;
}

void set_log_format(LogFormat format) {
    process_log().format = format;
}

namespace log {

bool writes(LogLevel level) {
    return level <= process_log().level;
}

void write(const LogLine& line) {
    Log& log = process_log();
    if (!writes(line.level)) return;
    const auto now = std::chrono::system_clock::now();
    const bool json = log.format == LogFormat::json;
    const std::string text = json ? as_json(line, now) : line.text;
    switch (log.target) {
        case Target::terminal: write_to_stderr(json ? text : with_time(line, now)); break;
        case Target::journal:
            if (!send_to_journal(log, as_journal_datagram(line, text)))
                write_to_stderr(fmt::format("<{}>{}", priority(line.level), text));
            break;
        case Target::syslog: ::syslog(priority(line.level), "%s", text.c_str()); break;
    }
}

}  // namespace log

}  // namespace sipalg::daemon
