#include "alg/daemon/run/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "alg/kernel/record.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

namespace {

constexpr std::string_view magic = "sipalg-state\n";
constexpr std::uint16_t version = 1;
constexpr std::size_t longest = 256 << 20;
constexpr std::size_t checksum_size = 8;

std::string reason() {
    return std::strerror(errno);
}

// FNV-1a. It finds damage; the mode and the owner of the file keep forgers out.
std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t sum = 0xCBF29CE484222325;
    for (const char c : bytes)
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    return sum;
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> read_all(int fd, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t count = ::read(fd, bytes.data() + have, size - have);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Failure{reason()};
        if (count == 0) return Failure{"it became shorter while it was read"};
        have += static_cast<std::size_t>(count);
    }
    return bytes;
}

std::optional<std::string> objection(const struct stat& file) {
    if (!S_ISREG(file.st_mode)) return "it is not a regular file";
    if (file.st_uid != geteuid()) return "it belongs to another user";
    if ((file.st_mode & 07777) != 0600) return "its mode is not 0600";
    if (file.st_nlink != 1) return "it has several links";
    if (static_cast<std::size_t>(file.st_size) > longest) return "it is too long";
    return std::nullopt;
}

std::string encode(const StateSections& sections, const StateFile::Origin& origin, Time now) {
    RecordWriter out;
    out.number(version, 2);
    out.text(origin.boot);
    out.number(origin.network_device, 8);
    out.number(origin.network_inode, 8);
    out.text(origin.table);
    out.number(static_cast<std::uint64_t>(now.count()), 8);
    std::string bytes = std::string(magic) + out.take();
    for (const auto& section : sections.all()) {
        RecordWriter head;
        head.text(section.name);
        head.number(section.bytes.size(), 8);
        bytes += head.take() + section.bytes;
    }
    RecordWriter end;
    end.number(checksum(bytes), checksum_size);
    return bytes + end.take();
}

}  // namespace

std::string_view StateSections::find(std::string_view name) const {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Section& section) { return section.name == name; });
    return found == all_.end() ? std::string_view() : found->bytes;
}

Result<StateFile::Content> StateFile::decode(std::string_view bytes, const StateFile::Origin& here) {
    if (bytes.size() < magic.size() + checksum_size || !bytes.starts_with(magic))
        return Failure{"it is not a state file of sipalgd, or it is truncated"};
    const std::string_view body = bytes.substr(0, bytes.size() - checksum_size);
    if (RecordReader(bytes.substr(body.size())).number(checksum_size) != checksum(body))
        return Failure{"it is damaged or truncated"};
    std::string_view rest = body.substr(magic.size());
    RecordReader in(rest);
    if (in.number(2) != version) return Failure{"it is of another version of sipalgd"};
    StateFile::Origin origin;
    origin.boot = in.text();
    origin.network_device = in.number(8);
    origin.network_inode = in.number(8);
    origin.table = in.text();
    StateFile::Content content;
    content.exists = true;
    content.written = Time{static_cast<std::int64_t>(in.number(8))};
    if (!in.ok()) return Failure{"it is damaged"};
    rest.remove_prefix(2 + 2 + origin.boot.size() + 16 + 2 + origin.table.size() + 8);
    if (origin.boot != here.boot) return Failure{"it is from an earlier boot"};
    if (origin.table != here.table) return Failure{"it is of another nftables table"};
    if (!(origin == here)) return Failure{"it is from another network namespace"};
    while (!rest.empty()) {
        RecordReader head(rest);
        std::string name = head.text();
        const std::uint64_t size = head.number(8);
        const std::size_t head_size = 2 + name.size() + 8;
        if (!head.ok() || size > rest.size() - head_size) return Failure{"it is damaged"};
        content.sections.add(std::move(name), std::string(rest.substr(head_size, size)));
        rest.remove_prefix(head_size + size);
    }
    return content;
}

StateFile::Origin StateFile::origin(const std::string& table) {
    Origin origin;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> origin.boot;
    struct stat network {};
    if (stat("/proc/self/ns/net", &network) == 0) {
        origin.network_device = network.st_dev;
        origin.network_inode = network.st_ino;
    }
    origin.table = table;
    return origin;
}

Result<StateFile::Content> StateFile::read() const {
    const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT) return Content{};
        return Failure{errno == ELOOP ? "it is a symbolic link" : reason()};
    }
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return Failure{reason()};
    if (const auto objected = objection(status)) return Failure{*objected};
    const auto bytes = read_all(file.get(), static_cast<std::size_t>(status.st_size));
    if (!bytes) return Failure{bytes.error()};
    return decode(*bytes, origin_);
}

Result<> StateFile::write(const StateSections& sections, Time now) const {
    const std::string fresh = path_ + ".new";
    unlink(fresh.c_str());  // of a stop that was killed
    const Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return Failure{reason()};
    if (!write_all(file.get(), encode(sections, origin_, now)) || fsync(file.get()) != 0 ||
        rename(fresh.c_str(), path_.c_str()) != 0) {
        std::string why = reason();
        unlink(fresh.c_str());
        return Failure{std::move(why)};
    }
    return {};
}

void StateFile::remove() const {
    unlink(path_.c_str());
}

void StateFile::make_directory() const {
    mkdir(directory_of(path_).c_str(), 0700);
}

std::string StateFile::obstacle() const {
    const std::string directory = directory_of(path_);
    return access(directory.c_str(), W_OK | X_OK) == 0 ? std::string() : directory + ": " + reason();
}

}  // namespace sipalg::daemon
