// Runs a fuzz target over the files and directories given: a corpus can be replayed with any compiler.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/inside.hpp"

namespace {

bool replay(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (!stream.is_open() || stream.bad()) {
        std::fprintf(stderr, "cannot read %s\n", file.c_str());
        return false;
    }
    // Print the name first, so that it is the last line if the target aborts.
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    // Exactly as long as the input, so that the sanitizer detects a read after its end.
    const std::vector<unsigned char> exact(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t replayed = 0;
    bool good = true;
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path path = argv[i];
        if (!std::filesystem::is_directory(path)) {
            good = replay(path) && good;
            ++replayed;
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (!entry.is_regular_file()) continue;
            good = replay(entry.path()) && good;
            ++replayed;
        }
    }
    std::printf("%zu inputs\n", replayed);
    return good && replayed > 0 ? 0 : 1;
}
