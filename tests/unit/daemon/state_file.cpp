#include "alg/daemon/run/state_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

const StateFile::Origin here{"boot", 4, 4026531840, "sipalg"};

/// A directory with a state file.
struct Place {
    Place() {
        std::string name = (std::filesystem::temp_directory_path() / "state.XXXXXX").string();
        REQUIRE(mkdtemp(name.data()));
        directory = name;
        path = name + "/state";
    }
    ~Place() {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
    void write() const { REQUIRE(StateFile(path, here).write(sections(), Time{5000})); }
    std::string error(const StateFile::Origin& origin = here) const {
        const auto content = StateFile(path, origin).read();
        return content ? "" : content.error();
    }
    std::string bytes() const {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void put(const std::string& bytes) const {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    }
    static StateSections sections() {
        StateSections all;
        all.add("elements", std::string("\0\1\2", 3));
        all.add("history", std::string(100'000, 'h'));
        all.add("empty", "");
        return all;
    }

    std::string directory, path;
};

}  // namespace

TEST_CASE("A5 the sections of a state file are read as they were written") {
    const Place place;
    place.write();
    place.write();  // over an old one
    struct stat status {};
    REQUIRE(stat(place.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    const auto content = StateFile(place.path, here).read();
    REQUIRE(content);
    CHECK(content->exists);
    CHECK(content->written == Time{5000});
    CHECK(content->sections.find("elements") == std::string_view("\0\1\2", 3));
    CHECK(content->sections.find("history") == std::string(100'000, 'h'));
    CHECK(content->sections.find("other").empty());
    CHECK(std::distance(std::filesystem::directory_iterator(place.directory), {}) == 1);
    StateFile(place.path, here).remove();
    const auto none = StateFile(place.path, here).read();
    REQUIRE(none);
    CHECK_FALSE(none->exists);
}

TEST_CASE("A5 a state file of another boot, network namespace or table is refused") {
    const Place place;
    place.write();
    CHECK(place.error({"other", 4, 4026531840, "sipalg"}) == "it is from an earlier boot");
    CHECK(place.error({"boot", 4, 4026531841, "sipalg"}) == "it is from another network namespace");
    CHECK(place.error({"boot", 4, 4026531840, "voice"}) == "it is of another nftables table");
    CHECK(place.error() == "");
}

TEST_CASE("A5 a state file that is damaged, or not private, is refused") {
    const Place place;
    place.write();
    const std::string whole = place.bytes();
    for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{13}, std::size_t{21},
                                     whole.size() / 2, whole.size() - 1}) {
        place.put(whole.substr(0, length));
        CHECK_FALSE(place.error().empty());
    }
    place.put(whole + "x");
    CHECK_FALSE(place.error().empty());
    std::string flipped = whole;
    flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 1);
    place.put(flipped);
    CHECK(place.error() == "it is damaged or truncated");
    place.put(whole);
    CHECK(place.error() == "");

    REQUIRE(chmod(place.path.c_str(), 0640) == 0);
    CHECK(place.error() == "its mode is not 0600");
    REQUIRE(chmod(place.path.c_str(), 0600) == 0);
    const std::string second = place.path + ".link";
    REQUIRE(link(place.path.c_str(), second.c_str()) == 0);
    CHECK(place.error() == "it has several links");
    REQUIRE(unlink(place.path.c_str()) == 0);
    REQUIRE(symlink(second.c_str(), place.path.c_str()) == 0);
    CHECK(place.error() == "it is a symbolic link");
    REQUIRE(unlink(place.path.c_str()) == 0);
    REQUIRE(mkdir(place.path.c_str(), 0700) == 0);
    CHECK(place.error() == "it is not a regular file");
}

TEST_CASE("A5 a state file that cannot be written leaves the old one, and says why") {
    const Place place;
    const StateFile file(place.directory + "/missing/state", here);
    const auto written = file.write(Place::sections(), Time{0});
    REQUIRE_FALSE(written);
    CHECK(written.error() == "No such file or directory");
    CHECK(file.obstacle().find("/missing: No such file or directory") != std::string::npos);
    CHECK(StateFile(place.path, here).obstacle().empty());
}

TEST_CASE("A5 a missing directory of the state file is made for its user alone") {
    const Place place;
    const StateFile file(place.directory + "/private/state", here);
    const mode_t before = umask(0);
    file.make_directory();
    umask(before);
    struct stat status {};
    REQUIRE(stat((place.directory + "/private").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    CHECK(file.obstacle().empty());
    CHECK(file.write(Place::sections(), Time{0}));
    const StateFile deeper(place.directory + "/one/two/state", here);
    deeper.make_directory();
    CHECK_FALSE(deeper.obstacle().empty());
}
