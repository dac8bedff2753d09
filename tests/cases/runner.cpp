// Plays all case files of a folder. Usage: cases DIRECTORY [NAME-PART]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cases/player.hpp"

namespace {

// The rules that the core keeps on its own. At least one case must name each of them.
constexpr const char* scope[] = {"S1",  "S2", "S3", "S4", "S5", "S6", "S8", "S9", "S10", "D1",  "D3",
                                 "C1",  "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9",  "C10", "C11",
                                 "C12", "A3", "A5", "O5", "X1", "X2", "X3", "X4", "X6",  "X7",  "X8"};

int count_unnamed(const std::set<std::string>& named) {
    int unnamed = 0;
    for (const char* rule : scope) {
        if (named.contains(rule)) continue;
        std::fprintf(stderr, "FAIL no case names the rule %s\n", rule);
        ++unnamed;
    }
    return unnamed;
}

void note_words(const std::string& name, std::set<std::string>& named) {
    std::istringstream in(name);
    for (std::string word; in >> word;)
        named.insert(word);
}

bool play(const std::string& path, const sipalg::test::Case& one) {
    sipalg::test::Player player;
    for (const sipalg::test::Step& step : one.steps) {
        try {
            player.play(step);
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
    std::set<std::string> named;
    try {
        std::vector<std::string> paths;
        for (const auto& file : std::filesystem::directory_iterator(argv[1]))
            if (file.path().extension() == ".case") paths.push_back(file.path().string());
        std::sort(paths.begin(), paths.end());
        for (const std::string& path : paths)
            for (const sipalg::test::Case& one : sipalg::test::read_cases(path)) {
                note_words(one.name, named);
                if (one.name.find(part) != std::string::npos) ++(play(path, one) ? passed : failed);
            }
        failed += count_unnamed(named);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "FAIL %s\n", error.what());
        ++failed;
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
