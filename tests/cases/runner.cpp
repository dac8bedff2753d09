// Plays all case files of a folder. Usage: cases DIRECTORY [NAME-PART]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cases/router.hpp"

namespace {

bool play(const std::string& path, const sipalg::test::Case& one) {
    sipalg::test::Router router;
    for (const sipalg::test::Step& step : one.steps) {
        try {
            router.play(step);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "FAIL %s:%d: %s\n  step '%s': %s\n", path.c_str(), step.line,
                         one.name.c_str(), step.verb.c_str(), error.what());
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: cases DIRECTORY [NAME-PART]\n");
        return 2;
    }
    const std::string part = argc > 2 ? argv[2] : "";
    int passed = 0, failed = 0;
    try {
        std::vector<std::string> paths;
        for (const auto& file : std::filesystem::directory_iterator(argv[1]))
            if (file.path().extension() == ".case") paths.push_back(file.path().string());
        std::sort(paths.begin(), paths.end());
        for (const std::string& path : paths)
            for (const sipalg::test::Case& one : sipalg::test::read_cases(path))
                if (one.name.find(part) != std::string::npos) ++(play(path, one) ? passed : failed);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "FAIL %s\n", error.what());
        ++failed;
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
