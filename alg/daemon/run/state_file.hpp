// The state file (A5), in which a clean stop keeps the state for the next start.
//
// Theory of operation. While a daemon runs, its state is in the kernel, and the file does not exist. A clean
// stop removes the tables, so it writes the file first. The next start reads it, puts the elements back into
// the kernel, and removes the file when the kernel has acknowledged them. From then on a killed daemon loses
// nothing, and a file that is older than the state cannot be read again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/base/time.hpp"

namespace sipalg::daemon {

/// Named parts of the file, each opaque bytes of one part of the daemon. A reader ignores names that it does
/// not know.
class StateSections {
  public:
    /// Precondition: the name is new and not longer than 255 bytes.
    void add(std::string name, std::string bytes) { all_.push_back({std::move(name), std::move(bytes)}); }
    /// Empty: there is no such section.
    std::string_view find(std::string_view name) const;
    const auto& all() const { return all_; }

  private:
    struct Section {
        std::string name, bytes;
    };
    std::vector<Section> all_;
};

class StateFile {
  public:
    /// The origin of the file: another boot has another clock, and another network namespace has other
    /// tables.
    struct Origin {
        std::string boot;                                     ///< /proc/sys/kernel/random/boot_id
        std::uint64_t network_device = 0, network_inode = 0;  ///< of /proc/self/ns/net
        std::string table;                                    ///< of nftables
        friend bool operator==(const Origin&, const Origin&) = default;
    };
    /// Of this process.
    static Origin origin(const std::string& table);

    StateFile(std::string path, Origin origin) : path_(std::move(path)), origin_(std::move(origin)) {}
    const std::string& path() const { return path_; }

    struct Content {
        bool exists = false;
        Time written{0};  ///< CLOCK_BOOTTIME
        StateSections sections;
    };
    /// The error is the reason why the file is refused: it is not a regular file of this user alone (mode
    /// 0600, one link), damaged, of another version, or of another Origin. A file that does not exist is no
    /// error.
    Result<Content> read() const;
    /// The content of a file's bytes, for a process of the origin `here`; the error is the reason as above.
    static Result<Content> decode(std::string_view bytes, const Origin& here);
    /// Writes a new file and renames it into place. The error is the reason, and an old file stays.
    Result<> write(const StateSections& sections, Time now) const;
    /// No effect if there is none.
    void remove() const;
    /// Creates the directory of the file for this user alone, if it does not exist. obstacle() reports a
    /// failure.
    void make_directory() const;
    /// The reason why this user cannot create the file; empty: there is none.
    std::string obstacle() const;

  private:
    std::string path_;
    Origin origin_;
};

}  // namespace sipalg::daemon
