#include "nft/helper.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using sipalg::nft::automatic_helper;

namespace {

// A directory with as much of /proc and /sys as is looked at.
class Root {
  public:
    Root() {
        std::string name = (std::filesystem::temp_directory_path() / "sipalg-helper-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Root() { std::filesystem::remove_all(path); }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    void setting(const char* value) const {
        std::filesystem::create_directories(path / "proc/sys/net/netfilter");
        std::ofstream(path / "proc/sys/net/netfilter/nf_conntrack_helper") << value << '\n';
    }
    void module() const { std::filesystem::create_directories(path / "sys/module/nf_conntrack_sip"); }

    std::filesystem::path path;
};

}  // namespace

TEST_CASE("X10: old kernels assign the helper by port if a sysctl says so") {
    const Root root;
    CHECK(automatic_helper(root.path) == std::nullopt);
    root.module();
    CHECK(automatic_helper(root.path) == std::nullopt);  // new kernels have no such setting
    root.setting("0");
    CHECK(automatic_helper(root.path) == std::nullopt);
    root.setting("1");
    const auto finding = automatic_helper(root.path);
    REQUIRE(finding);
    CHECK(finding->find("sysctl -w net.netfilter.nf_conntrack_helper=0") != std::string::npos);
}

TEST_CASE("X10: without the helper's module the sysctl does nothing") {
    const Root root;
    root.setting("1");
    CHECK(automatic_helper(root.path) == std::nullopt);
}
